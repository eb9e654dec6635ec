"""Wires the verbs with the AWS target: the one place of the CLI that connects to an account.

Nothing here is imported before a verb names an environment that is there (`places.py`).
"""

import json
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from fairway.cli.project import Project
from fairway.core import names
from fairway.core.problem import Problem, Problems
from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from fairway.targets.aws.account import Account, connect
from fairway.targets.aws.decide.progress import Beat
from fairway.targets.aws.decide.strangers import stranger
from fairway.targets.aws.environment import Environment, Said, silent
from fairway.targets.aws.render import Choices, choices_for, stacks
from fairway.targets.aws.store import Store

__all__ = ["REMEMBERED", "domains", "opened", "others", "remember", "remembered"]

CHOICES = "choices.json"
REMEMBERED = ("builds", "egress", "processor", "traces")


def opened(
    found: Project,
    name: str,
    *,
    region: str | None,
    profile: str | None,
    tell: Callable[[Beat], None] = silent,
    choices: Choices | None = None,
    account: Account | None = None,
    sees: Callable[[App], object] | None = None,
) -> Environment:
    """An environment of the file, in the account of whoever calls. Raises `Problems`.

    `sees` looks at what is asked of it before anybody signs in.
    """
    app = parse(found.text).app(name)
    if sees is not None:
        sees(app)
    here = account or connect(region=region, profile=profile)
    return Environment(
        here,
        app,
        stacks(app, choices or choices_for(app)),
        tell=tell,
        other=others(app, here.region),
    )


def others(app: App, region: str) -> Callable[[str], Account]:
    """What signs in to the other accounts of the file, each once, as the script of `render` does.

    `FRONTEND_PROFILE` names the profile for the account `frontend`.
    """

    @cache
    def other(name: str) -> Account:
        variable = f"{names.variable_stem(name)}_PROFILE"
        profile = os.environ.get(variable)
        if not profile:
            number = app.accounts.get(name, "a number that the file does not say any more")
            what = f"nobody says who signs in to it: it is account {number}"
            mend = f"Name a profile of that account: export {variable}=…"
            raise Problems([Problem(f"accounts.{name}", what, mend)], exit_code=1)
        found = connect(region=region, profile=profile)
        if problems := stranger(app, name, found.number):
            raise Problems(problems, exit_code=1)
        return found

    return other


def domains(name: str) -> Said:
    """`FRONTEND_DOMAIN` and `FRONTEND_HOSTED_ZONE_ID`, for the account `frontend`."""
    stem = names.variable_stem(name)
    return os.environ.get(f"{stem}_DOMAIN"), os.environ.get(f"{stem}_HOSTED_ZONE_ID")


def remembered(first: Choices, said: Mapping[str, str | None], store: Store | None) -> Choices:
    """What is said now, else at the last deploy, else `first`: none changes by leaving it out."""
    text = None if store is None else store.read(CHOICES)
    kept: Mapping[str, Any] = json.loads(text or "{}")
    found: dict[str, Any] = {
        name: said.get(name) or kept.get(name) or getattr(first, name) for name in REMEMBERED
    }
    return replace(first, **found)


def remember(chosen: Choices, store: Store, *, but: Collection[str] = ()) -> None:
    """Keep what was chosen for the next time; of what is in `but`, what was kept before."""
    kept: Mapping[str, Any] = json.loads(store.read(CHOICES) or "{}")
    found = {name: getattr(chosen, name) for name in REMEMBERED if name not in but}
    store.write(CHOICES, json.dumps({**kept, **found}, sort_keys=True))

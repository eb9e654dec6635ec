"""Wires the verbs with the AWS target: the one place of the CLI that connects to an account.

Nothing here is imported before a verb names an environment that is there (`places.py`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fairway.cli.project import Project
from fairway.core.spec.parse import parse
from fairway.targets.aws.account import Account, connect
from fairway.targets.aws.decide.progress import Beat
from fairway.targets.aws.environment import Environment, silent
from fairway.targets.aws.render import Choices, Egress, Processor, choices_for, stacks
from fairway.targets.aws.store import Store

__all__ = ["opened", "remember", "remembered"]

CHOICES = "choices.json"


def opened(
    found: Project,
    name: str,
    *,
    region: str | None,
    profile: str | None,
    tell: Callable[[Beat], None] = silent,
    choices: Choices | None = None,
    account: Account | None = None,
) -> Environment:
    """An environment of the file, in the account of whoever calls. Raises `Problems`."""
    app = parse(found.text).app(name)
    return Environment(
        account or connect(region=region, profile=profile),
        app,
        stacks(app, choices or choices_for(app)),
        tell=tell,
    )


def remembered(
    first: Choices, egress: Egress | None, processor: Processor | None, store: Store | None
) -> Choices:
    """What is chosen now, else at the last deploy: no network changes by leaving an option out."""
    text = None if store is None else store.read(CHOICES)
    kept: Mapping[str, Any] = json.loads(text or "{}")
    return replace(
        first,
        egress=egress or kept.get("egress", first.egress),
        processor=processor or kept.get("processor", first.processor),
    )


def remember(chosen: Choices, store: Store) -> None:
    """Keep what was chosen for the next time."""
    store.write(CHOICES, json.dumps({"egress": chosen.egress, "processor": chosen.processor}))

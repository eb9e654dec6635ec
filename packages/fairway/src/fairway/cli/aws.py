"""Wires the verbs with the AWS target: the one place of the CLI that connects to an account.

Nothing here is imported before a verb names an environment that is there (`places.py`).
"""

from collections.abc import Callable

from fairway.cli.project import Project
from fairway.core.spec.parse import parse
from fairway.targets.aws.account import Account, connect
from fairway.targets.aws.decide.progress import Beat
from fairway.targets.aws.environment import Environment, silent
from fairway.targets.aws.render import Choices, choices_for, stacks

__all__ = ["opened"]


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

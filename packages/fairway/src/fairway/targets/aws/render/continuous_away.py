"""The role that a pipeline takes in another account than the services' (R204): `ci-ACCOUNT.json`.

There stand sites alone: it changes that account's edge through the role that CloudFormation is
given there, sends files, and asks the CDN anew. It is trusted to GitHub as the one at home is, and
not to home: no account trusts another (docs/adr/0019). Deployed once by people. Pure.
"""

from collections.abc import Iterator

from fairway.core.spec.model import App
from fairway.targets.aws.render.accounts import away
from fairway.targets.aws.render.continuous import (
    NAME,
    add_ci_role,
    may_change,
    may_send_files,
    subjects,
)
from fairway.targets.aws.render.edge import REGION_OF_EDGE
from fairway.targets.aws.render.policies import statement
from fairway.targets.aws.render.template import (
    ACCOUNT,
    PARTITION,
    Draft,
    Stack,
    Value,
    sub,
)

__all__ = ["continuous_away"]


def continuous_away(app: App) -> tuple[Stack, ...]:
    """One for each other account; none where no repository deploys to this environment."""
    who = subjects(app.pipeline, app.environment) if app.pipeline else ()
    return tuple(_role(there, account, who) for account, there in away(app).items() if who)


def _role(there: App, account: str, who: tuple[str, ...]) -> Stack:
    draft = Draft(
        app=there.name,
        environment=there.environment,
        name=f"{NAME}-{account}",
        description=f"{there.name} in {there.environment}: its pipeline's role in {account}.",
        account=account,
    )
    add_ci_role(draft, who, lambda deployer: _statements(there, account, draft, deployer))
    return draft.stack()


def _statements(there: App, account: str, draft: Draft, deployer: Value) -> Iterator[Value]:
    """Its edge alone: not even this stack is of that name."""
    edge = draft.called(f"edge-{account}", limit=128)
    place = f"{REGION_OF_EDGE}:{ACCOUNT}"
    stacks: list[Value] = [sub(f"arn:{PARTITION}:cloudformation:{place}:stack/{edge}/*")]
    yield from may_change(stacks, deployer)
    parameters = sub(f"arn:{PARTITION}:ssm:{place}:parameter{draft.path('*')}")
    yield statement(("ssm:GetParameter",), parameters)
    yield from may_send_files(there, edge)

"""Looks whether an environment's network stands with other addresses than were rendered.

Place in the flow: `deploying.py` asks before anything changes, `previewing.py` for a plan. What it
means is decided in `decide/addresses.py`.
"""

import json

from fairway.core.problem import Problem, Problems
from fairway.targets.aws.decide.addresses import addresses_of, moved
from fairway.targets.aws.decide.stack_status import way
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.render.template import text

__all__ = ["moves", "see_addresses"]

NETWORK = "network"


def moves(environment: Environment) -> list[Problem]:
    """Why the network cannot become what was rendered; none where it can, or is not there."""
    stack = environment.stack(NETWORK)
    formation = environment.formation()
    if stack is None or way(formation.status(stack)) in {"create", "remake"}:
        return []
    standing = addresses_of(formation.template(stack))
    return moved(standing, addresses_of(json.loads(text(stack))), environment.app.environment)


def see_addresses(environment: Environment) -> None:
    """Raise `Problems` where it cannot."""
    if problems := moves(environment):
        raise Problems(problems)

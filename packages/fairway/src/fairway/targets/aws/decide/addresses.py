"""Whether a network that stands has other addresses than the file says (R205). Pure.

CloudFormation would put another network beside it, and then fail: databases, caches and balancers
do not move between networks. So nothing is asked of it.
"""

from collections.abc import Mapping
from typing import Any

from fairway.core.problem import Problem

__all__ = ["addresses_of", "moved"]


def addresses_of(template: Mapping[str, Any]) -> str | None:
    """The addresses of the network in a template of its stack; None where it has none."""
    network = template.get("Resources", {}).get("Network", {})
    found = network.get("Properties", {}).get("CidrBlock")
    return found if isinstance(found, str) else None


def moved(standing: str | None, wanted: str | None, environment: str) -> list[Problem]:
    """Why a deploy cannot change the addresses that stand; none where they are the same."""
    if standing is None or wanted is None or standing == wanted:
        return []
    what = f"the network stands with {standing}, and what is in it does not move to {wanted}"
    mend = (
        f'Write addresses = "{standing}" in [environment.{environment}]. For others, deploy a new '
        f"environment, move the data by dump and restore, and take {environment} down."
    )
    return [Problem("addresses", what, mend)]

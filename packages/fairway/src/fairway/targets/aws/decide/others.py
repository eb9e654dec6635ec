"""What a stack is given of the values of a deploy, where the file names several accounts. Pure.

Values are held in one mapping, as the stacks of home ask for them: `Domain`, `HostedZoneId`, and
for an account `frontend` its `FrontendDomain` and `FrontendHostedZoneId`. A stack of that account
asks for the latter two by the names of the former, and for home's domain as `ServicesDomain`.
"""

from collections.abc import Mapping

from fairway.core import names
from fairway.targets.aws.render.accounts import SERVICES_DOMAIN
from fairway.targets.aws.render.template import Stack

__all__ = ["DOMAIN", "ZONE", "domain_of", "values_of", "zone_of"]

DOMAIN, ZONE = "Domain", "HostedZoneId"


def domain_of(account: str | None) -> str:
    """What the domain of an account is called among the values; None: home's."""
    return DOMAIN if account is None else names.logical_id(account, "domain")


def zone_of(account: str | None) -> str:
    """The same of its zone."""
    return ZONE if account is None else f"{names.logical_id(account)}{ZONE}"


def values_of(stack: Stack, values: Mapping[str, str]) -> Mapping[str, str]:
    """The values by the names that this stack asks for them."""
    if stack.account is None:
        return values
    said = {
        DOMAIN: values.get(domain_of(stack.account)),
        ZONE: values.get(zone_of(stack.account)),
        SERVICES_DOMAIN: values.get(DOMAIN),
    }
    return {name: value for name, value in said.items() if value is not None}

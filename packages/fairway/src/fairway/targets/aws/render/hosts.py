"""The host names of what is public: below the domain that is given when the stacks are deployed.

One public node has the domain itself; of several, the only site has it, and each of the others
its own name below it. A service whose answers the edge keeps is reached by the edge at
`origin-<name>`.
"""

from fairway.core.spec.model import App, Service
from fairway.targets.aws.render.template import Draft, Value, sub

__all__ = [
    "DOMAIN",
    "address",
    "ask_domain",
    "ask_domain_of",
    "balanced",
    "cached_services",
    "host",
    "is_at_edge",
    "origin",
    "prefix",
    "public_services",
    "url",
]

DOMAIN = "${Domain}"
FORM = r"([a-z0-9-]{1,63}\.)+[a-z]{2,63}"


def public_services(app: App) -> list[Service]:
    """The services that people reach, in the order of the file."""
    return [service for service in app.services.values() if service.public]


def balanced(app: App) -> list[Service]:
    """Those that the balancer leads to; a function has a gateway of its own."""
    return [service for service in public_services(app) if service.kind == "container"]


def cached_services(app: App) -> list[Service]:
    """Those of them whose answers the CDN keeps."""
    return [service for service in public_services(app) if service.cache]


def is_at_edge(app: App, name: str) -> bool:
    """Whether the CDN stands before this public node."""
    return name in app.sites or bool(app.services[name].cache)


def host(app: App, name: str, domain: str = DOMAIN) -> Value:
    """The host name of a public node; `domain` is how the stack says the domain."""
    return sub(f"{prefix(app, name)}{domain}")


def url(app: App, name: str, domain: str = DOMAIN) -> Value:
    """The address of a public node, without a final slash."""
    return sub(address(app, name, domain))


def address(app: App, name: str, domain: str = DOMAIN) -> str:
    """The same, as a part of a longer text."""
    return f"https://{prefix(app, name)}{domain}"


def origin(app: App, name: str, domain: str = DOMAIN) -> Value:
    """The host name at which the balancer itself, or its gateway, is reached for this service."""
    return sub(f"origin-{name}.{domain}") if is_at_edge(app, name) else host(app, name, domain)


def prefix(app: App, name: str) -> str:
    """What stands before the domain: `api.`, or nothing."""
    publics = [*app.sites, *(service.name for service in public_services(app))]
    first = list(app.sites) or publics
    return "" if first == [name] else f"{name}."


def ask_domain(draft: Draft) -> None:
    """Ask whoever deploys for the domain and its zone."""
    what = "The domain of the app, such as app.example.org; its zone is in Route 53."
    ask_domain_of(draft, "Domain", what)
    draft.parameters["HostedZoneId"] = {
        "Type": "AWS::Route53::HostedZone::Id",
        "Description": "The id of the zone in Route 53 that holds the domain.",
    }


def ask_domain_of(draft: Draft, id_: str, description: str) -> None:
    """Ask for a domain alone."""
    draft.ask(id_, description, AllowedPattern=FORM)

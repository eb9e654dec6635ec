"""What holds of a site's pages wherever they are served: what they load, whom they call.

Pure.
"""

import json
from collections.abc import Mapping, Sequence

from fairway.core import names
from fairway.core.spec.model import App, Service, Site

__all__ = ["TOLD", "callers", "content_policy", "is_public", "told"]

TOLD = "fairway.json"  # a file of that name in the site's folder wins


def content_policy(called: Sequence[str]) -> str:
    """The Content-Security-Policy of pages that may call these addresses, and themselves."""
    allowed = (
        "default-src 'self'",
        " ".join(("connect-src 'self'", *called)),
        "img-src 'self' data:",
        "style-src 'self' 'unsafe-inline'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
    return "; ".join(allowed)


def callers(app: App, service: Service) -> tuple[str, ...]:
    """The sites whose pages call a service, sorted."""
    return tuple(name for name, site in sorted(app.sites.items()) if service.name in site.calls)


def told(site: Site, addresses: Mapping[str, str]) -> str:
    """What `TOLD` holds: where the services are, by the variables that a service would read."""
    found = {names.service_variable(name): addresses[name] for name in sorted(site.calls)}
    return json.dumps(found, sort_keys=True)


def is_public(path: str) -> bool:
    """Whether a file of a site may be seen: not what is hidden, at whatever depth.

    `path` has slashes and is relative to the site's folder.
    """
    parts = path.split("/")
    return not any(part.startswith(".") and part != ".well-known" for part in parts)

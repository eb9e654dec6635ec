"""A site on this machine: a service of one replica that answers as its CDN would. Pure.

Place in the flow: `preparation` gives the engine an app whose sites are services, so that they are
built, released, probed and logged like all others; `commands` adds what their processes read.
"""

from collections.abc import Mapping
from dataclasses import replace

from fairway.core import names, pages
from fairway.core.spec.model import App, Job, Service, Site
from fairway.core.spec.quantities import Replicas
from fairway_runtime import contract

__all__ = ["as_written", "site_variables", "with_sites"]


def with_sites(app: App) -> App:
    """The app with a service for each of its sites; the sites stay what they were."""
    sites = {name: service_of(site) for name, site in app.sites.items()}
    return replace(app, services=dict(sorted({**app.services, **sites}.items())))


def as_written(app: App) -> App:
    """The app as its file has it, of what `with_sites` gave."""
    services = {name: each for name, each in app.services.items() if name not in app.sites}
    return replace(app, services=services)


def service_of(site: Site) -> Service:
    told = " ".join(names.service_variable(name) for name in sorted(site.calls))
    return Service(
        name=site.name,
        wsgi="fairway_runtime.site:make",
        factory=True,
        public=True,
        uses=site.calls,
        build=site.build,
        replicas=Replicas(1, 1),
        variables={contract.SITE_ROOT: site.root, contract.SITE_TELLS: told},
    )


def site_variables(app: App, node: Service | Job, addresses: Mapping[str, str]) -> dict[str, str]:
    """What a site's process reads, and one that its pages call.

    `addresses` are the services' base URLs.
    """
    if node.name in app.sites:
        called = [addresses[name] for name in sorted(app.sites[node.name].calls)]
        return {contract.CONTENT_SECURITY_POLICY: pages.content_policy(called)}
    callers = pages.callers(app, node) if isinstance(node, Service) else ()
    if not callers:
        return {}
    # People type either name of this machine.
    origins = [
        form
        for name in callers
        for form in (addresses[name], addresses[name].replace("127.0.0.1", "localhost"))
    ]
    return {contract.CORS_ORIGINS: " ".join(origins)}

"""A site on this machine: a service that answers as its CDN would."""

import pytest

from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from fairway.targets.local.gaps import gaps
from fairway.targets.local.sites import as_written, site_variables, with_sites

ADDRESSES = {
    "api": "http://127.0.0.1:8001",
    "page": "http://127.0.0.1:8000",
    "worker": "http://127.0.0.1:9000",
}


def app_of(api: str = 'asgi = "m:a"', page: str = "") -> App:
    return parse(
        f'app = "x"\n[service.api]\n{api}\npublic = true\nreplicas = 1\n'
        '[service.worker]\nasgi = "m:w"\nreplicas = 1\n'
        f'[site.page]\nroot = "dist"\nbuild = "make"\ncalls = ["api"]\n{page}\n'
    ).app("local")


@pytest.mark.requirement("R1", "R5")
def test_a_site_is_a_service_of_one_replica_that_is_built_and_knows_what_it_calls() -> None:
    written = app_of()
    app = with_sites(written)
    site = app.services["page"]
    assert list(app.services) == ["api", "page", "worker"]
    assert (site.public, site.replicas.minimum, site.replicas.maximum) == (True, 1, 1)
    assert (site.build, site.uses) == ("make", ("api",))
    assert site.variables == {"FAIRWAY_SITE_ROOT": "dist", "FAIRWAY_SITE_TELLS": "API_URL"}
    assert as_written(app) == written


@pytest.mark.requirement("R7")
def test_its_pages_may_call_the_service_and_nobody_else_s_may() -> None:
    app = with_sites(app_of())
    (policy,) = site_variables(app, app.services["page"], ADDRESSES).values()
    assert "connect-src 'self' http://127.0.0.1:8001;" in policy
    assert site_variables(app, app.services["api"], ADDRESSES) == {
        "FAIRWAY_CORS_ORIGINS": "http://127.0.0.1:8000 http://localhost:8000"
    }
    assert site_variables(app, app.services["worker"], ADDRESSES) == {}


def test_what_a_cdn_would_add_is_said() -> None:
    walled = app_of(page="firewall = true")
    assert [each.where for each in gaps(walled, 2)] == ["site.page", "site.page.firewall"]
    own = app_of('command = "node server.js"\nprobe = "/"')
    assert "site.page.calls" in [each.where for each in gaps(own, 2)]

"""What holds of a site's pages wherever they are served."""

import pytest

from fairway.core import pages
from fairway.core.spec.parse import parse

APP = parse(
    'app = "x"\n[site.front]\nroot = "dist"\ncalls = ["api", "other-api"]\n'
    '[site.alone]\nroot = "."\n'
    '[service.api]\nasgi = "m:a"\npublic = true\n[service.other-api]\nasgi = "m:b"\npublic = true\n'
).app("production")


def test_pages_may_call_themselves_and_what_the_file_names() -> None:
    policy = pages.content_policy(["https://api.example.org"]).split("; ")
    assert "connect-src 'self' https://api.example.org" in policy
    assert "connect-src 'self'" in pages.content_policy([]).split("; ")
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.requirement("R7")
def test_a_service_knows_whose_pages_call_it() -> None:
    assert pages.callers(APP, APP.services["api"]) == ("front",)
    alone = parse('app = "x"\n[service.api]\nasgi = "m:a"\n').app("production")
    assert pages.callers(alone, alone.services["api"]) == ()


def test_pages_are_told_addresses_as_services_are() -> None:
    addresses = {"api": "https://a", "other-api": "https://b", "front": "https://c"}
    told = pages.told(APP.sites["front"], addresses)
    assert told == '{"API_URL": "https://a", "OTHER_API_URL": "https://b"}'
    assert pages.told(APP.sites["alone"], addresses) == "{}"


@pytest.mark.parametrize(
    ("path", "is_public"),
    [
        ("index.html", True),
        ("assets/app.js", True),
        (".well-known/security.txt", True),
        (".env", False),
        (".git/config", False),
        ("a/.hidden/b.js", False),
        (".well-known/.env", False),
    ],
)
def test_hidden_files_are_nobody_s_business(path: str, is_public: bool) -> None:
    assert pages.is_public(path) is is_public

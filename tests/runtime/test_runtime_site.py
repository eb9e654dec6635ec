"""A site's files as browsers get them, and what they do not get."""

import gzip
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from fairway_runtime.site import Site, make

PAGE = "<!doctype html><title>The page</title>"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    root = tmp_path / "dist"
    for name, text in {
        "index.html": PAGE,
        "assets/app.js": "console.log(1)" * 100,
        "docs/index.html": "of the docs",
        ".env": "SECRET=1",
        ".git/config": "secret",
        "assets/.hidden.js": "secret",
        ".well-known/security.txt": "Contact: us",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "assets/app.js.gz").write_bytes(gzip.compress(b"console.log(1)" * 100))
    environment = {
        "FAIRWAY_SITE_ROOT": str(root),
        "FAIRWAY_SITE_TELLS": "API_URL",
        "API_URL": "http://127.0.0.1:8001",
        "DATABASE_URL": "postgresql://nobody-is-told",
    }
    return make(environment)


def ask(site: Site, path: str, method: str = "GET", **headers: str) -> tuple[str, Any, bytes]:
    environ: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": method}
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    setup_testing_defaults(environ)
    said: list[Any] = []
    answer: Any = site(environ, lambda status, headers: said.extend((status, headers)))
    with closing(answer) if hasattr(answer, "close") else nullcontext():
        body = b"".join(answer)
    return said[0][:3], {name.lower(): value for name, value in said[1]}, body


@pytest.mark.requirement("R1", "R5")
def test_the_page_is_asked_for_anew_and_its_files_have_their_types(site: Site) -> None:
    status, headers, body = ask(site, "/")
    assert (status, body) == ("200", b"<!doctype html><title>The page</title>")
    assert headers["content-type"].startswith("text/html")
    assert headers["cache-control"] == "no-cache"
    status, headers, body = ask(site, "/assets/app.js")
    assert (status, headers["content-type"].split(";")[0]) == ("200", "text/javascript")
    assert "cache-control" not in headers
    assert ask(site, "/assets/app.js", "HEAD")[2] == b""


@pytest.mark.parametrize(
    "path", ["/items/5", "/docs", "/docs/", "/missing.js", "/../../etc/passwd"]
)
def test_a_deep_link_survives_a_reload(site: Site, path: str) -> None:
    assert ask(site, path)[::2] == ("200", PAGE.encode())


@pytest.mark.parametrize("path", ["/.env", "/.git/config", "/assets/.hidden.js", "//.env"])
def test_hidden_files_are_not_there(site: Site, path: str) -> None:
    assert ask(site, path)[::2] == ("200", PAGE.encode())


def test_what_is_well_known_is_there(site: Site) -> None:
    assert ask(site, "/.well-known/security.txt")[2] == b"Contact: us"


def test_a_browser_that_has_it_gets_nothing_and_one_that_can_gets_it_packed(site: Site) -> None:
    headers = ask(site, "/assets/app.js")[1]
    again = ask(site, "/assets/app.js", IF_NONE_MATCH=headers["etag"])
    assert again[::2] == ("304", b"")
    packed = ask(site, "/assets/app.js", ACCEPT_ENCODING="gzip, br")
    assert packed[1]["content-encoding"] == "gzip"
    assert gzip.decompress(packed[2]) == b"console.log(1)" * 100
    assert ask(site, "/assets/app.js", RANGE="bytes=0-6")[::2] == ("206", b"console")


def test_pages_are_told_where_their_services_are_and_nothing_else(site: Site) -> None:
    status, headers, body = ask(site, "/fairway.json")
    assert (status, headers["content-type"]) == ("200", "application/json")
    assert body == b'{"API_URL": "http://127.0.0.1:8001"}'
    assert ask(site, "/fairway.json", "HEAD")[2] == b""


@pytest.mark.parametrize("path", ["/", "/fairway.json", "/assets/app.js", "/nothing"])
def test_nothing_can_be_sent_to_it(site: Site, path: str) -> None:
    assert ask(site, path, "POST")[0] == "405"


def test_a_folder_without_a_page_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no index\.html in .*nowhere: build"):
        make({"FAIRWAY_SITE_ROOT": str(tmp_path / "nowhere")})

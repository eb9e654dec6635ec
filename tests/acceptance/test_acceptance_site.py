"""A site and the service that its pages call."""

import http.client
from urllib.parse import urlsplit

import pytest

from tests.acceptance.conftest import MakeProject
from tests.acceptance.project import Project

pytestmark = [pytest.mark.acceptance, pytest.mark.real]

FILE = """
app = "small"

[site.page]
root = "site/dist"
build = "sh site/build.sh"
calls = ["web"]

[service.web]
asgi = "main:app"
public = true
port = <port>
replicas = 1

[variables]
SWITCHES = "<switches>"
"""
BUILD = "mkdir -p site/dist && sed s/word/built/ site/page.html > site/dist/index.html\n"


def page(project: Project, path: str = "/") -> tuple[str, http.client.HTTPMessage]:
    (line,) = (each for each in project.status()["services"] if each["name"] == "page")
    connection = http.client.HTTPConnection(urlsplit(line["url"]).netloc, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode(), answer.headers
    finally:
        connection.close()


@pytest.mark.requirement("R1", "R5", "R7")
def test_a_site_must_be_built_served_and_released_and_its_pages_let_in(
    make_project: MakeProject,
) -> None:
    project = make_project(FILE)
    site = project.folder / "site"
    site.mkdir()
    (site / "build.sh").write_text(BUILD)
    (site / "page.html").write_text("the first word")
    project.up()
    text, headers = page(project)
    assert text == "the first built"
    assert (
        f"connect-src 'self' http://127.0.0.1:{project.port};"
        in (headers["content-security-policy"])
    )
    assert page(project, "/deep/link")[0] == text
    assert page(project, "/fairway.json")[0] == (
        f'{{"WEB_URL": "http://127.0.0.1:{project.port}"}}'
    )
    here = project.status()["url"]
    answer = project.ask("/", headers={"Origin": here})
    assert answer.headers["access-control-allow-origin"] == here
    assert (
        "access-control-allow-origin"
        not in project.ask("/", headers={"Origin": "https://elsewhere.example"}).headers
    )

    (site / "page.html").write_text("the second word")
    project.done("deploy")
    assert page(project)[0] == "the second built"

    (site / "build.sh").write_text("rm -r site/dist\n")
    failed = project.fairway("deploy")
    assert failed.code == 1
    assert "there is no index.html in site/dist" in failed.err
    assert page(project)[0] == "the second built"

"""What lasts longer than a request: WebSockets, and sessions that stay with one replica."""

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.acceptance.conftest import MakeProject
from tests.acceptance.project import Project

pytestmark = [pytest.mark.acceptance, pytest.mark.real]

FILE = """
app = "small"

[service.web]
asgi = "main:app"
public = true
port = <port>
replicas = 2
sticky = true
timeouts = { drain = "3s" }
variables = { SWITCHES = "<switches>" }
"""


@pytest.fixture(scope="module")
def app(make_shared_project: MakeProject) -> Project:
    project = make_shared_project(FILE)
    project.up()
    project.until(lambda: len(project.ready()) == 2, "two replicas are ready")
    return project


def session(app: Project) -> tuple[str, dict[str, str]]:
    """A new visitor: the replica that answered, and the cookie that it was given."""
    answer = app.ask()
    assert answer.status == 200
    cookie = answer.headers["set-cookie"].partition(";")[0]
    return str(answer.json["replica"]), {"cookie": cookie}


def test_a_visitor_must_stay_with_one_replica_and_move_only_when_it_is_gone(app: Project) -> None:
    visitors = [session(app) for _ in range(12)]
    assert {replica for replica, _ in visitors} == set(app.ready())
    for replica, cookie in visitors:
        answers = {app.ask(headers=cookie).json["replica"] for _ in range(5)}
        assert answers == {replica}
    home, cookie = visitors[0]
    app.kill(home)
    answer = app.ask(headers=cookie)
    assert answer.status == 200
    assert answer.json["replica"] != home
    app.until(lambda: home not in app.replicas() and len(app.ready()) == 2, "it is replaced")


def opened(app: Project) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{app.port}/ws", proxy=None)


@pytest.mark.requirement("R221", "R223", "R225")
def test_a_websocket_must_pass_and_be_told_to_come_again_when_its_replica_goes(
    app: Project,
) -> None:
    with opened(app) as socket:
        for word in ("one", "two"):
            socket.send(word)
            assert str(socket.recv(timeout=5)).endswith(f": {word}")
        app.version("2")
        app.done("deploy")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    with opened(app) as socket:
        socket.send("again")
        replica = str(socket.recv(timeout=5)).partition(":")[0]
        assert app.replicas()[replica]["revision"] == app.status()["revision"]

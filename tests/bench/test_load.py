"""The load generator sends what it should and misses no failure."""

import threading
import time
from collections.abc import Iterator

import pytest
from websockets.sync.server import ServerConnection, serve

from bench.load import Generator, Load, Report, Request
from bench.load_request import cycle
from tests.bench.server_of_faults import ServerOfFaults

pytestmark = pytest.mark.real


@pytest.fixture
def server() -> Iterator[ServerOfFaults]:
    with ServerOfFaults() as running:
        yield running


def run(load: Load, seconds: float = 0.5) -> Report:
    with Generator(load) as generator:
        time.sleep(seconds)
        return generator.finish()


def test_a_sound_server_has_no_failures_on_kept_and_fresh_connections(
    server: ServerOfFaults,
) -> None:
    requests = (
        Request("/ok", expect="ok", weight=2),
        Request("/chunked", expect="ok"),
        Request("/last", expect="ok"),
        Request("/echo", method="POST", body='{"n": {n}}', expect='{"n": '),
    )
    told = run(Load(server.port, requests, rate=200, fresh_share=0.2, keepalive=4))
    assert told.total.failures == {}
    assert told.total.sent > 50
    assert told.total.p50_ms > 0
    assert server.methods["GET"] > server.methods["POST"] > 0
    assert b'{"n": 3}' in server.bodies
    assert server.connections < told.total.sent


def test_a_fresh_share_of_one_opens_a_connection_a_request(server: ServerOfFaults) -> None:
    told = run(Load(server.port, (Request("/ok"),), rate=100, fresh_share=1.0))
    assert told.total.failures == {}
    assert server.connections == told.total.sent


def test_without_fresh_connections_the_kept_ones_take_turns(server: ServerOfFaults) -> None:
    told = run(Load(server.port, (Request("/ok"),), rate=100, fresh_share=0.0, keepalive=3))
    assert told.total.failures == {}
    # More than 3 only where an answer took longer than the pause between requests.
    assert 3 <= server.connections < told.total.sent


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/500", "status_5xx"),
        ("/404", "status_4xx"),
        ("/short", "short_body"),
        ("/reset", "reset"),
        ("/closed", "closed"),
        ("/garbage", "malformed"),
        ("/hang", "timeout"),
    ],
)
def test_every_injected_failure_is_counted_by_its_kind(
    server: ServerOfFaults, path: str, kind: str
) -> None:
    requests = (Request("/ok", expect="ok", weight=9), Request(path))
    told = run(Load(server.port, requests, rate=100, timeout_seconds=0.5))
    injected = sum(1 for n in range(told.total.sent) if cycle([9, 1])[n % 10] == 1)
    assert injected > 0
    assert told.total.failures == {kind: injected}


def test_a_body_without_what_it_must_hold_is_a_failure(server: ServerOfFaults) -> None:
    told = run(Load(server.port, (Request("/ok", expect="weather"),), rate=50))
    assert told.total.failures == {"wrong_body": told.total.sent}


def test_a_server_that_goes_away_is_refused_from_then_on(server: ServerOfFaults) -> None:
    load = Load(server.port, (Request("/ok"),), rate=100, fresh_share=1.0)
    with Generator(load) as generator:
        time.sleep(0.3)
        server.refuse()
        time.sleep(0.1)
        generator.mark("gone")
        time.sleep(0.3)
        told = generator.finish()
    gone = told.phase("gone")
    assert gone.sent > 0
    assert gone.failures == {"refused": gone.sent}
    assert told.phase("before").sent > told.phase("before").failed


def test_a_stall_is_felt_by_every_request_that_was_due_in_it(server: ServerOfFaults) -> None:
    load = Load(server.port, (Request("/ok"),), rate=100, keepalive=2, max_connections=4)
    with Generator(load) as generator:
        time.sleep(0.2)
        generator.mark("stall")
        server.stall(0.6)
        time.sleep(0.6)
        generator.mark("after")
        told = generator.finish()
    # Only 4 requests can be on their way; the others were due as well, and waited as long.
    stall = told.phase("stall")
    assert stall.failures == {}
    assert stall.p50_ms > 150
    assert stall.max_ms > 450


def test_requests_that_never_got_a_connection_time_out_too(server: ServerOfFaults) -> None:
    load = Load(
        server.port,
        (Request("/hang"),),
        rate=100,
        keepalive=1,
        max_connections=2,
        timeout_seconds=0.4,
    )
    told = run(load)
    assert told.total.sent > 2
    assert told.total.failures == {"timeout": told.total.sent}


def test_a_load_comes_from_all_its_sources(server: ServerOfFaults) -> None:
    sources = ("127.0.0.2", "127.0.0.3")
    told = run(Load(server.port, (Request("/ok"),), rate=50, fresh_share=0.5, sources=sources))
    assert told.total.failures == {}
    assert server.peers == set(sources)


def test_leaving_without_a_report_ends_the_process(server: ServerOfFaults) -> None:
    with Generator(Load(server.port, (Request("/ok"),), rate=50)) as generator:
        pass
    with pytest.raises(RuntimeError, match="has ended"):
        generator.finish()


def test_a_held_websocket_tells_when_it_was_closed_and_opened_again() -> None:
    is_first = threading.Event()

    def hold(connection: ServerConnection) -> None:
        if not is_first.is_set():
            is_first.set()
            time.sleep(0.2)
            connection.close(1012)
        else:
            connection.recv()

    with serve(hold, "127.0.0.1", 0) as websockets:
        serving = threading.Thread(target=websockets.serve_forever)
        serving.start()
        port = websockets.socket.getsockname()[1]
        told = run(Load(port, (Request("/"),), rate=1, websocket="/live"), seconds=1.5)
        websockets.shutdown()
        serving.join(5)
    assert [what for _, what in told.websocket] == ["open", "closed 1012", "open"]


@pytest.mark.parametrize(
    "wrong",
    [{"rate": 0}, {"requests": ()}, {"fresh_share": 1.5}, {"keepalive": 8, "max_connections": 8}],
)
def test_a_load_that_means_nothing_is_refused(wrong: dict[str, object]) -> None:
    sound: dict[str, object] = {"port": 1, "requests": (Request("/"),), "rate": 1.0}
    with pytest.raises(ValueError, match=r"must leave room|needs a request"):
        Load(**(sound | wrong))  # pyright: ignore[reportArgumentType] - wrong on purpose


def test_turns_are_taken_by_weight_and_well_mixed() -> None:
    assert cycle([3, 1]) == [0, 0, 1, 0]
    assert cycle([1, 1]) == [0, 1]


def test_a_load_survives_the_pipe() -> None:
    request = Request("/{n}", "PUT", "x", (("Accept", "text/html"),), "y", 3)
    load = Load(80, (request,), 5.0, sources=("127.0.0.9",), websocket="/ws")
    assert Load.from_json(load.to_json()) == load

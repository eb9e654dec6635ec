"""Traces: whose trace a request belongs to, how its spans nest, and how they reach a collector."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.targets.local.ports import free_port
from fairway_runtime import Fairway, Settings, logs, operation, outgoing_headers, traces
from fairway_runtime.asgi import App, Message, Receive, Scope, Send
from fairway_runtime.context import enter
from fairway_runtime.lifecycle import Phase
from fairway_runtime.lines import Lines
from fairway_runtime.logs import JsonHandler
from fairway_runtime.otlp import Exporter
from fairway_runtime.traces import Span, Tracer, parse_traceparent
from tests.properties import examples
from tests.runtime.apps import api, plain
from tests.runtime.asking import ask, scope_of
from tests.runtime.collector import Collector
from tests.runtime.serving import Memory, lines_into, until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{CALLER}-01".encode()


@pytest.fixture(autouse=True)
def lines_of_its_own() -> Iterator[Memory]:
    memory = Memory()
    enter(None)  # another test may have left its request here
    traces.enter(None)
    before, tracer = logs._installed[:], traces._installed[:]
    logs._installed[:] = [lines_into(memory)]
    traces._installed[:] = [Tracer()]
    yield memory
    logs._installed[:] = before
    traces._installed[:] = tracer


class Kept:
    """A sink that keeps its spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def add(self, span: Span) -> None:
        self.spans.append(span)

    def flush(self) -> bool:
        return True


def traced(app: App, lines: Lines, ratio: float = 1.0) -> tuple[Fairway, Kept]:
    fairway, kept = Fairway(app, Settings(is_logging=False), lines), Kept()
    fairway.tracer = Tracer(ratio, kept)
    return fairway, kept


async def simulate(scope: Scope, receive: Receive, send: Send) -> None:
    """R186's reference: the planner's five operations, two of them inside another."""
    with operation("validate_inputs"):
        await asyncio.sleep(0.002)
    with operation("run_monte_carlo_vectorized", scenarios=1000):
        with operation("generate_random_returns"):
            await asyncio.sleep(0.01)
        with operation("calculate_statistics"):
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.03)
    async with operation("render_charts"):
        await asyncio.sleep(0.03)
    with operation("cache_results"):
        await asyncio.sleep(0.001)
    await plain.app(scope, receive, send)


@pytest.mark.requirement("R182", "R183", "R184", "R185", "R186", "C14")
def test_the_reference_trace_arrives_at_a_collector_nested_as_it_ran(
    lines_of_its_own: Memory,
) -> None:
    with Collector() as collector:
        settings = Settings(
            is_logging=False,
            service="planner",
            revision="r7",
            environment="staging",
            traces_url=f"{collector.url}/v1/traces",
            traces_headers=(("api-key", "sesame"),),
        )
        fairway = Fairway(simulate, settings, lines_into(lines_of_its_own))
        asyncio.run(ask(fairway, "/simulate", headers=[(b"traceparent", GIVEN)]))
        until(lambda: len(collector.spans) == 7)

    assert collector.faults == []
    assert collector.requests[0]["api-key"] == "sesame"
    root, engine = collector.named("GET other"), collector.named("run_monte_carlo_vectorized")
    assert (root.kind, root.parent_id) == ("server", CALLER)
    parents = {span.name: span.parent_id for span in collector.spans}
    assert parents == {
        "GET other": CALLER,
        "validate_inputs": root.span_id,
        "run_monte_carlo_vectorized": root.span_id,
        "generate_random_returns": engine.span_id,
        "calculate_statistics": engine.span_id,
        "render_charts": root.span_id,
        "cache_results": root.span_id,
    }
    assert {span.trace_id for span in collector.spans} == {TRACE}
    for span in collector.spans:
        children = [one for one in collector.spans if one.parent_id == span.span_id]
        assert span.milliseconds >= sum(one.milliseconds for one in children)
        assert all(span.began_ns <= one.began_ns for one in children)
        assert all(one.ended_ns <= span.ended_ns for one in children)
    assert engine.attributes == {"scenarios": 1000}
    assert root.attributes["http.response.status_code"] == 200
    assert root.resource["service.name"] == "planner"
    assert root.resource["service.version"] == "r7"
    assert root.resource["deployment.environment.name"] == "staging"
    by_name = {line["operation"]: line for line in lines_of_its_own.lines}
    for span in collector.spans:
        assert by_name[span.name]["trace_id"] == TRACE
        assert by_name[span.name]["span_id"] == span.span_id
    assert by_name["calculate_statistics"]["parent_span_id"] == engine.span_id


@pytest.mark.requirement("R185")
def test_operations_at_the_same_time_do_not_nest_in_each_other(lines_of_its_own: Memory) -> None:
    async def work(name: str) -> None:
        with operation(name):
            await asyncio.sleep(0.01)
            with operation(f"in {name}"):
                await asyncio.sleep(0)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with operation("both"):
            await asyncio.gather(work("a"), work("b"))
            await asyncio.to_thread(asyncio.run, work("thread"))
        await plain.app(scope, receive, send)

    fairway, kept = traced(app, lines_into(lines_of_its_own))
    asyncio.run(ask(fairway))

    spans = {span.name: span for span in kept.spans}
    for name in ("a", "b", "thread"):
        assert spans[name].parent_id == spans["both"].span_id
        assert spans[f"in {name}"].parent_id == spans[name].span_id


@pytest.mark.requirement("R184")
def test_a_line_of_the_app_s_own_logging_carries_the_span_it_was_written_in(
    lines_of_its_own: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = logging.getLogger("traced")
    monkeypatch.setattr(own, "handlers", [JsonHandler(lines_into(lines_of_its_own))])
    monkeypatch.setattr(own, "propagate", False)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        own.warning("outside")
        with operation("inside"):
            own.warning("inside")
        await plain.app(scope, receive, send)

    fairway, kept = traced(app, lines_into(lines_of_its_own))
    asyncio.run(ask(fairway))
    own.warning("afterwards")

    outside, inside, _, access, afterwards = lines_of_its_own.lines
    assert inside["span_id"] == kept.spans[0].span_id
    assert outside["span_id"] == access["span_id"] == kept.spans[1].span_id
    assert len({line["trace_id"] for line in (outside, inside, access)}) == 1
    assert "trace_id" not in afterwards


def test_without_a_collector_and_without_a_caller_s_trace_lines_stay_as_they_are(
    lines_of_its_own: Memory,
) -> None:
    fairway = Fairway(plain.app, Settings(is_logging=False), lines_into(lines_of_its_own))

    asyncio.run(ask(fairway))
    asyncio.run(ask(fairway, headers=[(b"traceparent", GIVEN)]))
    asyncio.run(ask(fairway, headers=[(b"traceparent", GIVEN), (b"traceparent", GIVEN)]))

    traced_ids = [line.get("trace_id") for line in lines_of_its_own.lines]
    assert traced_ids[:2] == [None, TRACE]
    assert traced_ids[2] != TRACE


@pytest.mark.requirement("R184")
def test_a_call_to_another_service_carries_the_id_and_the_span_it_is_made_in(
    lines_of_its_own: Memory,
) -> None:
    seen: list[dict[str, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(outgoing_headers())
        with operation("call"):
            seen.append(outgoing_headers())
        await plain.app(scope, receive, send)

    fairway, kept = traced(app, lines_into(lines_of_its_own))
    given = [(b"traceparent", GIVEN), (b"tracestate", b"a=1"), (b"tracestate", b"b=2")]
    asyncio.run(ask(fairway, headers=[*given, (b"x-request-id", b"req-1")]))

    call, request = kept.spans
    assert seen[0] == {
        "x-request-id": "req-1",
        "traceparent": f"00-{TRACE}-{request.span_id}-01",
        "tracestate": "a=1,b=2",
    }
    assert seen[1]["traceparent"] == f"00-{TRACE}-{call.span_id}-01"
    assert outgoing_headers() == {}


def test_a_trace_that_we_do_not_record_is_passed_on_as_it_came(lines_of_its_own: Memory) -> None:
    seen: list[dict[str, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(outgoing_headers())
        await plain.app(scope, receive, send)

    fairway = Fairway(app, Settings(is_logging=False), lines_into(lines_of_its_own))
    asyncio.run(ask(fairway, headers=[(b"traceparent", GIVEN)]))

    assert seen[0]["traceparent"] == GIVEN.decode()


@pytest.mark.requirement("R184")
def test_the_caller_s_decision_wins_and_chance_decides_the_others(lines_of_its_own: Memory) -> None:
    fairway, kept = traced(plain.app, lines_into(lines_of_its_own), ratio=0.25)

    async def run() -> None:
        for _ in range(50):
            await ask(fairway, headers=[(b"traceparent", GIVEN)])
            await ask(fairway, headers=[(b"traceparent", GIVEN[:-1] + b"0")])
        assert len(kept.spans) == 50
        kept.spans.clear()
        for _ in range(2000):
            await ask(fairway)

    asyncio.run(run())

    assert 380 < len(kept.spans) < 620  # 500 is expected; 6 standard deviations


@pytest.mark.requirement("R187")
def test_what_failed_is_an_error_in_its_span(lines_of_its_own: Memory) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with operation("charge", password="sesame"):
            raise ValueError("no way with password=open-sesame")

    fairway, kept = traced(app, lines_into(lines_of_its_own))
    with pytest.raises(ValueError, match="no way"):
        asyncio.run(ask(fairway))

    charge, request = kept.spans
    assert charge.error == "ValueError: no way with password=***"
    assert charge.attributes == {"password": "***"}
    assert request.error == "500"


@pytest.mark.requirement("R184")
def test_a_job_s_operations_make_a_trace_of_their_own(lines_of_its_own: Memory) -> None:
    kept = Kept()
    traces.install(Tracer(1.0, kept))

    with operation("ingest"), operation("copy"):
        pass
    with operation("statistics"):
        pass

    copy, ingest, statistics = kept.spans
    assert ingest.parent_id == ""
    assert copy.parent_id == ingest.span_id
    assert copy.trace_id == ingest.trace_id != statistics.trace_id
    assert "correlation_id" in lines_of_its_own.lines[0]


def test_a_request_s_route_names_its_span(lines_of_its_own: Memory) -> None:
    fairway, kept = traced(api.app, lines_into(lines_of_its_own))

    asyncio.run(ask(fairway, "/items/7"))

    assert kept.spans[0].name == "GET /items/{item}"
    assert kept.spans[0].attributes["url.path"] == "/items/7"


@pytest.mark.requirement("R184", "R185")
def test_a_websocket_has_one_span_from_its_handshake_to_its_end_and_others_inside(
    lines_of_its_own: Memory,
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        with operation("rerun"):
            await send({"type": "websocket.send", "text": "hello"})

    fairway, kept = traced(app, lines_into(lines_of_its_own))
    fairway.lifecycle.phase = Phase.STARTED
    scope = scope_of("/live", headers=[(b"traceparent", GIVEN)], type="websocket")

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        assert message["type"] in {"websocket.accept", "websocket.send"}

    async def serve() -> None:
        await fairway(scope, receive, send)

    asyncio.run(serve())

    rerun, socket = kept.spans
    assert (rerun.name, rerun.parent_id) == ("rerun", socket.span_id)
    assert (socket.name, socket.parent_id, socket.trace_id) == ("WEBSOCKET other", CALLER, TRACE)
    assert socket.attributes["http.response.status_code"] == 101
    assert lines_of_its_own.lines[-1]["trace_id"] == TRACE


@examples(300)
@given(
    st.one_of(
        st.binary(max_size=80),
        st.from_regex(
            rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,5})?", fullmatch=True
        ),
        st.from_regex(rb"(00|ff|01)-(0|1){32}-(0|f){16}-0[01]-?", fullmatch=True),
    )
)
def test_a_traceparent_is_read_as_a_dumb_reader_reads_it(value: bytes) -> None:
    assert parse_traceparent(value) == _dumb(value)


def _dumb(value: bytes) -> tuple[str, str, bool] | None:
    parts = value.split(b"-")
    if len(parts) < 4 or b"\n" in value:
        return None
    version, trace, span, flags = parts[:4]
    for part, length in ((version, 2), (trace, 32), (span, 16), (flags, 2)):
        if len(part) != length or any(digit not in b"0123456789abcdef" for digit in part):
            return None
    if version == b"ff" or int(trace, 16) == 0 or int(span, 16) == 0:
        return None
    if version == b"00" and len(parts) > 4:
        return None
    return (trace.decode(), span.decode(), bool(int(flags, 16) & 1))


# -- The exporter ------------------------------------------------------------------------------
SPAN = Span("work", TRACE, CALLER, "", "", 1, 2, {"n": 1, "f": 0.5, "b": True, "l": [1], "x": None})


def test_spans_are_kept_until_a_busy_collector_takes_them() -> None:
    with Collector(answers=[503, 429]) as collector:
        exporter = Exporter(f"{collector.url}/v1/traces", {"service.name": "s"})
        exporter.add(SPAN)
        assert exporter.flush(10)

    assert (exporter.sent, exporter.dropped) == (1, 0)
    assert len(collector.requests) == 3
    assert collector.spans[0].attributes == {"n": 1, "f": 0.5, "b": True, "l": "[1]"}
    assert collector.faults == []


def test_what_a_collector_refuses_is_dropped_and_counted() -> None:
    with Collector(answers=[400]) as collector:
        exporter = Exporter(f"{collector.url}/v1/traces", {})
        exporter.add(SPAN)
        assert exporter.flush(10)

    assert (exporter.sent, exporter.dropped) == (0, 1)
    counted = {figure.name: figure.value for figure in exporter.figures()}
    assert counted == {"trace_spans_sent_total": 0, "trace_spans_dropped_total": 1}


def test_a_collector_that_is_gone_costs_a_request_nothing_and_memory_is_bounded(
    lines_of_its_own: Memory,
) -> None:
    settings = Settings(is_logging=False, traces_url=f"http://127.0.0.1:{free_port()}/v1/traces")
    fairway = Fairway(plain.app, settings, lines_into(lines_of_its_own))

    async def run() -> list[int]:
        return [(await ask(fairway)).status for _ in range(50)]

    assert asyncio.run(run()) == [200] * 50
    exporter = Exporter(f"http://127.0.0.1:{free_port()}/", {}, most_waiting=100)
    for _ in range(2000):
        exporter.add(SPAN)
    assert exporter.dropped >= 1900 - 512
    exporter.flush(5)
    assert exporter.sent == 0


def test_a_collector_that_comes_back_gets_what_is_still_waiting() -> None:
    port = free_port()
    exporter = Exporter(f"http://127.0.0.1:{port}/v1/traces", {})
    exporter.add(SPAN)
    exporter.flush(5)
    assert exporter.dropped == 1
    with Collector() as collector:
        exporter._url = exporter._url._replace(netloc=collector.url.removeprefix("http://"))
        exporter._hang_up()
        for _ in range(1200):
            exporter.add(SPAN)
        assert exporter.flush(10)
        assert len(collector.spans) == 1200

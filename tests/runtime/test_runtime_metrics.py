"""Metrics: their formats, several workers, the app's own, the process's, and the second port."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.targets.local.ports import free_port
from fairway_runtime import Fairway, Settings, contract, identify
from fairway_runtime.business import Business
from fairway_runtime.metrics import RequestMetrics, openmetrics
from fairway_runtime.workers import Workers, folder_for, merge
from tests.properties import examples
from tests.runtime.apps import api, plain
from tests.runtime.asking import ask
from tests.runtime.serving import Memory, Running, client, lines_into, until, uvicorn

QUIET = Settings(is_logging=False)
OPENMETRICS = [(b"accept", b"application/openmetrics-text;version=1.0.0,text/plain;q=0.5")]


@pytest.mark.requirement("R166", "R167", "R168", "R169", "R182")
def test_who_asks_for_openmetrics_gets_it() -> None:
    fairway = Fairway(api.app, QUIET, lines_into(Memory()))

    async def run() -> tuple[str | None, str]:
        await ask(fairway, "/items/1")
        answer = await ask(fairway, "/metrics", headers=OPENMETRICS)
        return answer.header("content-type"), answer.body.decode()

    kind, text = asyncio.run(run())

    assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert text.endswith("\n# EOF\n")
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert types["http_requests"] == types["process_cpu_seconds"] == "counter"
    assert 'http_requests_total{method="GET",route="/items/{item}",status="200"} 1' in text
    assert 'le="1.0"' in text
    assert not re.search(r'le="\d+"', text)
    name = kind_of = ""
    for line in text.splitlines():  # every sample belongs to the family that stands above it
        if line.startswith("# TYPE"):
            name, kind_of = line.split()[2:]
        elif line[0] != "#":
            suffixes = {"counter": "_total", "gauge": "", "histogram": "_(bucket|sum|count)"}
            assert re.match(rf"{name}{suffixes[kind_of]}[ {{]", line), line


@pytest.mark.requirement("R172", "R173", "R174", "R175")
def test_the_process_tells_cpu_memory_disk_and_network() -> None:
    fairway = Fairway(plain.app, QUIET, lines_into(Memory()))

    text = asyncio.run(ask(fairway, "/metrics")).body.decode()

    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "cpu_limit_cores"):
        assert float(samples[name]) > 0
    for name in ("process_open_fds", "process_threads", "process_disk_reads_total"):
        assert float(samples[name]) > 0
    assert 'network_receive_bytes_total{interface="lo"}' in samples


# -- The app's own -----------------------------------------------------------------------------
@pytest.mark.requirement("R112", "R170", "R176", "R177", "R178", "R179", "R180")
def test_requests_of_many_threads_are_all_told_whoever_asks_meanwhile() -> None:
    metrics = RequestMetrics()
    is_over = threading.Event()

    def serve() -> None:
        for number in range(1000):
            metrics.series("GET", "/items/{item}", 200).observe(number / 1000)

    def look() -> None:
        while not is_over.is_set():
            assert list(metrics.collect())

    looking = threading.Thread(target=look)
    serving = [threading.Thread(target=serve) for _ in range(4)]
    looking.start()
    for thread in serving:
        thread.start()
    for thread in serving:
        thread.join()
    is_over.set()
    looking.join()
    told = dict(line.rsplit(" ", 1) for line in metrics.collect())
    of = 'method="GET",route="/items/{item}"'
    assert told[f'{contract.REQUESTS_METRIC}{{{of},status="200"}}'] == "4000"
    assert float(told[f"{contract.DURATION_METRIC}_sum{{{of}}}"]) == pytest.approx(4 * 499.5)


def test_a_business_metric_is_one_line() -> None:
    own = Business()

    own.count("pdf_downloads_total")
    own.count("scenarios_total", 1000, model="normal")
    own.count("scenarios_total", 500, model="normal")
    own.level("queue_length", 12)
    own.observe("simulation_seconds", 0.051)
    own.saw("u-1")
    own.saw("u-2")
    own.saw("u-1")

    lines = set(own.collect())
    assert lines >= {
        "pdf_downloads_total 1",
        'scenarios_total{model="normal"} 1500',
        "queue_length 12",
        "simulation_seconds_count 1",
        'simulation_seconds_bucket{le="0.05"} 0',
        'simulation_seconds_bucket{le="0.075"} 1',
        "active_users 2",
    }


@pytest.mark.requirement("R176")
def test_users_that_are_identified_are_active() -> None:
    identify("active-7")
    text = asyncio.run(ask(Fairway(plain.app, QUIET, lines_into(Memory())), "/metrics")).body

    assert re.search(rb"^active_users [1-9]", text, re.MULTILINE)


def test_wrong_use_is_told_and_labels_are_bounded() -> None:
    own = Business()
    own.count("orders_total")

    for wrong, fault in (
        (lambda: own.count("orders"), "ends in _total"),
        (lambda: own.count("orders_total", -1), "only counts up"),
        (lambda: own.level("orders_total", 1), "is a counter already"),
        (lambda: own.level("no name", 1), "no name for a metric"),
    ):
        with pytest.raises(ValueError, match=fault):
            wrong()
    for number in range(1000):
        own.count("hits_total", user=number)
    assert len([line for line in own.collect() if line.startswith("hits_total")]) == 101
    assert 'hits_total{user="other"} 900' in set(own.collect())


# -- Several workers ---------------------------------------------------------------------------
NUMBERS = st.lists(st.integers(0, 10**9), min_size=1, max_size=5)


@examples(100)
@given(NUMBERS)
def test_the_workers_counters_add_up_and_the_highest_gauge_is_told(numbers: list[int]) -> None:
    texts = [
        f'# HELP a_total A.\n# TYPE a_total counter\na_total{{x="1"}} {number}\n'
        f"# HELP g G.\n# TYPE g gauge\ng {number}\n"
        f"# HELP http_requests_in_flight I.\n# TYPE http_requests_in_flight gauge\n"
        f"http_requests_in_flight {number}\n"
        f"# HELP process_start_time_seconds S.\n# TYPE process_start_time_seconds gauge\n"
        f"process_start_time_seconds {number}\n"
        for number in numbers
    ]

    merged = merge([text.encode() for text in texts]).decode().splitlines()

    assert [line for line in merged if line[0] != "#"] == [
        f'a_total{{x="1"}} {sum(numbers)}',
        f"g {max(numbers)}",
        f"http_requests_in_flight {sum(numbers)}",
        f"process_start_time_seconds {min(numbers)}",
    ]


def test_what_a_worker_that_ended_has_counted_is_kept_and_its_gauges_are_not(
    tmp_path: Path,
) -> None:
    told = (
        "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n# HELP g G.\n# TYPE g gauge\ng 1\n"
    )
    workers = Workers(tmp_path, told.encode)
    workers.publish()
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / f"{gone.pid}-1.prom").write_text(told.replace("g 1", "g 9"))

    first, second = workers.render(), workers.render()

    assert first == second
    assert b"a_total 2\n" in first
    assert b"\ng 1\n" in first
    assert sorted(file.name for file in tmp_path.glob("*.prom")) == sorted(
        ["ended.prom", workers._file.name]
    )


def test_a_process_that_is_alone_shares_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SERVER_SOFTWARE", raising=False)

    assert folder_for("") is None
    assert folder_for("/x/y") == Path("/x/y")
    monkeypatch.setenv("SERVER_SOFTWARE", "gunicorn/23")
    folder = folder_for("")
    assert folder is not None
    assert folder.name == str(os.getppid())


def told(url: str, series: str) -> float:
    """What one scrape, on a connection of its own, says of a series."""
    with client(url) as one:
        text = one.get("/metrics").text
    found = [line for line in text.splitlines() if line.startswith(f"{series} ")]
    return float(found[0].rsplit(" ", 1)[1]) if found else 0.0


@pytest.mark.real
@pytest.mark.requirement("R166", "R167")
def test_any_of_several_workers_tells_what_all_of_them_did_even_after_one_was_killed() -> None:
    series = 'http_requests_total{method="GET",route="/pid",status="200"}'
    with uvicorn("wrapped:app", "--workers", "2") as url:
        pids: set[int] = set()
        asked = 0
        deadline = time.monotonic() + 30
        while (len(pids) < 2 or asked < 40) and time.monotonic() < deadline:
            with client(url) as one:
                pids.add(one.get("/pid").json())
                asked += 1
        assert len(pids) == 2
        own = 'asked_total{kind="pid"}'
        until(lambda: {told(url, name) for name in (series, own) * 5} == {asked})
        os.kill(min(pids), signal.SIGKILL)
        until(lambda: _tells(url, series))
        assert {told(url, series) for _ in range(10)} == {asked}


def _tells(url: str, series: str) -> bool:
    """Whether somebody answers: a connection that was open to the killed worker is reset."""
    try:
        return told(url, series) > 0
    except httpx.TransportError:
        return False


# -- The second port ---------------------------------------------------------------------------
@pytest.mark.real
@pytest.mark.requirement("R155", "R158", "C7")
def test_health_answers_while_the_event_loop_computes_for_seconds() -> None:
    """How soon is measured by `bench runtime`, as `health_busy_ms`."""
    probes = free_port()
    with (
        Running("wrapped:app", env={"FAIRWAY_PROBE_PORT": str(probes)}) as app,
        client(f"http://127.0.0.1:{probes}") as probe,
    ):
        app.ready()
        call = f"import urllib.request as u; u.urlopen('{app.url}/compute?seconds=3')"
        busy = subprocess.Popen([sys.executable, "-S", "-c", call])
        time.sleep(0.5)
        asked = 0
        while busy.poll() is None and asked < 40:
            assert probe.get("/health").json() == {"status": "alive"}
            asked += 1
            time.sleep(0.02)
        assert asked > 5  # one, had the first waited for the loop
        busy.wait(20)
        assert probe.get("/ready").json()["status"] == "ready"
        assert probe.get("/startup").status_code == 200
        assert "http_requests_total" in probe.get("/metrics").text
        assert probe.head("/health").content == b""
        assert probe.post("/health").status_code == 405
        assert probe.get("/pid").status_code == 404


def test_a_loop_that_has_not_run_for_30_seconds_is_told_as_hung() -> None:
    from fairway_runtime.probe_port import ProbePort

    fairway = Fairway(plain.app, QUIET, lines_into(Memory()))
    port = ProbePort(fairway._probes, fairway.lifecycle, "127.0.0.1", 0)
    head = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
    try:
        assert asyncio.run(port._answer(head)).startswith(b"HTTP/1.1 200 OK\r\n")
        fairway.lifecycle.ticked_at = time.perf_counter() - 31
        assert asyncio.run(port._answer(head)).startswith(b"HTTP/1.1 503 ")
    finally:
        port._listener.close()


def test_openmetrics_leaves_what_it_does_not_know() -> None:
    assert openmetrics(b"") == b"# EOF\n"
    assert openmetrics(b'x{le="0.5"} 1\n') == b'x{le="0.5"} 1\n# EOF\n'

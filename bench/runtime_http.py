"""Throughput and tail over HTTP: one worker each, rounds that take turns, ratios within a round.

Where a process's memory comes to lie makes it up to a twentieth slower or faster for as long as it
lives, so every server is started three times.

The client is one thread with an epoll and eight connections, each with one request under way: the
server is what it waits for. Latency is from the request's first byte to its answer's last.
"""

import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.first_answer import wait_for_200
from bench.load_report import percentile
from bench.project import is_short, median, say
from bench.runtime_served import ROOT, collector
from bench.runtime_usual import make
from fairway.targets.local.ports import free_port

__all__ = ["http"]

CONNECTIONS = 8
ROUND_SECONDS = 0.5
STARTS = 3
USUAL_EVERY = 4  # rounds: it is slow, and its ratio far from its goal
PATH = "/items/7"
REQUEST = (
    b"GET /items/7 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: application/json\r\n"
    b"Accept-Encoding: gzip, deflate, br\r\nOrigin: https://shop.example\r\n"
    b"Cookie: theme=dark\r\n\r\n"
)
BODY = b'{"item":7}'
EVERYTHING = {
    "ENVIRONMENT": "production",
    "LOG_LEVEL": "WARNING",
    "RATE_LIMIT": "100000000/s",
    "FAIRWAY_CORS_ORIGINS": "https://shop.example",
}


@dataclass(frozen=True, slots=True)
class Round:
    """What one stretch of requests gave."""

    rate: float
    p99_ms: float
    failed: int
    cpu_us: float  # of the server, all its threads, for one request


def http(rounds: int) -> dict[str, float]:
    """Ratios to the bare app; `usual_stack_ratio` is ours to the usual stack's, at 10 % spans."""
    with ExitStack() as stack:
        url = stack.enter_context(collector())
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fairway-bench-")))
        usual = make(home)
        spans = {
            **EVERYTHING,
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        }
        ours = [sys.executable, "-m", "bench.runtime_served"]
        commands: dict[str, tuple[list[str], Mapping[str, str]]] = {
            "bare": ([*ours, "bare"], {}),
            "everything": ([*ours, "everything"], EVERYTHING),
            "one_line": ([*ours, "one_line"], EVERYTHING),
            "some_spans": ([*ours, "everything"], {**spans, "OTEL_TRACES_SAMPLER_ARG": "0.1"}),
            "all_spans": ([*ours, "everything"], {**spans, "OTEL_TRACES_SAMPLER_ARG": "1"}),
            "usual": (usual, {}),
        }
        pairs: dict[str, list[tuple[Round, Round]]] = {}
        for _ in range(STARTS):
            with _started(commands, f"{url}/v1/traces") as clients:
                for name, measured in _measured(clients, max(1, rounds // STARTS)).items():
                    pairs.setdefault(name, []).extend(measured)
        return _figures(pairs)


@contextmanager
def _started(
    commands: Mapping[str, tuple[list[str], Mapping[str, str]]], traces_url: str
) -> Generator[dict[str, "Client"]]:
    """A server for each command, all on one processor, and the client on the other."""
    before = os.sched_getaffinity(0)
    with ExitStack() as stack:
        clients: dict[str, Client] = {}
        for name, (command, variables) in commands.items():
            tail = [traces_url] if name == "usual" else []
            port, pid = stack.enter_context(_serving(command, tail, variables))
            clients[name] = stack.enter_context(Client(port, pid))
        os.sched_setaffinity(0, {max(before)})
        try:
            yield clients
        finally:
            os.sched_setaffinity(0, before)


def _measured(clients: Mapping[str, "Client"], rounds: int) -> dict[str, list[tuple[Round, Round]]]:
    """Each server's rounds, with the bare one's beside them."""
    for client in clients.values():
        client.round(ROUND_SECONDS)  # to warm up
    pairs: dict[str, list[tuple[Round, Round]]] = {name: [] for name in clients}
    seconds = ROUND_SECONDS / 2 if is_short() else ROUND_SECONDS
    for number in range(rounds):
        for name, client in clients.items():
            if name == "bare" or (name == "usual" and number % USUAL_EVERY):
                continue
            order = (clients["bare"], client) if number % 2 else (client, clients["bare"])
            taken = {id(one): one.round(seconds) for one in order}
            pairs[name].append((taken[id(client)], taken[id(clients["bare"])]))
    return pairs


def _figures(pairs: Mapping[str, list[tuple[Round, Round]]]) -> dict[str, float]:
    ratios = {
        name: median([one.rate / bare.rate for one, bare in each])
        for name, each in pairs.items()
        if each
    }
    tails = [one.p99_ms / bare.p99_ms for one, bare in pairs["everything"]]
    bares = [bare for each in pairs.values() for _, bare in each]
    for name, ratio in ratios.items():
        rate = median([one.rate for one, _ in pairs[name]])
        cpu = median([one.cpu_us for one, _ in pairs[name]])
        say(f"{name:12} {rate:8.0f}/s  {cpu:5.0f} us CPU  {ratio:.3f} of bare")
    cpu_ratios = [bare.cpu_us / one.cpu_us for one, bare in pairs["everything"]]
    return {
        "bare_requests_per_second": median([bare.rate for bare in bares]),
        "bare_p99_ms": median([bare.p99_ms for bare in bares]),
        "throughput_ratio": ratios["everything"],
        "throughput_ratio_10_percent_spans": ratios["some_spans"],
        "throughput_ratio_all_spans": ratios["all_spans"],
        "one_line_throughput_ratio": ratios["one_line"],
        "usual_throughput_ratio": ratios["usual"],
        "usual_stack_ratio": ratios["some_spans"] / ratios["usual"],
        "p99_ratio": median(tails),
        "bare_cpu_us": median([bare.cpu_us for bare in bares]),
        "everything_cpu_us": median([one.cpu_us for one, _ in pairs["everything"]]),
        "some_spans_cpu_us": median([one.cpu_us for one, _ in pairs["some_spans"]]),
        "all_spans_cpu_us": median([one.cpu_us for one, _ in pairs["all_spans"]]),
        "usual_cpu_us": median([one.cpu_us for one, _ in pairs["usual"]]),
        "cpu_ratio": median(cpu_ratios),
        "failed": float(
            sum(one.failed + bare.failed for each in pairs.values() for one, bare in each)
        ),
    }


class Client:
    """Eight connections to one server; use as a context manager."""

    def __init__(self, port: int, pid: int) -> None:
        self._port = port
        self._tasks = Path(f"/proc/{pid}/task")
        self._epoll = select.epoll()
        self._streams: dict[int, socket.socket] = {}

    def __enter__(self) -> Self:
        for _ in range(CONNECTIONS):
            stream = socket.create_connection(("127.0.0.1", self._port))
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._streams[stream.fileno()] = stream
            self._epoll.register(stream, select.EPOLLIN)
        return self

    def __exit__(self, *_: object) -> None:
        self._epoll.close()
        for stream in self._streams.values():
            stream.close()

    def round(self, seconds: float) -> Round:
        """As many requests as there is time for. ConnectionError where the server hangs up."""
        latencies: list[float] = []
        failed = 0
        used = self._cpu_seconds()
        began = time.perf_counter()
        ends = began + seconds
        sent: dict[int, float] = {}
        parts: dict[int, bytes] = {}
        for descriptor, stream in self._streams.items():
            sent[descriptor] = time.perf_counter()
            stream.sendall(REQUEST)
        while sent:
            for descriptor, _ in self._epoll.poll(5):
                stream = self._streams[descriptor]
                data = parts.pop(descriptor, b"") + stream.recv(65536)
                if not data:
                    raise ConnectionError("the server hung up")
                if not data.endswith(BODY):
                    parts[descriptor] = data
                    continue
                now = time.perf_counter()
                latencies.append(now - sent.pop(descriptor))
                failed += not data.startswith(b"HTTP/1.1 200")
                if now < ends:
                    sent[descriptor] = now
                    stream.sendall(REQUEST)
        took = time.perf_counter() - began
        used = self._cpu_seconds() - used
        p99_ms = 1000 * percentile(sorted(latencies), 0.99)
        return Round(len(latencies) / took, p99_ms, failed, used / len(latencies) * 1e6)

    def _cpu_seconds(self) -> float:
        """What the server has used so far; the scheduler counts nanoseconds."""
        files = self._tasks.glob("*/schedstat")
        return sum(int(file.read_text().split()[0]) for file in files) / 1e9


@contextmanager
def _serving(
    command: list[str], tail: list[str], variables: Mapping[str, str]
) -> Generator[tuple[int, int]]:
    port = free_port()
    environment = {"PATH": os.environ["PATH"], **variables}
    with subprocess.Popen(
        [*command, str(port), *tail], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            wait_for_200(port, PATH, seconds=30)
            yield port, process.pid
        finally:
            process.kill()

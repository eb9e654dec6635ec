"""The load generator's own process: requests at a steady rate, and what became of them.

Open loop: request n is meant for `start + n / rate`, whatever became of those before it. One
thread, one epoll, sockets without a framework, a kernel timer for the pace: it shares two cores
with what it measures. `bench.load` starts it, gives it one line of JSON (a `Load`), closes its
stdin to stop it, and reads `Records` from its stdout.

No request is ever tried again: a keep-alive connection that the server closed under a request is
a failure here, as it is for a client that may not repeat a POST.
"""

import ctypes
import dataclasses
import errno
import gc
import math
import os
import select
import socket
import sys
import time
from collections import deque

from bench.load_report import KINDS, OK, Records
from bench.load_request import Load, Template, cycle
from bench.load_response import Malformed, Response

__all__ = ["Worker", "main"]

KIND = {kind: number for number, kind in enumerate(KINDS)}
READ_BYTES = 256 * 1024
SHORTEST_TICK_SECONDS = 0.0005
LONGEST_TICK_SECONDS = 0.05


class Exchange:
    """One request, from when it is meant to be sent until its end is recorded."""

    __slots__ = ("connection", "intended", "is_done", "is_fresh", "lag", "number")

    def __init__(self, number: int, intended: float, lag: float, *, is_fresh: bool) -> None:
        self.number = number
        self.intended = intended
        self.lag = lag  # how late we noticed that it is due
        self.is_fresh = is_fresh
        self.is_done = False
        self.connection: Connection | None = None


class Connection:
    """One socket, with the exchange that it serves; none while it is idle."""

    __slots__ = ("exchange", "is_open", "out", "response", "stream")

    def __init__(self, opened: socket.socket) -> None:
        self.stream = opened
        self.is_open = False  # connected
        self.exchange: Exchange | None = None
        self.response: Response | None = None
        self.out = b""


class Worker:
    """A load at work. `run()` blocks until stdin closes and every request has ended."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.interval = 1.0 / load.rate
        templates = [Template(request, f"{load.host}:{load.port}") for request in load.requests]
        turns = cycle([request.weight for request in load.requests])
        self.templates = [templates[place] for place in turns]
        self.records = Records(start=time.monotonic() + 0.02, cpu_seconds=0.0)
        self.epoll = select.epoll()
        self.connections: dict[int, Connection] = {}
        self.idle: deque[Connection] = deque()
        self.closed: list[socket.socket] = []  # until the events at hand are dealt with
        self.waiting: deque[Exchange] = deque()  # for a connection, when all are in use
        self.open: deque[Exchange] = deque()  # in the order of their deadlines
        self.number = 0
        self.opened = 0
        self.is_stopping = False

    def run(self, stdin: int) -> Records:
        """Sends until `stdin` closes, then waits for the requests that are under way."""
        timer = timer_at(self.records.start, _tick_seconds(self.interval))
        self.epoll.register(timer, select.EPOLLIN)
        self.epoll.register(stdin, select.EPOLLIN)
        gc.freeze()
        gc.disable()
        used = time.process_time()
        while not (self.is_stopping and not self.open):
            for descriptor, events in self.epoll.poll():
                if descriptor == timer:
                    os.read(timer, 8)
                    self.tick()
                elif descriptor == stdin:
                    self.on_stdin(stdin)
                elif descriptor in self.connections:
                    self.on_ready(self.connections[descriptor], events)
            # Not before: a descriptor that is used anew must not meet its predecessor's event.
            for closed in self.closed:
                closed.close()
            self.closed.clear()
        return dataclasses.replace(self.records, cpu_seconds=time.process_time() - used)

    def on_stdin(self, stdin: int) -> None:
        if not os.read(stdin, 4096):
            self.is_stopping = True
            self.epoll.unregister(stdin)

    def tick(self) -> None:
        """Sends every request that is due, and ends those that are out of time."""
        now = time.monotonic()
        while not self.is_stopping:
            intended = self.records.start + self.number * self.interval
            if intended > now:
                break
            share = self.load.fresh_share
            is_fresh = int((self.number + 1) * share) != int(self.number * share)
            exchange = Exchange(self.number, intended, now - intended, is_fresh=is_fresh)
            self.number += 1
            self.open.append(exchange)
            self.place(exchange)
        oldest = now - self.load.timeout_seconds
        while self.open and (self.open[0].is_done or self.open[0].intended < oldest):
            exchange = self.open.popleft()
            if not exchange.is_done:
                self.end(exchange, KIND["timeout"])
                if exchange.connection is not None:
                    self.close(exchange.connection)

    def place(self, exchange: Exchange) -> None:
        """Gives the exchange a connection: its own, the next idle one, or a new one."""
        has_room = len(self.connections) < self.load.max_connections
        is_pool_full = len(self.connections) >= self.load.keepalive
        if self.idle and not exchange.is_fresh and (is_pool_full or not has_room):
            self.send(self.idle.popleft(), exchange)
        elif has_room:
            self.connect(exchange)
        elif self.idle:
            # A fresh connection is owed, and there is room only in an idle one's place.
            self.close(self.idle.popleft())
            self.connect(exchange)
        else:
            self.waiting.append(exchange)

    def connect(self, exchange: Exchange) -> bool:
        """Opens a connection for the exchange; False where that failed at once."""
        sources = self.load.sources
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.opened += 1
        try:
            if sources:
                opened.bind((sources[self.opened % len(sources)], 0))
            code = opened.connect_ex((self.load.host, self.load.port))
        except OSError as error:
            code = error.errno or errno.EINVAL
        if code not in (0, errno.EINPROGRESS):
            opened.close()
            self.end(exchange, KIND[_connect_failure(code)])
            return False
        connection = Connection(opened)
        connection.exchange, exchange.connection = exchange, connection
        self.connections[opened.fileno()] = connection
        self.epoll.register(opened.fileno(), select.EPOLLOUT)
        return True

    def send(self, connection: Connection, exchange: Exchange) -> None:
        template = self.templates[exchange.number % len(self.templates)]
        connection.exchange, exchange.connection = exchange, connection
        connection.response = Response(keep_body=bool(template.expect))
        data = template.render(exchange.number, closes=exchange.is_fresh)
        try:
            count = connection.stream.send(data)
        except BlockingIOError:
            count = 0
        except OSError:
            self.fail(connection, KIND["reset"])
            return
        if count < len(data):
            connection.out = data[count:]
            self.epoll.modify(connection.stream.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def on_ready(self, connection: Connection, events: int) -> None:
        exchange = connection.exchange
        if not connection.is_open and exchange is not None:
            code = connection.stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self.fail(connection, KIND[_connect_failure(code)])
                return
            connection.is_open = True
            self.epoll.modify(connection.stream.fileno(), select.EPOLLIN)
            self.send(connection, exchange)
            return
        if events & ~select.EPOLLOUT:
            self.on_readable(connection)
        elif connection.out:
            self.send_rest(connection)

    def send_rest(self, connection: Connection) -> None:
        try:
            connection.out = connection.out[connection.stream.send(connection.out) :]
        except BlockingIOError:
            return
        except OSError:
            self.fail(connection, KIND["reset"])
            return
        if not connection.out:
            self.epoll.modify(connection.stream.fileno(), select.EPOLLIN)

    def on_readable(self, connection: Connection) -> None:
        exchange, response = connection.exchange, connection.response
        try:
            data = connection.stream.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self.fail(connection, KIND["reset"])
            return
        if exchange is None or response is None:
            # The server closed an idle connection, as it may; bytes here have no request.
            self.idle.remove(connection)
            self.close(connection)
            return
        if not data:
            self.on_end(connection, exchange, response)
            return
        try:
            is_complete = response.feed(data)
        except Malformed:
            self.fail(connection, KIND["malformed"])
            return
        if is_complete:
            self.end(exchange, self.verdict(exchange, response))
            self.release(connection, exchange, response)

    def on_end(self, connection: Connection, exchange: Exchange, response: Response) -> None:
        """The server closed the connection: in time, inside the response, or before it."""
        if response.end():
            self.end(exchange, self.verdict(exchange, response))
            self.close(connection)
        else:
            self.fail(connection, KIND["short_body" if response.status else "closed"])

    def verdict(self, exchange: Exchange, response: Response) -> int:
        if response.status >= 500:
            return KIND["status_5xx"]
        if response.status >= 400:
            return KIND["status_4xx"]
        expect = self.templates[exchange.number % len(self.templates)].expect
        if expect and expect not in response.body():
            return KIND["wrong_body"]
        return OK

    def release(self, connection: Connection, exchange: Exchange, response: Response) -> None:
        """After a complete response: keeps the connection for the next, or closes it."""
        connection.exchange = connection.response = exchange.connection = None
        is_surplus = len(self.connections) > self.load.keepalive and not self.waiting
        if response.is_last or exchange.is_fresh or connection.out or is_surplus:
            self.close(connection)
            return
        waiting = self.next_waiting()
        if waiting is None:
            self.idle.append(connection)
        elif waiting.is_fresh:
            self.close(connection, then=waiting)
        else:
            self.send(connection, waiting)

    def next_waiting(self) -> Exchange | None:
        while self.waiting:
            exchange = self.waiting.popleft()
            if not exchange.is_done:
                return exchange
        return None

    def fail(self, connection: Connection, kind: int) -> None:
        if connection.exchange is not None:
            self.end(connection.exchange, kind)
        else:
            self.idle.remove(connection)
        self.close(connection)

    def close(self, connection: Connection, then: Exchange | None = None) -> None:
        """Closes, and gives the room to the exchange `then` or one that waits."""
        descriptor = connection.stream.fileno()
        del self.connections[descriptor]
        self.epoll.unregister(descriptor)
        self.closed.append(connection.stream)
        if connection.exchange is not None:
            connection.exchange.connection = None
            connection.exchange = None
        then = then or self.next_waiting()
        while then is not None and not self.connect(then):
            then = self.next_waiting()

    def end(self, exchange: Exchange, kind: int) -> None:
        """Records what became of the exchange; it must not have ended before."""
        now = time.monotonic()
        exchange.is_done = True
        records = self.records
        records.intended.append(exchange.intended - records.start)
        records.latency.append(now - exchange.intended)
        records.lag.append(exchange.lag)
        records.kinds.append(kind)


def timer_at(start: float, interval: float) -> int:
    """A descriptor that is readable at `start` (monotonic) and every `interval` seconds after.

    epoll's own timeout counts whole milliseconds, too coarse for the pace; Python 3.13's
    `os.timerfd_create` is this.
    """

    def timespec(seconds: float) -> tuple[int, int]:
        return int(seconds), int(seconds % 1 * 1e9)

    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    value = (ctypes.c_long * 4)(*timespec(interval), *timespec(start))
    absolute = 1
    if descriptor < 0 or libc.timerfd_settime(descriptor, absolute, value, None) < 0:
        raise OSError(ctypes.get_errno(), "timerfd")
    return descriptor


def _tick_seconds(interval: float) -> float:
    """A tick for each request; not so many that they cost, nor so few that a timeout waits."""
    return max(interval / math.ceil(interval / LONGEST_TICK_SECONDS), SHORTEST_TICK_SECONDS)


def _connect_failure(code: int) -> str:
    return "refused" if code == errno.ECONNREFUSED else "unreachable"


def main() -> None:
    """One line of JSON in, `started` and then the records out."""
    stdin = sys.stdin.fileno()
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(stdin, 1)
        if not byte:
            return
        line += byte
    worker = Worker(Load.from_json(line.decode()))
    sys.stdout.buffer.write(b"started\n")
    sys.stdout.buffer.flush()
    records = worker.run(stdin)
    sys.stdout.buffer.write(records.to_bytes())


if __name__ == "__main__":
    main()

"""What the balancer's tests put behind it and before it: a little app, and a client.

The app runs as a process of its own under uvicorn (`start_backend`), says who it is, and does
what a path tells it to: `/sleep/0.5`, `/status/500`, `/headers`, `/ready/503` (what the ready
check answers from now on), `/die` (SIGKILL in the middle of a request), `/count` (requests that
reached it). The client counts every answer that isn't a 200, and every connection that breaks.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairway.targets.local.balancer.model import Endpoint, Front
from fairway.targets.local.balancer.server import Balancer
from fairway.targets.local.ports import free_port

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


# -- The app -------------------------------------------------------------------------------------


class App:
    """An ASGI app that does what the path says."""

    def __init__(self) -> None:
        self.me = os.environ.get("ME", "?")
        self.ready = 200
        self.count = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.echo(receive, send)
        elif scope["type"] == "http":
            await self.answer(scope, receive, send)

    async def echo(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "text": f"{self.me}: {message['text']}"})

    async def answer(self, scope: Message, receive: Receive, send: Send) -> None:
        size = 0
        while True:
            message = await receive()
            size += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        status, text = await self.act(scope)
        body = (text or f"{self.me} {size}").encode()
        length = (b"content-length", str(len(body)).encode())
        headers = [length, (b"x-me", self.me.encode()), (b"server", b"secret/1.2")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def act(self, scope: Message) -> tuple[int, str]:
        verb, _, word = str(scope["path"]).removeprefix("/").partition("/")
        if verb == "ready":
            self.ready = int(word or self.ready)
            return (200 if word else self.ready), ""
        self.count += verb != "count"
        if verb == "sleep":
            await asyncio.sleep(float(word))
        if verb == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if verb == "headers":
            return 200, "\n".join(f"{k.decode()}: {v.decode()}" for k, v in scope["headers"])
        return (int(word) if verb == "status" else 200), str(self.count) if verb == "count" else ""


app = App()


# -- Its process ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Backend:
    """A running app: its endpoint and its process."""

    endpoint: Endpoint
    process: asyncio.subprocess.Process

    async def ask(self, path: str) -> str:
        """The body that it answers, past the balancer."""
        return (await fetch(self.endpoint.port, path)).body

    async def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process.returncode is None:
            self.process.send_signal(how)
        await self.process.wait()


@asynccontextmanager
async def backends(*names: str) -> AsyncGenerator[list[Backend], None]:
    """One app for each name, up and answering; ended afterwards."""
    started = await asyncio.gather(*map(start_backend, names))
    try:
        yield started
    finally:
        await asyncio.gather(*(backend.end() for backend in started))


async def start_backend(name: str) -> Backend:
    port = free_port()
    options = ("--port", str(port), "--no-access-log", "--log-level", "warning")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", f"{Path(__file__).stem}:app", *options),
        cwd=Path(__file__).parent,
        env={**os.environ, "ME": name},
    )
    deadline = asyncio.get_running_loop().time() + 20
    while not await takes_connections(port):
        assert asyncio.get_running_loop().time() < deadline, f"{name} doesn't start"
        await asyncio.sleep(0.02)
    return Backend(Endpoint(port=port, replica=name), process)


async def takes_connections(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


# -- The client ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key == name)


class Connection:
    """One HTTP/1.1 keep-alive connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(
        self, path: str = "/", *, method: str = "GET", body: bytes = b"", headers: str = ""
    ) -> Answer:
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        length = f"content-length: {len(body)}\r\n" if body else ""
        head = f"{method} {path} HTTP/1.1\r\nhost: app.test\r\n{length}{headers}\r\n"
        writer.write(head.encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines[1:] if line)
        answer_headers = tuple((key.lower(), value) for key, value in pairs)
        size = int(dict(answer_headers).get("content-length", 0))
        answer_body = (await reader.readexactly(size)).decode()
        answer = Answer(int(lines[0].split(" ")[1]), answer_headers, answer_body)
        if answer.header("connection") == "close":
            self.close()
        return answer

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


async def fetch(
    port: int, path: str = "/", *, method: str = "GET", body: bytes = b"", headers: str = ""
) -> Answer:
    """One request over a connection of its own."""
    connection = Connection(port)
    try:
        return await connection.send(path, method=method, body=body, headers=headers)
    finally:
        connection.close()


@dataclass(slots=True)
class Load:
    """Clients that ask without a pause until told to stop; what they got, and from whom."""

    port: int
    method: str = "GET"
    keep_alive: bool = True
    requests: int = 0
    failures: list[str] = field(default_factory=list[str])
    served_by: Counter[str] = field(default_factory=Counter[str])
    stopped: bool = False

    async def run(self, clients: int) -> None:
        await asyncio.gather(*(self._client() for _ in range(clients)))

    async def _client(self) -> None:
        connection = Connection(self.port)
        body = b"x" * 300 if self.method == "POST" else b""
        while not self.stopped:
            self.requests += 1
            try:
                answer = await connection.send(method=self.method, body=body)
            except (OSError, EOFError) as error:
                self.failures.append(f"{self.method}: {error!r}")
                connection.close()
                continue
            if answer.status != 200:
                self.failures.append(f"{self.method}: {answer.status} {answer.body}")
            self.served_by[answer.header("x-me")] += 1
            if not self.keep_alive:
                connection.close()
        connection.close()


@asynccontextmanager
async def under_load(
    port: int, *, methods: tuple[str, ...] = ("GET", "POST")
) -> AsyncGenerator[list[Load], None]:
    """Each method over keep-alive and over fresh connections, for as long as the block runs.

    Yields the loads, whose figures are complete once the block has ended.
    """
    loads = [
        Load(port, method, keep_alive=keep_alive)
        for method in methods
        for keep_alive in (True, False)
    ]
    running = [asyncio.create_task(load.run(3)) for load in loads]
    try:
        yield loads
    finally:
        for load in loads:
            load.stopped = True
        await asyncio.gather(*running)


# -- What tests wait for ------------------------------------------------------------------------


def a_front(**more: object) -> Front:
    settings: dict[str, object] = {"service": "api", "port": free_port(), **more}
    return Front(**settings)  # pyright: ignore[reportArgumentType] - one place, plain values


async def until(holds: Callable[[], object], seconds: float = 10) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


async def ports_in_use(balancer: Balancer, why: str = "") -> set[int]:
    """Ports of the endpoints in the state `why`; empty: those that get traffic."""
    states = (await balancer.endpoints())["api"]
    return {state.port for state in states if state.why == why}


async def until_in_use(balancer: Balancer, *apps: Backend, seconds: float = 10) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while await ports_in_use(balancer) != {app.endpoint.port for app in apps}:
        assert asyncio.get_running_loop().time() < deadline, await balancer.endpoints()
        await asyncio.sleep(0.02)


async def until_refused(port: int) -> None:
    deadline = asyncio.get_running_loop().time() + 10
    while await takes_connections(port):
        assert asyncio.get_running_loop().time() < deadline, "still listens"
        await asyncio.sleep(0.01)


async def until_count(app: Backend, requests: int) -> None:
    deadline = asyncio.get_running_loop().time() + 10
    while (count := await app.ask("/count")) != str(requests):
        assert asyncio.get_running_loop().time() < deadline, f"{count} requests"
        await asyncio.sleep(0.01)


async def whoever_lives(apps: list[Backend]) -> Backend:
    """The only one that is left, once the other is gone: its port closes after its answers do."""
    alive = list(apps)

    def is_one_left() -> bool:
        alive[:] = [app for app in apps if app.process.returncode is None]
        return len(alive) == 1

    await until(is_one_left)
    return alive[0]


def access_log(tmp_path: Path) -> list[dict[str, object]]:
    log = tmp_path / "balancer" / "access.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

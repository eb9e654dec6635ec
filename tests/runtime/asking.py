"""Asks an ASGI app in this process, message by message, as a server would."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from fairway_runtime.asgi import App

__all__ = ["Answer", "ask", "scope_of"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the app sent; `messages` as they came."""

    messages: tuple[MutableMapping[str, Any], ...]

    @property
    def status(self) -> int:
        return self.messages[0]["status"]

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return list(self.messages[0]["headers"])

    def header(self, name: str) -> str | None:
        found = [value for own, value in self.headers if own == name.encode()]
        assert len(found) < 2, f"{name} appears {len(found)} times"
        return found[0].decode() if found else None

    @property
    def body(self) -> bytes:
        return b"".join(one.get("body", b"") for one in self.messages[1:])

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def scope_of(
    path: str = "/",
    method: str = "GET",
    headers: Iterable[tuple[bytes, bytes]] = (),
    **more: object,
) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 5),
        "state": {},
        **more,
    }


async def ask(
    app: App,
    path: str = "/",
    method: str = "GET",
    headers: Iterable[tuple[bytes, bytes]] = (),
    chunks: Iterable[bytes] = (b"",),
    **more: object,
) -> Answer:
    """One request; its body comes in `chunks`, then the client waits for its answer."""
    sent: list[MutableMapping[str, Any]] = []
    body = _body(list(chunks))

    async def receive() -> MutableMapping[str, Any]:
        return await anext(body)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)
        await asyncio.sleep(0)

    await app(scope_of(path, method, headers, **more), receive, send)
    return Answer(tuple(sent))


async def _body(chunks: list[bytes]) -> AsyncIterator[MutableMapping[str, Any]]:
    for index, chunk in enumerate(chunks):
        yield {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
    await asyncio.Event().wait()

"""What a load is: which requests, how many a second, over which connections.

Pure. `Load` travels to the generator's process as one line of JSON.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Load", "Request", "Template", "cycle"]


@dataclass(frozen=True, slots=True)
class Request:
    """One kind of request. `{n}` in path, headers and body becomes the request's number.

    A request counts as failed unless its response holds the bytes of `expect`. Of every
    `sum of all weights` requests, `weight` are of this kind.
    """

    path: str
    method: str = "GET"
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    expect: str = ""
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Load:
    """A steady load on one loopback server.

    `rate` requests a second, whatever becomes of them. `fresh_share` of them open a connection of
    their own and close it; the others take turns on `keepalive` connections, and open more, up to
    `max_connections` in all, only while those are busy. A request that is not complete
    `timeout_seconds` after it was meant to be sent has failed. `sources` are addresses to connect
    from in turn (any of 127.0.0.0/8 will do), for a server that limits each address. `websocket`
    is the path of a WebSocket that is held open meanwhile.
    """

    port: int
    requests: tuple[Request, ...]
    rate: float
    host: str = "127.0.0.1"
    fresh_share: float = 0.1
    keepalive: int = 16
    max_connections: int = 256
    timeout_seconds: float = 10.0
    sources: tuple[str, ...] = ()
    websocket: str | None = None

    def __post_init__(self) -> None:
        if not (self.requests and self.rate > 0 and 0 <= self.fresh_share <= 1):
            raise ValueError("a load needs a request, a rate above 0 and a share from 0 to 1")
        if self.keepalive >= self.max_connections:
            raise ValueError("max_connections must leave room for connections beside keepalive")

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Load":
        data = json.loads(text)
        for request in data["requests"]:
            request["headers"] = tuple((name, value) for name, value in request["headers"])
        data["requests"] = tuple(Request(**request) for request in data["requests"])
        data["sources"] = tuple(data["sources"])
        return cls(**data)


class Template:
    """A request's bytes, made once where they do not hold its number."""

    __slots__ = ("_body", "_closing", "_has_number", "_head", "_kept", "expect")

    def __init__(self, request: Request, authority: str) -> None:
        self.expect = request.expect.encode()
        headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
        self._head = (
            f"{request.method} {request.path} HTTP/1.1\r\nHost: {authority}\r\n{headers}".encode()
        )
        self._body = request.body.encode()
        self._has_number = b"{n}" in self._head or b"{n}" in self._body
        self._kept = self._rendered(0, closes=False)
        self._closing = self._rendered(0, closes=True)

    def render(self, number: int, *, closes: bool) -> bytes:
        """The bytes of request `number`; with `closes` it asks for the connection's end."""
        if self._has_number:
            return self._rendered(number, closes=closes)
        return self._closing if closes else self._kept

    def _rendered(self, number: int, *, closes: bool) -> bytes:
        digits = b"%d" % number
        body = self._body.replace(b"{n}", digits)
        head = self._head.replace(b"{n}", digits)
        if body or not head.startswith((b"GET ", b"DELETE ")):
            head += b"Content-Length: %d\r\n" % len(body)
        if closes:
            head += b"Connection: close\r\n"
        return head + b"\r\n" + body


def cycle(weights: Sequence[int]) -> list[int]:
    """The order in which places take their turns: each as often as its weight, well mixed."""
    order: list[int] = []
    credit = [0] * len(weights)
    for _ in range(sum(weights)):
        credit = [have + weight for have, weight in zip(credit, weights, strict=True)]
        place = credit.index(max(credit))
        credit[place] -= sum(weights)
        order.append(place)
    return order

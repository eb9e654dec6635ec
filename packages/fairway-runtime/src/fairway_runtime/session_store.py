"""Where sessions are kept: in their cookies whole, or in Redis (R95), which may be lost.

What a store can't give it leaves out and says so; it never fails a request.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from fairway_runtime.redis_link import RedisLink, RedisLost
from fairway_runtime.session_seal import Ticket

__all__ = ["CookieStore", "Loaded", "RedisStore", "SessionStore"]

_ENDED = b"-"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A session's data; `is_partial` where the store was lost and only the cookie's part is here.

    `is_ended`: it was ended, or renewed, and its cookie is worth nothing.
    """

    data: Mapping[str, Any]
    is_partial: bool = False
    is_ended: bool = False


class SessionStore(Protocol):
    """Keeps sessions for `seconds` after each change; loses them rather than failing."""

    def carried(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The part of `data` that travels in the cookie."""
        ...

    async def load(self, ticket: Ticket) -> Loaded: ...
    async def save(
        self, ticket: Ticket, data: Mapping[str, Any], seconds: int, *, is_partial: bool
    ) -> None: ...
    async def end(self, identity: str, seconds: int) -> None: ...


class CookieStore:
    """Everything is in the cookie. A session that is ended lives on in a copy until its time."""

    def carried(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        return data

    async def load(self, ticket: Ticket) -> Loaded:
        return Loaded(ticket.data)

    async def save(
        self, ticket: Ticket, data: Mapping[str, Any], seconds: int, *, is_partial: bool
    ) -> None:
        """The cookie has it."""

    async def end(self, identity: str, seconds: int) -> None:
        """The browser forgets the cookie."""


class RedisStore:
    """Sessions in Redis, shared by all replicas; the cookie has an id, and what `carries` names.

    While Redis is lost (`RedisLink`: within 100 ms) a session has its carried values only, and
    keeps changes of these; they go back to Redis when it is back. Sessions that a restarted Redis
    has forgotten go on with what they carry. An ended session stays ended, except while Redis is
    lost or after it forgot.
    """

    def __init__(self, link: RedisLink, *, carries: tuple[str, ...] = ("user_id",)) -> None:
        self._link = link
        self._carries = carries

    def carried(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: data[name] for name in self._carries if name in data}

    async def load(self, ticket: Ticket) -> Loaded:
        try:
            answer = await self._link.command("GET", _place(ticket.identity))
        except RedisLost:
            return Loaded(ticket.data, is_partial=True)
        if answer is None:
            return Loaded(ticket.data)
        if answer == _ENDED:
            return Loaded({}, is_ended=True)
        try:
            version, data = cast("tuple[int, dict[str, Any]]", json.loads(cast("bytes", answer)))
        except (ValueError, TypeError):  # not what we wrote
            return Loaded(ticket.data)
        if ticket.version > version:  # changed while Redis was lost
            others = {name: data[name] for name in data if name not in self._carries}
            data = {**others, **ticket.data}
        return Loaded(data)

    async def save(
        self, ticket: Ticket, data: Mapping[str, Any], seconds: int, *, is_partial: bool
    ) -> None:
        """Not what is a part only: it would take the place of the whole."""
        if is_partial:
            return
        text = json.dumps([ticket.version, data], separators=(",", ":"), allow_nan=False)
        await self._set(ticket.identity, text, seconds)

    async def end(self, identity: str, seconds: int) -> None:
        await self._set(identity, _ENDED, seconds)

    async def _set(self, identity: str, value: str | bytes, seconds: int) -> None:
        try:
            await self._link.command("SET", _place(identity), value, "EX", seconds)
        except RedisLost:
            return


def _place(identity: str) -> str:
    """By a hash: who can read Redis can't learn ids."""
    return f"fairway:session:{hashlib.sha256(identity.encode()).hexdigest()[:40]}"

"""Sessions: what an app remembers of a browser, in a signed cookie or in Redis (R95).

    app = Sessions(app, keys=[b"..."])

    request.session["user_id"] = "ada"  # Starlette and FastAPI; `scope["session"]` anywhere

Wraps any ASGI app. Reads the cookie before the app runs, and writes it with the answer's start.
"""

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Literal

from fairway_runtime import contract
from fairway_runtime.asgi import App, Message, Receive, Scope, Send
from fairway_runtime.figures import Figure, roll
from fairway_runtime.session_seal import Seal, Ticket
from fairway_runtime.session_store import CookieStore, Loaded, SessionStore

__all__ = ["Session", "Sessions"]

_OPEN_ENVIRONMENTS = ("dev", "local", "test")  # where pages may be had without TLS
_STARTS = ("http.response.start", "websocket.accept")


class Session(MutableMapping[str, Any]):
    """A browser's values, which JSON must be able to say; empty for one that is new.

    Emptied (`clear`), the session ends. `is_partial`: Redis is lost, and only what the cookie
    carries is here.
    """

    def __init__(self, data: Mapping[str, Any], *, is_partial: bool = False) -> None:
        self.is_partial = is_partial
        self.is_read = False
        self.is_renewed = False
        self._data = dict(data)

    def __getitem__(self, name: str) -> Any:
        self.is_read = True
        return self._data[name]

    def __setitem__(self, name: str, value: object) -> None:
        self._data[name] = value

    def __delitem__(self, name: str) -> None:
        del self._data[name]

    def __iter__(self) -> Iterator[str]:
        self.is_read = True
        return iter(self._data)

    def __len__(self) -> int:
        self.is_read = True
        return len(self._data)

    def renew(self) -> None:
        """Take a new id: at every login, so that an id planted before it is worth nothing."""
        self.is_renewed = True

    def snapshot(self) -> dict[str, Any]:
        """The values, as they are now."""
        return dict(self._data)


class Sessions:
    """The ASGI layer. Cookies are HttpOnly, SameSite, for the whole site, and Secure by default.

    `keys`: 32 bytes or more each; the first signs, all are believed. A session ends `seconds`
    after it was last used (written anew when half of that is over), and `longest_seconds` after
    it began. `name` gets the prefix `__Host-` where the cookie is secure.

    Of two requests of one session at once, the later answer wins. What the app changes after its
    answer began is lost.
    """

    def __init__(  # noqa: PLR0913 (keywords with defaults, each of which an app may tune)
        self,
        app: App,
        *,
        keys: Sequence[bytes],
        store: SessionStore | None = None,
        name: str = "session",
        seconds: int = 8 * 3600,
        longest_seconds: int = 7 * 24 * 3600,
        same_site: Literal["lax", "strict", "none"] = "lax",
        is_secure: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if same_site == "none" and not is_secure:
            raise ValueError("a cookie with SameSite=None must be Secure")
        self.app = app
        self.name = f"__Host-{name}" if is_secure else name
        self._seal = Seal(keys, self.name, seconds=seconds, longest_seconds=longest_seconds)
        self._store: SessionStore = store or CookieStore()
        self._seconds = seconds
        self._clock = clock
        self._attributes = f"; Path=/; HttpOnly; SameSite={same_site.capitalize()}"
        self._attributes += "; Secure" if is_secure else ""
        self._refused = self._partial = 0
        roll.add(self)

    @classmethod
    def from_environment(cls, app: App, env: Mapping[str, str] = os.environ) -> "Sessions":
        """Keys from SESSION_SECRET (several: with spaces between), Redis from REDIS_URL (R66)."""
        from fairway_runtime.settings import Settings

        keys = [key.encode() for key in env.get(contract.SESSION_SECRET, "").split()]
        if not keys:
            raise ValueError(f"{contract.SESSION_SECRET} is not set: 32 random characters or more")
        wanted = (contract.REDIS_URL, contract.REDIS_ENABLED, contract.ENVIRONMENT)
        settings = Settings.from_environment({key: env[key] for key in wanted if key in env})
        store = None
        if settings.redis_url:
            from fairway_runtime.redis_link import RedisLink
            from fairway_runtime.session_store import RedisStore

            store = RedisStore(
                RedisLink(settings.redis_url, "sessions", seconds=settings.cache_seconds)
            )
        is_secure = settings.environment not in _OPEN_ENVIRONMENTS
        return cls(app, keys=keys, store=store, is_secure=is_secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        ticket = self._ticket(scope)
        loaded = Loaded({}) if ticket is None else await self._store.load(ticket)
        if loaded.is_ended:
            ticket = None
        self._partial += loaded.is_partial
        session = Session(loaded.data, is_partial=loaded.is_partial)
        before = _text(session)

        async def saving_send(message: Message) -> None:
            if message["type"] in _STARTS:
                more = await self._save(ticket, session, before)
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        await self.app({**scope, "session": session}, receive, saving_send)

    def user_of(self, scope: Scope) -> str | None:
        """The `user_id` that a good cookie of this request carries: `Clients(user_of=…)` asks it.

        For a rate limit outside of the sessions (R218). The cookie's word alone: whether the
        session was ended since, the store knows.
        """
        ticket = self._ticket(scope)
        user = None if ticket is None else ticket.data.get("user_id")
        return user if isinstance(user, str) and user else None

    def figures(self) -> Iterator[Figure]:
        for name, about, value in (
            ("session_cookies_refused_total", "Forged, broken or over.", self._refused),
            ("session_partial_total", "Requests served while the store was lost.", self._partial),
        ):
            yield Figure(name, "counter", about, (), value)

    def _ticket(self, scope: Scope) -> Ticket | None:
        """The first cookie of our name that is good."""
        now = self._clock()
        prefix = f"{self.name}="
        for name, value in scope["headers"]:
            if name != b"cookie":
                continue
            for one in value.decode("latin-1").split(";"):
                cookie: str = one.strip()
                if cookie.startswith(prefix):
                    ticket = self._seal.open(cookie.removeprefix(prefix), now)
                    if ticket is not None:
                        return ticket
                    self._refused += 1
        return None

    async def _save(
        self, ticket: Ticket | None, session: Session, before: str
    ) -> list[tuple[bytes, bytes]]:
        """Keep what changed; the headers that the answer needs."""
        vary = [(b"vary", b"cookie")] if session.is_read else []
        now = int(self._clock())
        is_changed = _text(session) != before
        data = session.snapshot()
        if not data and ticket is None:
            return vary
        if not data and is_changed and ticket is not None:
            await self._store.end(ticket.identity, self._seconds)
            return [*vary, self._cookie("", 0)]
        is_stale = ticket is not None and self._seal.is_stale(ticket, now)
        if not (is_changed or is_stale or session.is_renewed):
            return vary
        if ticket is None or session.is_renewed:
            old, ticket = ticket, Ticket(secrets.token_urlsafe(18), now, now, 0, {})
            if old is not None:
                await self._store.end(old.identity, self._seconds)
        carried = self._store.carried(data)
        ticket = Ticket(ticket.identity, ticket.began, now, ticket.version + 1, carried)
        value = self._seal.sign(ticket)
        await self._store.save(ticket, data, self._seconds, is_partial=session.is_partial)
        return [*vary, self._cookie(value, self._seconds)]

    def _cookie(self, value: str, seconds: int) -> tuple[bytes, bytes]:
        text = f"{self.name}={value}; Max-Age={seconds}{self._attributes}"
        return (b"set-cookie", text.encode())


def _text(session: Session) -> str:
    return json.dumps(session.snapshot(), sort_keys=True, allow_nan=False)

"""The door: who comes in, by a signed session; everything behind it knows who asks.

An ASGI layer around API and pages. Sessions are `fairway_runtime.sessions`: signed with
SESSION_KEY, in Redis where there is one. Without one a page leads to the sign-in page, the API
answers 401, and a page's WebSocket is refused. What a session claims is held against the database.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.responses import JSONResponse, RedirectResponse, Response

from fairway_runtime.asgi import App, Receive, Scope, Send
from fairway_runtime.clients import header
from fairway_runtime.context import identify
from fairway_runtime.redis_link import RedisLink
from fairway_runtime.session_store import RedisStore
from fairway_runtime.sessions import Session, Sessions
from longrun.people import People, Person
from longrun.settings import Settings

__all__ = ["PERSON", "SESSION_HEADER", "Door", "begin_session", "local_path", "with_sessions"]

PERSON = "longrun.person"  # in the scope of what is behind the door
SESSION_HEADER = "x-longrun-session"  # and in a page's WebSocket: its script sees headers alone
LONGEST_SECONDS = 12 * 3600
IDLE_SECONDS = 8 * 3600
CARRIED = ("user_id", "name", "role", "generation", "until")
# What shows nothing of anybody: the sign-in page, Streamlit's own files, the API's description.
OPEN_PATHS = ("/login", "/api/login", "/api/docs", "/api/openapi.json", "/favicon.png")
OPEN_PREFIXES = ("/static/", "/_stcore/health", "/_stcore/host-config")
READING = ("GET", "HEAD", "OPTIONS")


def with_sessions(app: App, settings: Settings) -> Sessions:
    """`app` with the session of each request in its scope; keys are those of SESSION_KEY.

    Without a key, which is for development alone, sessions end with the process.
    """
    store = None
    if settings.redis_url:
        link = RedisLink(settings.redis_url, "sessions", seconds=settings.redis_seconds)
        store = RedisStore(link, carries=CARRIED)
    return Sessions(
        app,
        keys=settings.session_keys or [secrets.token_bytes(32)],
        store=store,
        seconds=IDLE_SECONDS,
        longest_seconds=LONGEST_SECONDS,
        is_secure=not settings.is_open,
    )


def begin_session(session: Session, person: Person) -> None:
    """Let the browser be this person's, under a new id."""
    session.clear()
    session.update({**person.claims(), "until": int(time.time()) + LONGEST_SECONDS})
    session.renew()


def local_path(text: str) -> str:
    """Where a browser may be sent after it signed in: a path of this app, else the first page."""
    parts = urlsplit(text)
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if is_ours and not parts.scheme and not parts.netloc else "/"


class Door:
    """Finds the person of each request, and lets nobody else in; stands within `Sessions`."""

    def __init__(self, inner: App, people: People) -> None:
        self._inner = inner
        self._people = people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._inner(scope, receive, send)
            return
        session: Session = scope["session"]
        person = await self._person(session)
        scope = {**scope, PERSON: person}
        if scope["type"] == "websocket":
            await self._open_page(scope, receive, send, person, session)
            return
        refused = _refusal(scope, person)
        if refused is not None:
            await refused(scope, receive, send)
            return
        await self._inner(scope, receive, send)

    async def _person(self, session: Session) -> Person | None:
        claimed = Person.claimed(session) if "user_id" in session else None
        if claimed is None or session.get("until", 0) < time.time():
            return None
        known = self._people.remembered(claimed)
        person = await asyncio.to_thread(self._people.current, claimed) if known == "ask" else known
        if person is not None:
            identify(person.id)
        return person

    async def _open_page(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        person: Person | None,
        session: Mapping[str, Any],
    ) -> None:
        """A page's WebSocket, which tells its script who looks; nobody else can say that."""
        if person is None or not _is_same_origin(scope):
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "sign in"})
            return
        name = SESSION_HEADER.encode()
        told = json.dumps({**person.claims(), "until": session["until"]}).encode()
        others = [one for one in scope["headers"] if one[0] != name]
        await self._inner({**scope, "headers": [*others, (name, told)]}, receive, send)


def _refusal(scope: Scope, person: Person | None) -> Response | None:
    path, method = str(scope["path"]), str(scope["method"])
    if method not in READING and not _is_same_origin(scope):
        return _problem(403, "Not allowed", "this comes from another site")
    if person is not None or path in OPEN_PATHS or path.startswith(OPEN_PREFIXES):
        return None
    if path.startswith("/api/"):
        return _problem(401, "Sign in", "nobody is signed in: POST /api/login first")
    if method != "GET" or path.startswith("/_stcore/"):
        return _problem(401, "Sign in", "nobody is signed in")
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = f"{path}?{query}" if query else path
    target = "/login" if wanted == "/" else f"/login?next={quote(wanted, safe='')}"
    return RedirectResponse(target, 303, {"cache-control": "no-store"})


def _is_same_origin(scope: Scope) -> bool:
    """Whether a browser says that another site's page asks; what is no browser says nothing."""
    site = header(scope, b"sec-fetch-site")
    if site:
        return site in (b"same-origin", b"none")
    origin = header(scope, b"origin").decode("latin-1")
    return not origin or urlsplit(origin).netloc == header(scope, b"host").decode("latin-1")


def _problem(status: int, title: str, detail: str) -> Response:
    told: dict[str, object] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "errors": [],
    }
    return JSONResponse(told, status, media_type="application/problem+json")

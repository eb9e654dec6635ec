"""Sessions: signed, kept, ended and renewed, with Redis, without it, and while it is gone (R95)."""

import asyncio
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from fairway_runtime.asgi import App, Receive, Scope, Send
from fairway_runtime.redis_link import RedisLink, RedisLost
from fairway_runtime.session_seal import Seal, Ticket
from fairway_runtime.session_store import RedisStore, SessionStore
from fairway_runtime.sessions import Session, Sessions
from tests.properties import examples
from tests.runtime.asking import Answer, ask
from tests.runtime.redis_server import RedisServer
from tests.runtime.ticking import Ticking

KEY, OTHER = b"k" * 32, b"o" * 32


@dataclass
class FakeLink:
    """A Redis that is a dictionary, and may be lost."""

    kept: dict[str, bytes] = field(default_factory=dict)
    is_lost: bool = False

    async def command(self, *words: Any) -> object:
        if self.is_lost:
            raise RedisLost("gone")
        if words[0] == "GET":
            return self.kept.get(words[1])
        value = words[2]
        self.kept[words[1]] = value if isinstance(value, bytes) else value.encode()
        return b"OK"


class Acting:
    """An app that does to its session what a test says."""

    def __init__(self) -> None:
        self.act = lambda session: None
        self.saw: dict[str, Any] = {}
        self.was_partial = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session: Session = scope["session"]
        self.saw, self.was_partial = session.snapshot(), session.is_partial
        self.act(session)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Browser:
    """Keeps the cookie, as a browser does."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.cookie = ""
        self.set = ""

    def ask(self) -> Answer:
        headers = [(b"cookie", f"theme=dark; {self.cookie}".encode())] if self.cookie else []
        answer = asyncio.run(ask(self.app, headers=headers))
        self.set = answer.header("set-cookie") or ""
        if self.set:
            self.cookie = self.set.partition(";")[0]
        if "Max-Age=0" in self.set:
            self.cookie = ""
        return answer


@dataclass
class Made:
    acting: Acting
    clock: Ticking
    browser: Browser

    def does(self, act: Any = lambda session: None) -> dict[str, Any]:
        """What the session was, before `act`."""
        self.acting.act = act
        self.browser.ask()
        return self.acting.saw


def made(store: SessionStore | None = None, keys: tuple[bytes, ...] = (KEY,), **more: Any) -> Made:
    acting, clock = Acting(), Ticking()
    app = Sessions(acting, keys=keys, store=store, clock=clock, **more)
    return Made(acting, clock, Browser(app))


def setting(**values: object) -> Any:
    return lambda session: session.update(values)


@pytest.mark.requirement("R95")
def test_a_session_is_there_at_the_next_request_in_a_cookie_that_scripts_cannot_read() -> None:
    one = made()
    one.does()
    assert one.browser.set == ""  # nothing to keep, no cookie
    one.does(setting(user_id="ada", plan={"years": 30}))
    name, _, attributes = one.browser.set.partition("=")
    assert name == "__Host-session"
    assert attributes.split("; ")[1:] == [
        *("Max-Age=28800", "Path=/", "HttpOnly", "SameSite=Lax", "Secure")
    ]
    assert one.does() == {"user_id": "ada", "plan": {"years": 30}}
    assert one.browser.set == ""  # unchanged: not written anew
    one.does(lambda session: session["plan"].update(years=31))  # a change deep inside
    assert one.does()["plan"] == {"years": 31}
    one.does(lambda session: session.clear())
    assert "Max-Age=0" in one.browser.set
    assert one.does() == {}


def test_starlette_and_fastapi_find_it_where_they_look() -> None:
    async def count(request: Request) -> JSONResponse:
        request.session["n"] = request.session.get("n", 0) + 1
        return JSONResponse(request.session["n"])

    browser = Browser(Sessions(Starlette(routes=[Route("/", count)]), keys=[KEY]))
    answers = [browser.ask() for _ in range(3)]
    assert [answer.json for answer in answers] == [1, 2, 3]
    assert answers[0].header("vary") == "cookie"
    assert SimpleCookie(answers[0].header("set-cookie"))["__Host-session"]["httponly"] is True


@pytest.mark.requirement("R95")
def test_it_ends_when_it_is_not_used_and_in_any_case_after_its_longest_time() -> None:
    one = made(seconds=100, longest_seconds=250)
    one.does(setting(user_id="ada"))
    for _ in range(3):
        one.clock.now += 70
        assert one.does() == {"user_id": "ada"}
        assert one.browser.set  # written anew: half of its time was over
    one.clock.now += 40
    assert one.does() == {}  # 250 s after it began
    one.does(setting(user_id="ada"))
    one.clock.now += 100
    assert one.does() == {}


@pytest.mark.requirement("R95")
def test_keys_are_rotated_without_anybody_having_to_log_in_again() -> None:
    one = made(keys=(OTHER,))
    one.does(setting(user_id="ada"))
    both, new = made(keys=(KEY, OTHER)), made(keys=(KEY,))
    new.browser.cookie = both.browser.cookie = one.browser.cookie
    assert new.does() == {}
    assert both.does(setting(n=1)) == {"user_id": "ada"}
    new.browser.cookie = both.browser.cookie
    assert new.does() == {"user_id": "ada", "n": 1}
    with pytest.raises(ValueError, match="32 bytes"):
        made(keys=(b"short",))
    with pytest.raises(ValueError, match="one or more"):
        made(keys=())


@pytest.mark.requirement("R218")
def test_a_rate_limit_outside_knows_the_user_of_a_good_cookie_and_of_no_other() -> None:
    one = made()
    sessions = cast("Sessions", one.browser.app)
    one.does(setting(user_id="ada"))

    def user(cookie: str) -> str | None:
        return sessions.user_of({"type": "http", "headers": [(b"cookie", cookie.encode())]})

    assert user(one.browser.cookie) == "ada"
    assert user(one.browser.cookie[:-2]) is None
    assert user("") is None
    one.clock.now += 8 * 3600 + 1
    assert user(one.browser.cookie) is None
    one.does(setting(user_id=7))
    assert user(one.browser.cookie) is None


@examples(200)
@given(st.integers(0, 400), st.integers(1, 127))
@pytest.mark.requirement("R95")
def test_no_cookie_is_believed_that_was_changed_anywhere(at: int, by: int) -> None:
    seal = Seal([KEY], "session", seconds=100, longest_seconds=100)
    value = seal.sign(Ticket("id", 1000, 1000, 1, {"user_id": "ada"}))
    at %= len(value)
    changed = value[:at] + chr((ord(value[at]) + by) % 128) + value[at + 1 :]
    found = seal.open(changed, 1000)
    # The last character of the signature has two bits that say nothing.
    assert found is None or (at == len(value) - 1 and found.data == {"user_id": "ada"})


@given(st.text())
def test_what_is_no_cookie_of_ours_is_no_error(text: str) -> None:
    assert Seal([KEY], "session", seconds=9, longest_seconds=9).open(text, 0) is None
    other = Seal([KEY], "other", seconds=9, longest_seconds=9)
    value = other.sign(Ticket("id", 0, 0, 1, {}))
    assert Seal([KEY], "session", seconds=9, longest_seconds=9).open(value, 0) is None


def test_a_cookie_that_no_browser_would_keep_is_an_error_at_once() -> None:
    with pytest.raises(ValueError, match="keep less in it"):
        made().does(setting(text="x" * 4000))


@pytest.mark.requirement("R95")
def test_with_redis_the_cookie_carries_an_id_and_what_was_named_and_nothing_else() -> None:
    link = FakeLink()
    one = made(RedisStore(cast("RedisLink", link)))
    one.does(setting(user_id="ada", secret="x" * 9000))
    value = one.browser.cookie.partition("=")[2]
    ticket = Seal([KEY], "__Host-session", seconds=9999, longest_seconds=9999).open(value, 1000)
    assert ticket is not None
    assert ticket.data == {"user_id": "ada"}
    assert one.does() == {"user_id": "ada", "secret": "x" * 9000}
    assert not any(ticket.identity in key for key in link.kept)


@pytest.mark.requirement("R95")
def test_an_ended_or_renewed_session_is_ended_for_a_stolen_cookie_too() -> None:
    one = made(RedisStore(cast("RedisLink", FakeLink())))
    one.does(setting(user_id="ada"))
    stolen = one.browser.cookie
    one.does(lambda session: session.renew())
    kept = one.browser.cookie
    assert one.does() == {"user_id": "ada"}
    one.browser.cookie = stolen
    assert one.does() == {}
    one.browser.cookie = kept
    one.does(lambda session: session.clear())
    one.browser.cookie = kept
    assert one.does() == {}


STEPS = st.lists(
    st.one_of(
        st.sampled_from(["lose", "find", "renew", "clear", "forget", "look"]),
        st.tuples(st.sampled_from(["user_id", "n"]), st.integers(0, 9)),
    ),
    max_size=25,
)


@examples(150)
@given(STEPS)
@pytest.mark.requirement("R95")
def test_whatever_redis_does_the_session_is_what_its_dumb_twin_says(steps: list[Any]) -> None:
    link = FakeLink()
    one = made(RedisStore(cast("RedisLink", link)))
    carried: dict[str, int] = {}  # must never be wrong
    others: dict[str, int] | None = {}  # None: not known, because Redis was gone meanwhile
    for step in steps:
        if step in ("lose", "find"):
            link.is_lost = step == "lose"
            others = None
            continue
        if step == "forget":
            link.kept.clear()
            others = None
            continue
        if step == "clear":
            one.does(lambda session: session.clear())
            carried, others = {}, (None if link.is_lost else {})
        elif step == "renew":
            one.does(lambda session: session.renew())
            others = None if link.is_lost else others
        elif isinstance(step, tuple):
            one.does(setting(**{step[0]: step[1]}))
            if step[0] == "user_id":
                carried["user_id"] = step[1]
            elif others is not None and not link.is_lost:
                others["n"] = step[1]
        saw = one.does()
        assert {name: saw[name] for name in saw if name == "user_id"} == carried
        assert one.acting.was_partial == (link.is_lost and bool(one.browser.cookie))
        if others is not None:
            assert saw == {**carried, **others}


def test_the_environment_says_keys_redis_and_whether_there_is_tls() -> None:
    env = {"SESSION_SECRET": f"{'a' * 32} {'b' * 32}", "ENVIRONMENT": "production"}
    assert Sessions.from_environment(Acting(), env).name == "__Host-session"
    assert Sessions.from_environment(Acting(), {**env, "ENVIRONMENT": "dev"}).name == "session"
    with pytest.raises(ValueError, match="SESSION_SECRET is not set"):
        Sessions.from_environment(Acting(), {})
    with pytest.raises(ValueError, match="must be Secure"):
        made(same_site="none", is_secure=False)


@pytest.mark.real
@pytest.mark.requirement("R95", "R98", "R231")
def test_replicas_share_sessions_in_a_real_redis_and_serve_on_while_it_is_gone(
    tmp_path: Path,
) -> None:
    async def main(server: RedisServer) -> None:
        links = [RedisLink(server.url, f"sessions{n}", seconds=2) for n in range(2)]
        actings = [Acting(), Acting()]
        apps = [
            Sessions(acting, keys=[KEY], store=RedisStore(link))
            for acting, link in zip(actings, links, strict=True)
        ]
        actings[0].act = setting(user_id="ada", cart=[1, 2])
        answer = await ask(apps[0])
        cookie = (answer.header("set-cookie") or "").partition(";")[0].encode()
        await ask(apps[1], headers=[(b"cookie", cookie)])
        assert actings[1].saw == {"user_id": "ada", "cart": [1, 2]}
        server.kill()
        answer = await ask(apps[1], headers=[(b"cookie", cookie)])
        assert answer.status == 200
        assert (actings[1].saw, actings[1].was_partial) == ({"user_id": "ada"}, True)
        server.start()  # empty
        await asyncio.sleep(1.1)  # the pause after a failure
        await ask(apps[1], headers=[(b"cookie", cookie)])
        assert (actings[1].saw, actings[1].was_partial) == ({"user_id": "ada"}, False)
        for link in links:
            await link.close()

    with RedisServer(tmp_path) as server:
        asyncio.run(main(server))

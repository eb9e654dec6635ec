"""Rate limits as a client meets them: whose they are, what the answers say, and without Redis."""

import asyncio
import logging
import time
from pathlib import Path

import pytest

from fairway_runtime import Fairway, Settings
from fairway_runtime.bucket import Rate
from fairway_runtime.clients import Clients
from fairway_runtime.limits import Limiter
from fairway_runtime.redis_link import RedisLink
from fairway_runtime.settings import SettingsError
from tests.runtime.apps import plain
from tests.runtime.asking import Answer, ask, scope_of
from tests.runtime.redis_server import RedisServer
from tests.runtime.serving import Memory, lines_into
from tests.runtime.ticking import Ticking

PROXIED = Clients(("10.0.0.0/8",), "X-User")


class User:
    """As Starlette's AuthenticationMiddleware leaves one in the scope."""

    is_authenticated = True
    display_name = "Ada"

    @property
    def identity(self) -> str:
        raise NotImplementedError


def name(clients: Clients, peer: str, forwarded: str = "", user: str = "") -> str:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    headers += [(b"x-user", user.encode())] if user else []
    return clients.name(scope_of(headers=headers, client=(peer, 5)))


@pytest.mark.requirement("R218")
def test_a_user_counts_as_one_and_everybody_else_by_address() -> None:
    assert name(PROXIED, "10.1.1.1", "203.0.113.9", user="ada") == "user:ada"
    assert name(PROXIED, "203.0.113.9", user="forged") == "ip:203.0.113.9"
    assert name(Clients(), "203.0.113.9", user="forged") == "ip:203.0.113.9"
    scope = scope_of(client=("203.0.113.9", 5), user=User())
    assert Clients().name(scope) == "user:Ada"
    assert Clients(user_of=lambda _: "u" * 999).name(scope).startswith("user:")
    assert len(Clients(user_of=lambda _: "u" * 999).name(scope)) < 70


@pytest.mark.requirement("R218")
@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),  # a stranger may write what it likes
        ("10.1.1.1", "1.2.3.4", "1.2.3.4"),
        ("10.1.1.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),  # what the client itself invented
        ("10.1.1.1", "6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4"),
        ("10.1.1.1", "nonsense", "10.1.1.1"),
        ("10.1.1.1", "1.2.3.4, <script>", "10.1.1.1"),
        ("10.1.1.1", "1.2.3.4:5678", "1.2.3.4"),
        ("10.1.1.1", "[2001:db8:1:2:3::4]:5678", "2001:db8:1:2::/64"),
        ("10.1.1.1", "10.2.2.2", "10.2.2.2"),
        ("2001:db8:1:2:aaaa::1", "", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "", "203.0.113.9"),
        ("fe80::1%eth0", "", "fe80::/64"),
        ("", "", "unknown"),
    ],
)
def test_the_address_is_the_last_that_no_trusted_proxy_has(
    peer: str, forwarded: str, counted: str
) -> None:
    assert name(PROXIED, peer, forwarded) == f"ip:{counted}"


def limited(rate: str, memory: Memory, **env: str) -> Fairway:
    settings = Settings.from_environment({"RATE_LIMIT": rate, "FAIRWAY_LOGS": "off", **env})
    return Fairway(plain.app, settings, lines_into(memory))


@pytest.mark.requirement("R216", "R218")
def test_answers_say_what_is_left_and_429_when_to_come_back() -> None:
    memory = Memory()
    fairway = limited("2/min", memory)

    async def main() -> list[Answer]:
        return [await ask(fairway) for _ in range(3)]

    first, _, third = asyncio.run(main())
    assert first.status == 200
    assert first.header("ratelimit-limit") == "2"
    assert first.header("ratelimit-policy") == "2;w=60"
    assert first.header("ratelimit-remaining") == "1"
    assert first.header("ratelimit-reset") == "30"
    assert third.status == 429
    assert third.header("content-type") == "application/problem+json"
    assert third.header("retry-after") == "30"
    assert third.header("ratelimit-remaining") == "0"
    assert third.json["title"] == "Too Many Requests"
    assert third.json["correlation_id"] == third.header("x-request-id")
    assert memory.lines[2]["refusal"] == "rate_limit"
    other = asyncio.run(ask(fairway, client=("203.0.113.9", 5)))
    assert other.status == 200


def test_probes_and_static_files_are_exempt_and_what_happens_is_told() -> None:
    fairway = limited("1/h", Memory())
    paths = ["/health", "/ready", "/metrics", "/static/app.js", "/_stcore/health"] * 3

    async def main() -> bytes:
        assert [(await ask(fairway, path)).status for path in paths] == [200] * len(paths)
        assert [(await ask(fairway, "/")).status for _ in range(3)] == [200, 429, 429]
        assert (await ask(fairway, "/statics")).status == 429
        return (await ask(fairway, "/metrics")).body

    text = asyncio.run(main())
    assert b"\nrate_limit_rejections_total " in text
    assert b'status="429"} 3' in text


def test_without_the_variable_there_is_no_limit_and_no_header() -> None:
    fairway = limited("none", Memory())
    assert asyncio.run(ask(fairway)).header("ratelimit-limit") is None


def test_every_variable_of_the_limiter_arrives_or_is_told() -> None:
    env = {
        "RATE_LIMIT": "100/min",
        "REDIS_URL": "redis://:open-sesame@h/0",
        "FAIRWAY_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1",
        "FAIRWAY_USER_HEADER": "x-user",
    }
    settings = Settings.from_environment(env)
    assert settings.rate_limit == Rate(100, 60)
    assert settings.redis_url == "redis://:open-sesame@h/0"
    assert settings.trusted_proxies == ("10.0.0.0/8", "192.0.2.1")
    assert settings.user_header == "x-user"
    assert "sesame" not in repr(settings)
    assert Settings.from_environment(env | {"REDIS_ENABLED": "false"}).redis_url == ""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(
            {"RATE_LIMIT": "lots", "FAIRWAY_TRUSTED_PROXIES": "all", "REDIS_URL": "http://h"}
        )
    assert str(caught.value).splitlines() == [
        "RATE_LIMIT='lots': must be a rate such as 60/min, 5/s or 1000/h",
        "REDIS_URL: must begin with redis:// or rediss://",
        "FAIRWAY_TRUSTED_PROXIES='all': must be an address or a network",
    ]


SCOPE = scope_of(client=("203.0.113.9", 5))
PATIENT = 5.0  # seconds for Redis, where a busy machine must not look like a lost one


async def allowed(limiter: Limiter, times: int) -> int:
    return sum([(await limiter.take(SCOPE)).is_allowed for _ in range(times)])


@pytest.mark.requirement("R218", "R231")
def test_a_redis_that_nobody_answers_for_costs_no_request_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    link = RedisLink("redis://127.0.0.1:1/0", "test")
    limiter = Limiter(Rate(5, 3600), link=link)
    with caplog.at_level(logging.WARNING, "fairway.redis"):
        assert asyncio.run(allowed(limiter, 20)) == 5
    assert [one.message.partition(":")[0] for one in caplog.records] == ["test"]
    figures = {one.name: one.value for one in link.figures()}
    assert figures == {"redis_up": 0, "redis_fallbacks_total": 20}


@pytest.mark.real
@pytest.mark.requirement("R96", "R217")
def test_replicas_share_one_bucket_in_redis(tmp_path: Path) -> None:
    async def main(url: str) -> None:
        links = [RedisLink(url, "test", seconds=PATIENT) for _ in range(3)]
        limiters = [Limiter(Rate(50, 3600), link=link) for link in links]
        passed = await asyncio.gather(*(allowed(one, 40) for one in limiters))
        assert sum(passed) == 50
        await links[0].command("SCRIPT", "FLUSH")  # EVALSHA now says NOSCRIPT
        taken = await limiters[0].take(SCOPE)
        assert (taken.is_allowed, taken.remaining) == (False, 0)
        assert 3590 < taken.full_seconds <= 3600
        assert not links[0].is_lost
        for one in limiters:
            await one.close()

    with RedisServer(tmp_path) as server:
        asyncio.run(main(server.url))


@pytest.mark.real
@pytest.mark.requirement("R96", "R217", "R231")
def test_when_redis_is_killed_and_comes_back_empty_no_request_fails_and_none_is_given_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rate = Rate(60, 60)

    async def main(server: RedisServer) -> None:
        link = RedisLink(server.url, "test", seconds=PATIENT)
        limiter = Limiter(rate, link=link)
        began = time.monotonic()
        passed = await allowed(limiter, 80)
        assert passed >= 60
        server.kill()
        lost = time.monotonic()
        passed += await allowed(limiter, 200)
        assert link.is_lost
        server.start()
        while link.is_lost:
            passed += await allowed(limiter, 5)
            await asyncio.sleep(0.05)
        passed += await allowed(limiter, 50)
        ended = time.monotonic()
        assert passed <= 60 + (ended - began) + 1 + (ended - lost)
        await limiter.close()

    with RedisServer(tmp_path) as server, caplog.at_level(logging.WARNING, "fairway.redis"):
        asyncio.run(main(server))
    assert [one.message.split(",")[0] for one in caplog.records] == [
        "test: lost redis",
        "test: redis is back",
    ]


def sharers(limiter: Limiter) -> object:
    return {one.name: one.value for one in limiter.figures()}["rate_limit_sharers"]


@pytest.mark.real
@pytest.mark.requirement("R96", "R217", "R231")
def test_each_process_gives_its_share_of_what_redis_had_heard_of(tmp_path: Path) -> None:
    async def main(server: RedisServer) -> None:
        clock = Ticking()
        rate = Rate(60, 3600)
        links = [RedisLink(server.url, "test", seconds=PATIENT, clock=clock) for _ in range(3)]
        limiters = [Limiter(rate, link=link, clock=clock) for link in links]
        for one in limiters:
            await one.take(SCOPE)
        assert [sharers(one) for one in limiters] == [1, 2, 3]
        clock.now += 6
        for one in limiters:
            await one.take(SCOPE)
        assert [sharers(one) for one in limiters] == [3, 3, 3]

        server.kill()
        stranger = scope_of(client=("203.0.113.77", 5))
        passed = [
            sum([(await one.take(stranger)).is_allowed for _ in range(60)]) for one in limiters
        ]
        assert passed == [20, 20, 20]  # together the rate, and neither three times it nor less

        server.start()  # empty: it has heard of nobody, and they were three a moment ago
        await regain(limiters[0], links[0], clock)
        assert sharers(limiters[0]) == 3
        clock.now += 31
        await limiters[0].take(SCOPE)
        assert sharers(limiters[0]) == 1
        for one in limiters:
            await one.close()

    with RedisServer(tmp_path) as server:
        asyncio.run(main(server))


@pytest.mark.requirement("R217", "R231")
def test_before_redis_was_heard_of_there_are_as_many_processes_as_may_be() -> None:
    link = RedisLink("redis://127.0.0.1:1/0", "test")
    limiter = Limiter(Rate(60, 3600), link=link, processes=4)
    assert asyncio.run(allowed(limiter, 60)) == 15


async def regain(limiter: Limiter, link: RedisLink, clock: Ticking) -> None:
    for _ in range(50):
        clock.now += 1
        before = await limiter.take(SCOPE)
        if not link.is_lost:
            assert before.is_allowed
            return
    raise AssertionError("redis never came back")


@pytest.mark.real
@pytest.mark.requirement("R231")
def test_a_frozen_redis_costs_one_request_100_ms_and_the_others_nothing(tmp_path: Path) -> None:
    async def main(server: RedisServer) -> None:
        clock = Ticking()  # of the pause between two tries; the 100 ms are real
        link = RedisLink(server.url, "test", clock=clock)
        limiter = Limiter(Rate(1000, 60), link=link)
        assert await allowed(limiter, 10) == 10
        await regain(limiter, link, clock)
        server.freeze()
        began = time.monotonic()
        assert await allowed(limiter, 200) == 200
        assert 0.09 < time.monotonic() - began < 5  # 200 x 0.1 s if each had waited
        assert link.is_lost
        server.thaw()
        await regain(limiter, link, clock)  # and no late answer is taken for another's
        await limiter.close()

    with RedisServer(tmp_path) as server:
        asyncio.run(main(server))

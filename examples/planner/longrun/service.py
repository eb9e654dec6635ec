"""What API and pages share: one cached, bounded way to an answer, and the record of it.

Purpose: between the edge and the engine. The cache's key is the whole input. At most two
simulations run at once in a process; more wait in line, up to 30 s, and are then refused.
"""

import asyncio
import functools
import hashlib
import json
import logging
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fairway_runtime.bulkhead import Bulkhead, BulkheadFull
from fairway_runtime.business import count, level
from fairway_runtime.cache import ABSENT, Cache
from fairway_runtime.cached import cached
from fairway_runtime.context import correlation_id
from fairway_runtime.operations import operation
from fairway_runtime.redis_link import RedisLink, RedisLost
from longrun import __version__
from longrun.analysis import Analysis, analyse
from longrun.answers import Answer, answer
from longrun.database import Database
from longrun.engine import Cancelled
from longrun.inputs import LIMITS, PlanInput, Trouble
from longrun.people import People, Person
from longrun.recorder import Recorder
from longrun.settings import Settings
from longrun.spool import Entry, Spool
from longrun.store import Store, now
from longrun.stress import TEMPLATES
from longrun.trail import Trail

__all__ = ["Busy", "Recorded", "Service", "TooSlow", "current", "over_cap", "parsed"]

log = logging.getLogger(__name__)

SECONDS_PER_1000 = 5.0  # R233
AT_ONCE = 2
WAITING = 200
WAIT_SECONDS = 30.0
LOOK_SECONDS = 2.0
ANSWER_SECONDS = 1.5
TOO_MANY = "too many simulations are waiting; try again in a moment"

# What computes: pages and API together. What waits for it: the API's requests, as tasks, so that
# a thousand of them take no thousand threads.
_places = Bulkhead("simulations", most=AT_ONCE, waiting=WAITING, wait_seconds=WAIT_SECONDS)
_line = Bulkhead("requests", most=2 * AT_ONCE, waiting=WAITING, wait_seconds=WAIT_SECONDS)

Progress = Callable[[int, int], None]
Result = TypeVar("Result")


class Busy(Exception):
    """Too many simulations are waiting; this one was not begun."""


class TooSlow(Exception):
    """A simulation took longer than 5 s for each 1,000 scenarios, and was stopped."""


def _key(plan: PlanInput, template: str = "") -> str:
    return f"{template}\n{plan.model_dump_json(exclude={'client_id', 'client_name', 'notes'})}"


def _solve(
    plan: PlanInput,
    template: str,
    threads: int,
    progress: Progress | None,
    is_cancelled: Callable[[], bool] | None,
) -> str:
    """The answer as JSON: as such it is kept, shared and sent."""
    shock = next((one.shock for one in TEMPLATES if one.name == template), None)
    limit = SECONDS_PER_1000 * max(1.0, plan.scenarios / 1000)
    with _places, operation("run_monte_carlo_vectorized", scenarios=plan.scenarios):
        deadline = time.monotonic() + limit

        def is_over() -> bool:
            return time.monotonic() > deadline or (is_cancelled is not None and is_cancelled())

        try:
            found = answer(
                plan, threads=threads, shock=shock, progress=progress, is_cancelled=is_over
            )
        except Cancelled:
            if time.monotonic() > deadline:
                raise TooSlow(f"the simulation took more than {limit:.0f} s") from None
            raise
    count("scenarios_total", plan.scenarios)
    return found.model_dump_json()


@functools.lru_cache(maxsize=64)
def parsed(told: str) -> Answer:
    """The answer of its JSON; the cache gives the same text again, which is then known here."""
    return Answer.model_validate_json(told)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A simulation that happened: its record's id, and whether the audit log has it by now."""

    id: str
    is_there: bool


class Service:
    """One process's way to answers, rows, people and the audit log."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        # What waits for a person tries again; what has another way (the record on disk, the
        # session's own word) does not.
        reads = max(1, settings.pool_size - 2)
        self._patient = Database(settings, "main", connections=reads)
        self._quick = Database(settings, "quick", connections=2, is_patient=False)
        self.store = Store(self._patient)
        self.trail = Trail(settings, self._patient)
        self.people = People(settings, self._quick)
        self.recorder = Recorder(self._quick, self.trail, Spool(settings.spool))
        self._cache = Cache("plans", ttl_seconds=settings.cache_seconds)
        self._link = _link(settings, "plans")
        self._shared = Cache("shared-plans", max_bytes=0, link=self._link)
        # Keeps nothing itself: who asks for what is being computed waits for that answer.
        flights = Cache("plans-in-flight", ttl_seconds=0)
        self._once = cached(cache=flights, key=_key_of_call)(self._find)
        self._looked = (0.0, ("", ""))
        self._users: set[str] = set()
        self._simulations = 0

    def close(self) -> None:
        """Write what waits, and give connections back (R225)."""
        self.recorder.close()
        self._patient.close()
        self._quick.close()

    def solve(
        self,
        plan: PlanInput,
        template: str = "",
        *,
        progress: Progress | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> str:
        """The answer to a plan, as JSON; from the cache where it is there.

        Raises `Busy`, `TooSlow`, and `Cancelled` where `is_cancelled` said so.
        """
        return self.known(plan, template) or self._compute(plan, template, progress, is_cancelled)

    async def solve_in_turn(self, plan: PlanInput) -> str:
        """`solve` for tasks: what is known at once, what is not when its turn comes."""
        return self.known(plan) or await self.in_turn(lambda: self._compute(plan, "", None, None))

    def _compute(
        self,
        plan: PlanInput,
        template: str,
        progress: Progress | None,
        is_cancelled: Callable[[], bool] | None,
    ) -> str:
        while True:
            try:
                return self._once(plan, template, progress, is_cancelled)
            except BulkheadFull:
                raise Busy(TOO_MANY) from None
            except Cancelled:
                if is_cancelled is not None and is_cancelled():
                    raise
                # Somebody else asked for the same, and left: now it is ours to compute.

    def known(self, plan: PlanInput, template: str = "") -> str:
        """The answer, where this process's memory has it, or ""."""
        found = self._cache.get(_key(plan, template))
        return "" if found is ABSENT else str(found)

    async def in_turn(self, work: Callable[[], Result]) -> Result:
        """`work` in a thread, when its turn comes; `Busy` where too many wait, or it waits long."""
        try:
            async with _line:
                return await asyncio.to_thread(work)
        except BulkheadFull:
            raise Busy(TOO_MANY) from None

    def _find(
        self,
        plan: PlanInput,
        template: str,
        progress: Progress | None,
        is_cancelled: Callable[[], bool] | None,
    ) -> str:
        """From Redis, or from the engine; kept in both (R94, R98)."""
        key = _key(plan, template)
        told = self._cache.peek(key)  # somebody may have been quicker
        if told is ABSENT:
            with operation("cache_lookup"):
                told = self._shared.fetch_now(_shared_key(key))
        if isinstance(told, str):
            self._cache.put(key, told)
            return told
        told = _solve(plan, template, self.settings.threads, progress, is_cancelled)
        with operation("cache_results"):
            self._cache.put(key, told)
            self._shared.share_now(_shared_key(key), told, self.settings.cache_seconds)
        return told

    def stress(self, plan: PlanInput) -> dict[str, Answer]:
        """The plan after each bad beginning, by the template's name."""
        return {one.name: parsed(self.solve(plan, one.name)) for one in TEMPLATES}

    def entry(
        self, person: Person, action: str, plan: PlanInput, found: Answer, analysis: Analysis
    ) -> Entry:
        """What the audit log says of a simulation: inputs, outputs, flags. No names, no notes."""
        self._count(person)
        key, at = secrets.token_urlsafe(12), now()
        inputs = plan.model_dump(mode="json", exclude={"client_name", "notes"})
        outputs = {
            "success_probability": found.success_probability.value,
            "p10": found.ending.p10.value,
            "p50": found.ending.p50.value,
            "p90": found.ending.p90.value,
            "version": found.version,
        }
        row = {
            "ran_at": at,
            "owner": person.id,
            "client_id": plan.client_id,
            "plan": plan.model_dump_json(),
            "summary": _json(outputs),
            "flags": _json(analysis.flags),
        }
        detail = {"inputs": inputs, "outputs": outputs, "flags": list(analysis.flags)}
        target = f"client/{plan.client_id}"
        return Entry(key, at, person.id, action, target, correlation_id(), detail, row)

    def event(self, actor: str, action: str, target: str, **detail: Any) -> Entry:
        """What the audit log says of anything else."""
        key = secrets.token_urlsafe(12)
        return Entry(key, now(), actor, action, target, correlation_id(), detail)

    def record(
        self, person: Person, action: str, plan: PlanInput, found: Answer, analysis: Analysis
    ) -> Recorded:
        """Put a simulation into history and audit log. Raises `NotRecorded`."""
        entry = self.entry(person, action, plan, found, analysis)
        return Recorded(entry.id, self.recorder.keep(entry))

    async def record_async(
        self, person: Person, action: str, plan: PlanInput, found: Answer, analysis: Analysis
    ) -> Recorded:
        """`record` for tasks."""
        entry = self.entry(person, action, plan, found, analysis)
        return Recorded(entry.id, await self.recorder.keep_async(entry))

    def analyse(self, plan: PlanInput) -> tuple[Answer, Analysis]:
        """Answer and analysis."""
        found = parsed(self.solve(plan))
        return found, analyse(plan, found)

    def away(self) -> tuple[str, str]:
        """What is away, in words for a user: the database, Redis; "" where it is there.

        Asks both, at most every two seconds, and quickly.
        """
        at, told = self._looked
        if time.monotonic() - at < LOOK_SECONDS:
            return told
        self._looked = (time.monotonic(), told)
        database = redis = ""
        if not self._quick.is_there(ANSWER_SECONDS):
            database = (
                "The database is away. Your plan stays. Simulations go on and are kept on this"
                " machine until it is back; saving, history and signing in wait for it."
            )
        if self._link is not None:
            try:
                self._link.command_now("PING")
            except RedisLost:
                redis = "Redis is away. Everything works; the first answers may be slower."
        self._looked = (time.monotonic(), (database, redis))
        return database, redis

    def _count(self, person: Person) -> None:
        """Simulations, and how many a user (R177), since this process began."""
        self._users.add(person.id)
        self._simulations += 1
        count("simulations_total", role=person.role)
        level("simulations_per_user", self._simulations / len(self._users))


def _link(settings: Settings, name: str) -> RedisLink | None:
    if not settings.redis_url:
        return None
    return RedisLink(settings.redis_url, name, seconds=settings.redis_seconds)


def _key_of_call(plan: PlanInput, template: str, *_: object) -> str:
    return _key(plan, template)


def _shared_key(key: str) -> str:
    """A key of one length, for this version alone: Redis outlives a release."""
    return f"{__version__}:{hashlib.sha256(key.encode()).hexdigest()}"


def _json(value: object) -> str:
    return json.dumps(value)


def over_cap(plan: PlanInput, settings: Settings) -> Trouble | None:
    """What is wrong where a plan asks for more scenarios than this environment allows."""
    if plan.scenarios <= settings.max_scenarios:
        return None
    least = LIMITS["scenarios"].low
    return Trouble(
        "scenarios",
        f"{plan.scenarios:,} is more than this environment runs",
        f"Choose {least:g} to {settings.max_scenarios:,}.",
    )


@functools.cache
def current() -> Service:
    """The process's service, made when first asked for."""
    return Service(Settings.from_environment(os.environ))

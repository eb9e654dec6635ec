"""What API and pages share: one cached, bounded way to an answer, and the record of it.

Purpose: between the edge and the engine. The cache's key is the whole input. At most two
simulations run at once in a process; more wait in line, up to 30 s, and are then refused.
"""

import functools
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from fairway_runtime.bulkhead import Bulkhead, BulkheadFull
from fairway_runtime.cached import cached
from fairway_runtime.operations import operation
from longrun import __version__
from longrun.analysis import Analysis, analyse
from longrun.answers import Answer, answer
from longrun.engine import Cancelled
from longrun.inputs import LIMITS, PlanInput, Trouble
from longrun.settings import Settings
from longrun.store import Store, Unavailable
from longrun.stress import TEMPLATES

__all__ = ["Busy", "Service", "TooSlow", "current", "over_cap", "parsed"]

log = logging.getLogger(__name__)

SECONDS_PER_1000 = 5.0  # R233
WAITING = 200
WAIT_SECONDS = 30.0

_places = Bulkhead("simulations", most=2, waiting=WAITING, wait_seconds=WAIT_SECONDS)

Progress = Callable[[int, int], None]


class Busy(Exception):
    """Too many simulations are waiting; this one was not begun."""


class TooSlow(Exception):
    """A simulation took longer than 5 s for each 1,000 scenarios, and was stopped."""


def _key(plan: PlanInput, template: str = "", **_: object) -> str:
    return f"{template}\n{plan.model_dump_json(exclude={'client_id', 'client_name', 'notes'})}"


@cached(key=_key, version=__version__)
def _solve(
    plan: PlanInput,
    template: str = "",
    *,
    threads: int = 2,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
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
    return found.model_dump_json()


@functools.lru_cache(maxsize=64)
def parsed(told: str) -> Answer:
    """The answer of its JSON; the cache gives the same text again, which is then known here."""
    return Answer.model_validate_json(told)


@dataclass(frozen=True, slots=True)
class Service:
    """One process's way to answers and rows."""

    settings: Settings
    store: Store

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
        while True:
            try:
                return _solve(
                    plan,
                    template,
                    threads=self.settings.threads,
                    progress=progress,
                    is_cancelled=is_cancelled,
                )
            except BulkheadFull:
                raise Busy("too many simulations are waiting; try again in a moment") from None
            except Cancelled:
                if is_cancelled is not None and is_cancelled():
                    raise
                # Somebody else asked for the same, and left: now it is ours to compute.

    def stress(self, plan: PlanInput) -> dict[str, Answer]:
        """The plan after each bad beginning, by the template's name."""
        return {
            one.name: Answer.model_validate_json(self.solve(plan, one.name)) for one in TEMPLATES
        }

    def record(self, plan: PlanInput, found: Answer, analysis: Analysis) -> bool:
        """Put the simulation into the history; whether that succeeded."""
        ending = found.ending
        summary = {
            "success_probability": found.success_probability.value,
            "p10": ending.p10.value,
            "p50": ending.p50.value,
            "p90": ending.p90.value,
            "version": found.version,
        }
        try:
            self.store.record(plan.client_id, plan.model_dump(mode="json"), summary, analysis.flags)
        except Unavailable:
            log.warning("a simulation could not be recorded: the database is away")
            return False
        return True

    def analyse(self, plan: PlanInput) -> tuple[Answer, Analysis, bool]:
        """Answer, analysis, and whether the history has it."""
        found = parsed(self.solve(plan))
        analysis = analyse(plan, found)
        return found, analysis, self.record(plan, found, analysis)


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
    settings = Settings.from_environment(os.environ)
    return Service(settings, Store(settings))

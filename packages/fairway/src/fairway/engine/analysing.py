"""Judges the canary while a release holds: measures both sides, `core/release/analysis` decides.

Both sides are counted from the same moment, replica by replica, so that one that is replaced
meanwhile loses only its own counts. An engine that was killed begins to count anew: it knows
less, never something wrong, and too little is never a pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairway.core.release.analysis import Limits, analyse
from fairway.core.release.analysis_sample import Sample, added, since
from fairway.core.release.analysis_traffic import limits_of, visits
from fairway.core.release.machine import Judged, ReleaseState
from fairway.core.release.strategy import Hold
from fairway.core.spec.model import Canary
from fairway.engine.deployments import Deployments
from fairway.engine.services import Services
from fairway.engine.world import World

__all__ = ["Analysing"]

LOOK_SECONDS = 5.0
LEAST_LOOKS = 4  # of a short hold


@dataclass(slots=True)
class Analysing:
    """The analysis of the release in progress, if it holds."""

    world: World
    services: Services
    deployments: Deployments
    step: tuple[str, str, float] | None = None  # service, revision, since
    began_at: float = 0.0
    looked_at: float = 0.0
    begun: Mapping[str, Sample] = field(default_factory=dict[str, Sample])
    said: str = ""
    probed: bool = False

    def tick(self) -> None:
        """Look again, if it is time."""
        state = self.world.ledger.deployment
        release = state.release if state is not None else None
        hold = release.current if release is not None else None
        if release is None or not isinstance(hold, Hold) or not hold.analyse or release.paused:
            self.step = None
            return
        now = self.world.clock.now()
        if now - self.looked_at < look_seconds(hold):
            return
        self.looked_at = now
        key = "analyse"
        if not self.world.crew.busy(key):
            self.world.crew.start(key, lambda: self.look(release, hold), "analyse the release")

    async def look(self, release: ReleaseState, hold: Hold) -> None:
        """Read both sides and give the machine a verdict."""
        now = self.world.clock.now()
        seen = await self.world.driver.samples(release.service)
        step = (release.service, release.new, release.step_since)
        if self.step != step:
            self.step, self.began_at, self.begun, self.said = step, now, seen, ""
            self.probed = False
            return
        sides = self.sides(release, seen)
        if not comparable(sides):
            reason = "the two revisions time their answers in different steps"
            self.deployments.events.append(Judged(now, "unknown", reason))
            return
        limits = self.limits(release)
        verdict = analyse(
            sides.get(release.new, Sample(0, 0)),
            None if release.new_percent >= 100 else sides.get(release.old or "", Sample(0, 0)),
            limits,
            elapsed_seconds=now - self.began_at,
            total_seconds=hold.seconds,
        )
        said = f"{verdict.verdict}: {verdict.reason}"
        if verdict.verdict != "unknown" and said != self.said:
            level = {"pass": "good", "fail": "bad"}[verdict.verdict]
            self.world.tell(release.service, f"analysis: {said}", level)
        self.said = said
        self.deployments.events.append(Judged(now, verdict.verdict, verdict.reason))
        if verdict.verdict == "unknown":
            await self.visit(release, hold, sides, now)

    def limits(self, release: ReleaseState) -> Limits:
        analyses = sum(isinstance(each, Hold) and each.analyse for each in release.walk)
        return limits_of(self.world.app(release.new).alarm, analyses)

    async def visit(
        self, release: ReleaseState, hold: Hold, sides: Mapping[str, Sample], now: float
    ) -> None:
        """Send the requests that the file names, where too few visitors come."""
        strategy = self.world.app(release.new).services[release.service].release
        if not isinstance(strategy, Canary) or not strategy.probes:
            return
        ready = [each for each in self.services.replicas(release.service) if each.phase == "ready"]
        judged = {release.new} if release.new_percent >= 100 else {release.new, release.old}
        asked = visits(
            sides,
            {
                revision: [each.name for each in ready if each.revision == revision]
                for revision in judged
                if revision is not None
            },
            self.limits(release),
            elapsed_seconds=now - self.began_at,
            total_seconds=hold.seconds,
            look_seconds=look_seconds(hold),
        )
        if not asked:
            return
        if not self.probed:
            self.probed = True
            paths = ", ".join(strategy.probes)
            self.world.tell(release.service, f"too few visitors: asks {paths} of both revisions")
        await self.world.driver.visit(asked, strategy.probes)

    def sides(self, release: ReleaseState, seen: Mapping[str, Sample]) -> dict[str, Sample]:
        """Revision -> what its replicas answered since the step began."""
        revisions = {each.name: each.revision for each in self.services.replicas(release.service)}
        sides: dict[str, Sample] = {}
        for name, sample in sorted(seen.items()):
            revision = revisions.get(name)
            if revision is not None:
                came = since(self.begun.get(name, Sample(0, 0)), sample)
                sides[revision] = added(sides[revision], came) if revision in sides else came
        return sides


def look_seconds(hold: Hold) -> float:
    """How long from one look to the next."""
    return min(LOOK_SECONDS, hold.seconds / LEAST_LOOKS)


def comparable(sides: Mapping[str, Sample]) -> bool:
    """Whether both sides count in the same buckets: another runtime may have others."""
    bounds = {tuple(upper for upper, _ in side.latency) for side in sides.values() if side.latency}
    return len(bounds) <= 1

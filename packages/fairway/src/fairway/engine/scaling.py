"""Measures services and sets how many replicas they should have; `core/scale.py` decides.

What is wanted is in the ledger, so a restart goes on with it. A number that people set by hand
stays until they give the service back (`fairway scale api=auto`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fairway.core.scale import Sample, ScalerState, allowed, decide
from fairway.core.spec.model import Service
from fairway.core.spec.quantities import Replicas
from fairway.core.target import Figures
from fairway.engine.services import Services
from fairway.engine.world import World

__all__ = ["Scaling"]


@dataclass(slots=True)
class Scaling:
    """The autoscalers of all services and workers."""

    world: World
    services: Services
    states: dict[str, ScalerState] = field(default_factory=dict[str, ScalerState])

    def tick(self, figures: Mapping[str, Figures]) -> None:
        """One measurement of every service; called about once a second."""
        app = self.world.wanted_app
        if app is None or self.world.ledger.stable is None:
            return
        for name, service in sorted(app.programs.items()):
            if name not in self.world.ledger.scale:
                self.scale(service, figures.get(name, Figures()))

    def scale(self, service: Service, figures: Figures) -> None:
        name = service.name
        ledger = self.world.ledger
        within = self.within(service)
        state = self.states.get(name) or ScalerState(
            desired=ledger.scaled.get(name, service.replicas.minimum)
        )
        after = decide(
            state,
            self.sample(service, figures),
            scale=service.scale,
            within=within,
            releasing=ledger.deployment is not None and not ledger.deployment.over,
        )
        self.states[name] = after
        if after.desired != ledger.scaled.get(name, service.replicas.minimum):
            self.world.change(scaled={**ledger.scaled, name: after.desired})
            self.world.tell(name, f"scales to {after.desired}: {after.reason}")

    def within(self, service: Service) -> Replicas:
        """The file's range at this hour, as far as this place can carry it."""
        now = datetime.fromtimestamp(self.world.clock.now(), UTC)
        asked = allowed(service.replicas, service.off_hours, now.hour * 60 + now.minute)
        most = max(asked.minimum, min(asked.maximum, self.world.driver.most_replicas))
        return Replicas(asked.minimum, most)

    def sample(self, service: Service, figures: Figures) -> Sample:
        """The means over the replicas that serve, in percent of what each is given."""
        ready = [each for each in self.services.replicas(service.name) if each.phase == "ready"]
        count = max(1, len(ready))
        return Sample(
            at=self.world.clock.now(),
            cpu_percent=100.0 * sum(each.cpu for each in ready) / count / service.cpu,
            memory_percent=100.0 * sum(each.rss_mib for each in ready) / count / service.memory_mib,
            queued=figures.queued,
            requests_per_second=figures.requests_per_second,
            replicas=len(ready),
        )

"""A deployment: one revision of the app, released service by service, then worker by worker.

Pure. `begin` takes the order of services; `advance` is called after every change of the release
in progress and gives the next deployment state. When a later service fails, the earlier ones go
back too, so an app never stays half on one revision (code and configuration return together).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from fairway.core.release import machine
from fairway.core.release.machine import ReleaseState
from fairway.core.release.strategy import Step, steps, worker_back, worker_steps
from fairway.core.spec.model import App, Canary, Rolling, Service

__all__ = [
    "Deployment",
    "Outcome",
    "advance",
    "begin",
    "cannot_be_judged",
    "from_json",
    "to_json",
]

Outcome = Literal["running", "promoted", "rolled_back", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment at one moment. `old` None: the first one."""

    new: str
    old: str | None
    services: tuple[str, ...]
    at: int = 0
    release: ReleaseState | None = None
    undoing: bool = False
    migrates: bool = True
    outcome: Outcome = "running"
    reason: str = ""
    began_at: float = 0.0

    @property
    def over(self) -> bool:
        """Whether it ended."""
        return self.outcome != "running"


def begin(
    *,
    new: str,
    old: str | None,
    services: tuple[str, ...],
    apps: Mapping[str, App],
    serving: Mapping[str, str],
    scale: Mapping[str, int],
    now: float,
    migrates: bool = True,
) -> Deployment:
    """A deployment at the start of its first service's release."""
    state = Deployment(new=new, old=old, services=services, began_at=now, migrates=migrates)
    return enter(state, apps, serving, scale, now)


def advance(
    state: Deployment,
    *,
    apps: Mapping[str, App],
    serving: Mapping[str, str],
    scale: Mapping[str, int],
    now: float,
) -> Deployment:
    """Go on when the release in progress is over; else the state as it is.

    `serving` must already say what the ended release left in service.
    """
    if state.over or state.release is None or not state.release.over:
        return state
    if state.undoing:
        return enter(replace(state, at=state.at - 1), apps, serving, scale, now)
    if state.release.phase == "promoted":
        return enter(replace(state, at=state.at + 1), apps, serving, scale, now)
    reason = state.release.reason
    if state.old is None or state.release.phase == "stuck":
        return replace(state, release=None, outcome="failed", reason=reason)
    undo = replace(state, undoing=True, reason=reason, at=state.at - 1)
    return enter(undo, apps, serving, scale, now)


def enter(
    state: Deployment,
    apps: Mapping[str, App],
    serving: Mapping[str, str],
    scale: Mapping[str, int],
    now: float,
) -> Deployment:
    """Begin the release of the service at `state.at`, or end the deployment."""
    if state.undoing and state.at < 0:
        return replace(state, release=None, outcome="rolled_back")
    if state.at >= len(state.services):
        return replace(state, release=None, outcome="promoted")
    name = state.services[state.at]
    to = (state.old or state.new) if state.undoing else state.new
    service = apps[to].programs[name]
    replicas = service.capped(scale.get(name, service.replicas.minimum))
    old = serving.get(name)
    first = old is None
    alone = service.runs_alone
    release = machine.begin(
        service=name,
        old=old,
        new=to,
        replicas=replicas,
        walk=walk_of(state, service, replicas, first=first),
        way_back=() if service.answers else worker_back(replicas, first=first, alone=alone),
        now=now,
        step_deadline_seconds=service.timeouts.startup_seconds
        + service.timeouts.drain_seconds
        + 30,
    )
    return replace(state, release=release)


def walk_of(state: Deployment, service: Service, replicas: int, *, first: bool) -> tuple[Step, ...]:
    """The way of one service or worker in this deployment."""
    migrates = service.before is not None and state.migrates and not state.undoing
    if not service.answers:
        alone = service.runs_alone
        return worker_steps(replicas, first=first, migrates=migrates, alone=alone)
    strategy = Rolling() if state.undoing or cannot_be_judged(service) else service.release
    tests = service.test is not None and not state.undoing
    return steps(strategy, replicas, first=first, migrates=migrates, tests=tests)


def cannot_be_judged(service: Service) -> bool:
    """A canary of a server that is not ours to measure: it is rolled out instead, and said so."""
    return isinstance(service.release, Canary) and service.command is not None


def to_json(state: Deployment) -> dict[str, Any]:
    """The state as JSON values."""
    fields = {name: getattr(state, name) for name in Deployment.__dataclass_fields__}
    release = None if state.release is None else machine.to_json(state.release)
    return {**fields, "services": list(state.services), "release": release}


def from_json(data: Mapping[str, Any]) -> Deployment:
    """What `to_json` gave, back."""
    release = data["release"]
    fields: dict[str, Any] = {
        **data,
        "services": tuple(data["services"]),
        "release": None if release is None else machine.from_json(release),
    }
    return Deployment(**fields)

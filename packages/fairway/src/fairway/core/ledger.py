"""What an engine must remember over its own death, as one value.

Pure. The engine writes what has changed of the ledger to its journal (`ledger_change.py`) before
it acts on the change; after a kill it goes on from the last one written. What can be observed
(what runs, on which port) is not in it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from fairway.core.release import deployment
from fairway.core.release.deployment import Deployment
from fairway.core.schedule import JobState, Record
from fairway.core.workflow import WorkflowState

__all__ = ["Ledger", "Revised", "from_json", "job_to_json", "record_to_json", "to_json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """One revision that was deployed, or tried."""

    revision: str
    at: float
    outcome: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The engine's memory. `serving` is what each service runs when no release is in progress."""

    stable: str | None = None
    serving: Mapping[str, str] = field(default_factory=dict[str, str])
    deployment: Deployment | None = None
    revisions: tuple[Revised, ...] = ()
    scale: Mapping[str, int] = field(default_factory=dict[str, int])  # by people
    scaled: Mapping[str, int] = field(default_factory=dict[str, int])  # by the autoscaler
    ordinals: Mapping[str, int] = field(default_factory=dict[str, int])
    jobs: Mapping[str, JobState] = field(default_factory=dict[str, JobState])
    workflows: Mapping[str, WorkflowState] = field(default_factory=dict[str, WorkflowState])

    def count(self, service: str, minimum: int) -> int:
        """How many replicas a service should have: people's word, the autoscaler's, the file's."""
        return self.scale.get(service, self.scaled.get(service, minimum))

    def numbered(self, service: str) -> tuple["Ledger", int]:
        """The next ordinal of a service's replicas; never given twice."""
        ordinal = self.ordinals.get(service, 0) + 1
        return replace(self, ordinals={**self.ordinals, service: ordinal}), ordinal


def to_json(ledger: Ledger) -> dict[str, Any]:
    """The ledger as JSON values."""
    state = ledger.deployment
    return {
        "stable": ledger.stable,
        "serving": dict(sorted(ledger.serving.items())),
        "deployment": None if state is None else deployment.to_json(state),
        "revisions": [asdict(revision) for revision in ledger.revisions],
        "scale": dict(sorted(ledger.scale.items())),
        "scaled": dict(sorted(ledger.scaled.items())),
        "ordinals": dict(sorted(ledger.ordinals.items())),
        "jobs": {name: job_to_json(job) for name, job in sorted(ledger.jobs.items())},
        "workflows": {name: asdict(each) for name, each in sorted(ledger.workflows.items())},
    }


def from_json(data: Mapping[str, Any]) -> Ledger:
    """What `to_json` gave, back."""
    state = data["deployment"]
    return Ledger(
        stable=data["stable"],
        serving=data["serving"],
        deployment=None if state is None else deployment.from_json(state),
        revisions=tuple(Revised(**revision) for revision in data["revisions"]),
        scale=data["scale"],
        scaled=data.get("scaled", {}),
        ordinals=data["ordinals"],
        jobs={name: job_from_json(job) for name, job in data["jobs"].items()},
        workflows={
            name: workflow_from_json(each) for name, each in data.get("workflows", {}).items()
        },
    )


def job_to_json(state: JobState) -> dict[str, Any]:
    """One job as JSON values. Not by `asdict`: that copies thousands of objects one by one."""
    fields = {name: getattr(state, name) for name in JobState.__dataclass_fields__}
    return {
        **fields,
        "seen": dict(state.seen),
        "taking": dict(state.taking),
        "history": [record_to_json(record) for record in state.history],
    }


def record_to_json(record: Record) -> dict[str, Any]:
    """One ended run as JSON values."""
    return asdict(record)


def job_from_json(data: Mapping[str, Any]) -> JobState:
    history = tuple(Record(**each) for each in data["history"])
    fields: dict[str, Any] = {**data, "history": history}
    return JobState(**fields)


def workflow_from_json(data: Mapping[str, Any]) -> WorkflowState:
    history = tuple(Record(**each) for each in data["history"])
    fields: dict[str, Any] = {**data, "steps": tuple(data["steps"]), "history": history}
    return WorkflowState(**fields)

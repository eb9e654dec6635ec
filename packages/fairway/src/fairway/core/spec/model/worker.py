"""Workers: programs that answer nobody and never end, such as what takes tasks from a queue.

A worker runs, is released and scaled as a service is; `Worker.program` is that service, without
a front. What only makes sense where somebody asks (ports, limits, strategies) has no key here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fairway.core.spec import readers as read
from fairway.core.spec.key import Key
from fairway.core.spec.model.service import OffHours, Scale, ScaleDown, Service, Timeouts
from fairway.core.spec.quantities import Replicas

__all__ = ["Worker", "WorkerScale", "WorkerTimeouts"]

STARTUP_SECONDS = 60.0  # beyond what it must live: a start is judged by its end, not by its time


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTimeouts:
    """How long its end may take, and how long it must live to count as started."""

    drain_seconds: Annotated[
        float,
        Key(
            read.DURATION_OR_ZERO,
            "How long it may go on after SIGTERM, to end what it has begun (R223).",
            name="drain",
        ),
    ] = 30.0
    steady_seconds: Annotated[
        float,
        Key(
            read.DURATION_OR_ZERO,
            "How long a new replica must live before a release goes on.",
            name="steady",
        ),
    ] = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerScale:
    """When capacity is added, within a range of replicas: either of these (R236-R237)."""

    cpu_percent: Annotated[float, Key(read.SHARE, "CPU above this share.", name="cpu")] = 70.0
    memory_percent: Annotated[float, Key(read.SHARE, "Memory above this share.", name="memory")] = (
        80.0
    )
    up_after_seconds: Annotated[
        float, Key(read.DURATION_OR_ZERO, "Added after this long above.", name="up_after")
    ] = 60.0
    down: Annotated[
        ScaleDown, Key(read.table(ScaleDown), "When capacity is taken away: all of these.")
    ] = ScaleDown()


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A program that answers nobody and never ends: it takes tasks from a queue, or keeps time."""

    name: str
    command: Annotated[
        str,
        Key(read.COMMAND, "What runs.", example='"celery -A app.tasks worker"', required=True),
    ]
    replicas: Annotated[
        Replicas,
        Key(
            read.REPLICAS,
            "How many run: `3`, or a range. With `1`, never two at once: the old one has ended"
            " before the new one starts.",
        ),
    ] = Replicas(1, 1)
    uses: Annotated[
        tuple[str, ...], Key(read.NODES, "The nodes that it needs.", example='["db", "cache"]')
    ] = ()
    before: Annotated[
        str | None,
        Key(
            read.COMMAND,
            "Runs once before each release, under a lock: migrations that no service runs.",
            example='"alembic upgrade head"',
        ),
    ] = None
    build: Annotated[
        str | None,
        Key(read.COMMAND, "Builds what it runs, before it starts.", example='"npm run build"'),
    ] = None
    folder: Annotated[
        str, Key(read.PATH, "Where its code is, from the file's folder.", example='"backend"')
    ] = "."
    scale: Annotated[
        WorkerScale, Key(read.table(WorkerScale), "When replicas are added and taken away.")
    ] = WorkerScale()
    off_hours: Annotated[
        OffHours | None,
        Key(
            read.optional(read.table(OffHours)),
            "Other replicas at night.",
            example='{ replicas = 1, from = "22:00", to = "05:00" }',
        ),
    ] = None
    timeouts: Annotated[WorkerTimeouts, Key(read.table(WorkerTimeouts), "Deadlines.")] = (
        WorkerTimeouts()
    )
    interruptible: Annotated[bool, Key(read.BOOLEAN, "May run on spot capacity (R31).")] = False
    memory_mib: Annotated[
        int, Key(read.MEBIBYTES, "Memory of one replica; above it, it is replaced.", name="memory")
    ] = 512
    cpu: Annotated[float, Key(read.NUMBER, "Processors of one replica.")] = 0.5
    variables: Annotated[
        Mapping[str, str], Key(read.VARIABLES, "Environment variables of its own.")
    ] = field(default_factory=dict[str, str])

    @property
    def program(self) -> Service:
        """The service without a front that it runs as."""
        return Service(
            name=self.name,
            answers=False,
            command=self.command,
            replicas=self.replicas,
            uses=self.uses,
            before=self.before,
            build=self.build,
            folder=self.folder,
            scale=Scale(
                cpu_percent=self.scale.cpu_percent,
                memory_percent=self.scale.memory_percent,
                up_after_seconds=self.scale.up_after_seconds,
                down=self.scale.down,
            ),
            off_hours=self.off_hours,
            timeouts=Timeouts(
                drain_seconds=self.timeouts.drain_seconds,
                startup_seconds=self.timeouts.steady_seconds + STARTUP_SECONDS,
            ),
            steady_seconds=self.timeouts.steady_seconds,
            interruptible=self.interruptible,
            memory_mib=self.memory_mib,
            cpu=self.cpu,
            variables=self.variables,
        )

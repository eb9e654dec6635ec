"""An app as Fairway understands it: `fairway.toml` with one environment laid over it.

Values only. Every field that a file can set carries a `Key`; parser, schema and reference are
made from them. Numbers are in the unit that the field's name ends with. Defaults are those of
the requirements (cited per field); what differs by environment is in `profiles.py`.
"""

from fairway.core.spec.model.app import Alarm, App, Node, Pipeline, Profile, Recovery
from fairway.core.spec.model.nodes import (
    Bucket,
    Cache,
    Database,
    Job,
    Model,
    Network,
    Secret,
    Site,
    Stream,
    Table,
    Workflow,
)
from fairway.core.spec.model.patches import Operation, Patch
from fairway.core.spec.model.service import (
    Blue,
    Canary,
    Limits,
    OffHours,
    Release,
    Rolling,
    Scale,
    ScaleDown,
    Service,
    Timeouts,
)
from fairway.core.spec.model.worker import Worker, WorkerScale, WorkerTimeouts
from fairway.core.spec.quantities import CanaryStep

__all__ = [
    "Alarm",
    "App",
    "Blue",
    "Bucket",
    "Cache",
    "Canary",
    "CanaryStep",
    "Database",
    "Job",
    "Limits",
    "Model",
    "Network",
    "Node",
    "OffHours",
    "Operation",
    "Patch",
    "Pipeline",
    "Profile",
    "Recovery",
    "Release",
    "Rolling",
    "Scale",
    "ScaleDown",
    "Secret",
    "Service",
    "Site",
    "Stream",
    "Table",
    "Timeouts",
    "Worker",
    "WorkerScale",
    "WorkerTimeouts",
    "Workflow",
]

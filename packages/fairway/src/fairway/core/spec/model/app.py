"""The app as a whole: its nodes, and what is true of all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fairway.core.addresses import NETWORK
from fairway.core.spec import readers as read
from fairway.core.spec.key import Key
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
from fairway.core.spec.model.patches import Patch
from fairway.core.spec.model.service import Service
from fairway.core.spec.model.worker import Worker

__all__ = ["Alarm", "App", "Node", "Pipeline", "Profile", "Recovery"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """When people are told (R189-R194)."""

    error_rate: Annotated[str, Key(read.SHARE_THRESHOLD, "Share of requests that fail (R189).")] = (
        "> 1%"
    )
    p95: Annotated[str, Key(read.DURATION_THRESHOLD, "The 95th percentile (R190).")] = "> 2s"
    memory: Annotated[str, Key(read.SHARE_THRESHOLD, "Memory in use (R191).")] = "> 80%"
    cpu: Annotated[str | None, Key(read.SHARE_THRESHOLD, "CPU in use (R192).")] = None
    notify: Annotated[
        tuple[str, ...],
        Key(
            read.ADDRESSES,
            "`mailto:` and `https:` addresses.",
            example='["mailto:ops@example.org"]',
        ),
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Goals of a disaster (R249-R250)."""

    rto_seconds: Annotated[float, Key(read.DURATION, "Back within.", name="rto")] = 900.0
    rpo_seconds: Annotated[float, Key(read.DURATION, "Data lost at most.", name="rpo")] = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What continuous delivery does (R127-R138)."""

    on_push: Annotated[
        Mapping[str, str],
        Key(read.mapping(read.TEXT), "Branch to environment.", example='{ main = "staging" }'),
    ] = field(default_factory=dict[str, str])
    promote: Annotated[
        Mapping[str, str],
        Key(
            read.mapping(read.choice("by hand", "auto")),
            'Environment to `"by hand"` or `"auto"`.',
            example='{ production = "by hand" }',
        ),
    ] = field(default_factory=dict[str, str])
    repository: Annotated[
        str | None,
        Key(
            read.REPOSITORY,
            "Whose workflows may deploy, from GitHub without a password: its owner and name.",
        ),
    ] = None


Node = (
    Service
    | Worker
    | Site
    | Job
    | Database
    | Cache
    | Bucket
    | Stream
    | Table
    | Secret
    | Workflow
    | Model
    | Network
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What an environment sets for every app (R59-R66)."""

    debug: bool
    log_level: Literal["DEBUG", "INFO", "WARNING"]
    cache_ttl_seconds: int
    db_pool_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The parsed file with one environment laid over it; mappings are sorted by name."""

    name: Annotated[
        str, Key(read.NAME, "The app's name.", name="app", example='"hello"', required=True)
    ]
    environment: str
    profile: Profile
    services: Annotated[
        Mapping[str, Service], Key(read.nodes(Service), "Programs that answer.", name="service")
    ] = field(default_factory=dict[str, Service])
    workers: Annotated[
        Mapping[str, Worker],
        Key(read.nodes(Worker), "Programs that answer nobody and never end.", name="worker"),
    ] = field(default_factory=dict[str, Worker])
    sites: Annotated[
        Mapping[str, Site], Key(read.nodes(Site), "Static files behind a CDN.", name="site")
    ] = field(default_factory=dict[str, Site])
    jobs: Annotated[
        Mapping[str, Job], Key(read.nodes(Job), "Commands that run to their end.", name="job")
    ] = field(default_factory=dict[str, Job])
    databases: Annotated[
        Mapping[str, Database], Key(read.nodes(Database), "Databases.", name="database")
    ] = field(default_factory=dict[str, Database])
    caches: Annotated[Mapping[str, Cache], Key(read.nodes(Cache), "Redis.", name="cache")] = field(
        default_factory=dict[str, Cache]
    )
    buckets: Annotated[
        Mapping[str, Bucket], Key(read.nodes(Bucket), "Object stores.", name="bucket")
    ] = field(default_factory=dict[str, Bucket])
    streams: Annotated[
        Mapping[str, Stream], Key(read.nodes(Stream), "Streams of events.", name="stream")
    ] = field(default_factory=dict[str, Stream])
    tables: Annotated[
        Mapping[str, Table], Key(read.nodes(Table), "Key-value tables.", name="table")
    ] = field(default_factory=dict[str, Table])
    secrets: Annotated[
        Mapping[str, Secret], Key(read.nodes(Secret), "Secret values.", name="secret")
    ] = field(default_factory=dict[str, Secret])
    workflows: Annotated[
        Mapping[str, Workflow], Key(read.nodes(Workflow), "Jobs in order.", name="workflow")
    ] = field(default_factory=dict[str, Workflow])
    models: Annotated[
        Mapping[str, Model], Key(read.nodes(Model), "Trained models.", name="model")
    ] = field(default_factory=dict[str, Model])
    networks: Annotated[
        Mapping[str, Network],
        Key(read.nodes(Network), "Networks of your own that it is joined to.", name="network"),
    ] = field(default_factory=dict[str, Network])
    alarm: Annotated[
        Alarm | None, Key(read.optional(read.table(Alarm)), "When people are told.")
    ] = None
    recovery: Annotated[
        Recovery, Key(read.table(Recovery), "How soon it is back after a disaster.")
    ] = Recovery()
    pipeline: Annotated[
        Pipeline | None, Key(read.optional(read.table(Pipeline)), "Continuous delivery.")
    ] = None
    patch: Annotated[
        Patch, Key(read.table(Patch), "Changes to the files that a target renders.")
    ] = Patch()
    addresses: Annotated[
        str, Key(read.OWN_BLOCK, "The private addresses of its own network, from /16 to /20.")
    ] = NETWORK
    accounts: Annotated[
        Mapping[str, str],
        Key(
            read.mapping(read.ACCOUNT),
            "Cloud accounts by a name of your own.",
            example='{ backend = "222222222222" }',
        ),
    ] = field(default_factory=dict[str, str])
    variables: Annotated[
        Mapping[str, str],
        Key(
            read.VARIABLES, "Environment variables of every service, worker and job; their own win."
        ),
    ] = field(default_factory=dict[str, str])
    keep_revisions: Annotated[int, Key(read.POSITIVE, "Revisions kept to roll back to.")] = 10

    @property
    def programs(self) -> Mapping[str, Service]:
        """What stays running, by name: the services, and each worker as one without a front."""
        workers = {name: worker.program for name, worker in self.workers.items()}
        return dict(sorted({**self.services, **workers}.items()))

    def node(self, name: str) -> Node | None:
        """The node called `name`, of whatever kind."""
        for kind in (
            self.services,
            self.workers,
            self.sites,
            self.jobs,
            self.databases,
            self.caches,
            self.buckets,
            self.streams,
            self.tables,
            self.secrets,
            self.workflows,
            self.models,
            self.networks,
        ):
            if name in kind:
                return kind[name]
        return None

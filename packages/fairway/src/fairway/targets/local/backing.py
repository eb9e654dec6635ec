"""The databases, caches and buckets of an app, by the names of their nodes.

One PostgreSQL holds all databases, each cache has a Redis of its own, one object store holds all
buckets. Mechanism only: what must run is decided by `core/plan/wanted.py`.
"""

import asyncio
import math
import os
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field

from fairway.core import names
from fairway.core.masked import Masked
from fairway.core.plan.action import Backing as Kind
from fairway.core.problem import Problem, Problems
from fairway.core.spec.model import App, Database
from fairway.core.spec.variables import Addresses
from fairway.core.target import Node
from fairway.targets.local import archive
from fairway.targets.local.layout import Layout
from fairway.targets.local.objectstore import ObjectStore
from fairway.targets.local.postgres import Postgres
from fairway.targets.local.processes import ProcessTable
from fairway.targets.local.redis import Redis
from fairway_runtime import contract

__all__ = ["Backing"]

ASK_SECONDS = 1.0
TIDY_SECONDS = 600.0
MISSING_SECONDS = 0.1  # between questions to one that did not accept


@dataclass(slots=True)
class Known:
    """A node that was provisioned by this engine, and whether it answered when last asked."""

    kind: Kind
    accepts: bool = False
    asked_at: float = 0.0


@dataclass(slots=True)
class Backing:
    """All backing nodes of one project."""

    layout: Layout
    processes: ProcessTable
    app: str
    known: dict[str, Known] = field(default_factory=dict[str, Known])
    urls: dict[str, str] = field(default_factory=dict[str, str])
    caches: dict[str, Redis] = field(default_factory=dict[str, Redis])
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    keep_seconds: float = 7 * 86400.0  # how long the archived log is kept
    tidied_at: float = 0.0
    questions: set[asyncio.Task[object]] = field(default_factory=set[asyncio.Task[object]])
    lock_of_store: asyncio.Lock = field(default_factory=asyncio.Lock)
    postgres: Postgres = field(init=False)
    store: ObjectStore = field(init=False)

    def __post_init__(self) -> None:
        data = self.layout.data
        self.postgres = Postgres(data / "postgres", self.processes, "postgres")
        self.store = ObjectStore(data / "objects", self.processes, "objects")

    def cache(self, node: str) -> Redis:
        """The Redis of a cache node."""
        if node not in self.caches:
            name = f"redis-{node}"
            self.caches[node] = Redis(self.layout.data / name, self.processes, name)
        return self.caches[node]

    async def provision(self, node: str, kind: Kind) -> None:
        """Have it, running and accepting; harmless when repeated."""
        match kind:
            case "database":
                async with self.lock:
                    await self.postgres.start()
                    database = names.database_name(self.app, node)
                    self.urls[node] = await self.postgres.ensure_database(database)
            case "cache":
                await self.cache(node).start()
                self.urls[node] = self.cache(node).url
            case "bucket":
                await self.provision_bucket(node)
        self.known[node] = Known(kind, accepts=True, asked_at=time.monotonic())

    async def provision_bucket(self, node: str) -> None:
        """Have a bucket; that its store runs can be seen before it answers, and is not asked."""
        known = self.known.setdefault(node, Known("bucket", asked_at=math.inf))
        try:
            async with self.lock_of_store:
                await self.store.start()
                await self.store.ensure_bucket(names.bucket_name(self.app, node))
        except BaseException:
            if self.known.get(node) is known and known.asked_at == math.inf:
                del self.known[node]
            raise

    async def retire(self, node: str, kind: Kind) -> None:
        """Stop it where nothing else needs its server; its data stays."""
        self.known.pop(node, None)
        if kind == "cache":
            await self.cache(node).stop()
        elif not any(other.kind == kind for other in self.known.values()):
            await (self.postgres if kind == "database" else self.store).stop()

    def observe(self) -> tuple[Node, ...]:
        """Every node that this engine has provisioned, as it last answered."""
        now = time.monotonic()
        if now - self.tidied_at > TIDY_SECONDS:
            self.tidied_at = now
            folder, keep = self.postgres.cluster.archive, self.keep_seconds
            self.beside(asyncio.to_thread(archive.prune, folder, keep))
        return tuple(self.look(name) for name in sorted(self.known))

    def beside(self, work: Coroutine[None, None, object]) -> None:
        """Do something beside the engine's rounds."""
        task = asyncio.create_task(work)
        self.questions.add(task)
        task.add_done_callback(self.questions.discard)

    def look(self, name: str) -> Node:
        known = self.known[name]
        process = self.processes.find(self.process_of(name, known.kind))
        running = process is not None and process.alive
        now = time.monotonic()
        if not running:
            known.accepts = False
        elif now - known.asked_at >= (ASK_SECONDS if known.accepts else MISSING_SECONDS):
            # Beside the engine's rounds: a server that hangs must not hold them up.
            known.asked_at = now
            self.beside(self.ask(name, known))
        return Node(
            name=name,
            kind=known.kind,
            running=running,
            accepts=known.accepts,
            address=self.address(name, known.kind),
            fresh=known.asked_at == math.inf,
        )

    async def ask(self, name: str, known: Known) -> None:
        known.accepts = await self.server(name, known.kind).accepts()

    def server(self, name: str, kind: Kind) -> Postgres | Redis | ObjectStore:
        match kind:
            case "database":
                return self.postgres
            case "cache":
                return self.cache(name)
            case "bucket":
                return self.store

    def process_of(self, name: str, kind: Kind) -> str:
        """The process that a node lives in."""
        match kind:
            case "database":
                return "postgres"
            case "cache":
                return f"redis-{name}"
            case "bucket":
                return "objects"

    def address(self, name: str, kind: Kind) -> str:
        """Where it is, for people: without its password."""
        if kind == "bucket":
            bucket = names.bucket_name(self.app, name)
            endpoint = self.store.environment.get("AWS_ENDPOINT_URL_S3", "")
            return f"{endpoint}/{bucket}"
        url = self.urls.get(name, "")
        scheme, _, rest = url.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}" if rest else ""

    def addresses(
        self,
        app: App,
        *,
        services: Mapping[str, str],
        secrets: Mapping[str, Masked],
        dotenv: Mapping[str, str],
    ) -> Addresses:
        """Everything that a node of the app may be told of."""
        databases = {
            name: Masked(self.database_url(app, database, dotenv))
            for name, database in app.databases.items()
        }
        caches = {
            name: Masked(given_url(cache.url, dotenv, f"cache.{name}") or self.cache(name).url)
            for name, cache in app.caches.items()
            if cache.enabled
        }
        store: Mapping[str, str] = self.store.environment if app.buckets else {}
        key = store.get(contract.AWS_SECRET_ACCESS_KEY)
        return Addresses(
            databases=databases,
            caches=caches,
            buckets={name: names.bucket_name(app.name, name) for name in app.buckets},
            services=services,
            secrets=secrets,
            s3_endpoint=store.get(contract.AWS_ENDPOINT_URL_S3),
            s3_region=store.get(contract.AWS_REGION),
            s3_access_key=store.get(contract.AWS_ACCESS_KEY_ID),
            s3_secret_key=None if key is None else Masked(key),
        )

    def database_url(self, app: App, database: Database, dotenv: Mapping[str, str]) -> str:
        """Where a database is: the file's, a SQLite file, or the one here."""
        given = given_url(database.url, dotenv, f"database.{database.name}")
        if given is not None:
            return given
        if database.engine == "sqlite":
            path = self.layout.data / "sqlite" / f"{database.name}.db"
            path.parent.mkdir(parents=True, exist_ok=True)
            return f"sqlite:///{path}"
        return self.postgres.url(names.database_name(app.name, database.name))

    async def shut(self) -> None:
        """Stop all servers that run, whoever started them."""
        for question in self.questions:
            question.cancel()
        running = {each.name for each in self.processes.all()}
        if "postgres" in running:
            await self.postgres.stop()
        if "objects" in running:
            await self.store.stop()
        for name in sorted(running):
            if name.startswith("redis-"):
                await self.cache(name.removeprefix("redis-")).stop()
        self.known.clear()


def given_url(url: str | None, dotenv: Mapping[str, str], where: str) -> str | None:
    """The file's own address of a node; `env:NAME` is read from `.env`, then from the caller."""
    if url is None or not url.startswith("env:"):
        return url
    name = url.removeprefix("env:")
    value = dotenv.get(name) or os.environ.get(name)
    if value is None:
        mend = f"Put `{name}=…` into .env, or set it where `fairway up` is started."
        raise Problems([Problem(f"{where}.url", f"the variable {name} is not set", mend)])
    return value

"""Redis, S3, and files that hold state: what a service keeps beside its database."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from fairway.core.detect.environment import VariableRead
from fairway.core.detect.evidence import Evidence
from fairway.core.detect.findings import FoundNode, Note
from fairway.core.detect.own_names import Names, cache_hosts, cache_urls, in_other_databases
from fairway.core.detect.sources import Finding
from fairway.core.detect.syntax import Tree, literal_texts, text_value
from fairway_runtime import contract

__all__ = ["StoreUse", "find_bucket", "find_cache", "find_state"]

REDIS_IMPORTS = ("redis", "aioredis", "coredis", "django_redis", "arq", "rq", "fastapi_limiter")
REDIS_CALLS = (
    "redis.Redis",
    "redis.StrictRedis",
    "redis.from_url",
    "redis.Redis.from_url",
    "redis.asyncio.Redis",
    "redis.asyncio.from_url",
    "redis.asyncio.Redis.from_url",
    "aioredis.from_url",
)
REDIS_READS = r"(?:\w+_)?(?:REDIS|BROKER|CACHE)_(?:URL|URI|DSN|HOST|SERVER|HOSTNAME|ADDRESS)"
OTHER_BROKERS = ("amqp", "pyamqp", "sqs", "kafka")
BUCKET_READS = r"(?:\w+_)?(?:BUCKET|BUCKET_NAME|S3_BUCKET\w*)"
CONNECTS = frozenset({"sqlite3.connect", "aiosqlite.connect", "apsw.Connection"})
WRITERS = frozenset({"json.dump", "pickle.dump", "yaml.dump", "yaml.safe_dump"})
STATE_FILE = re.compile(r"[\w./ -]*\.(?:json|jsonl|csv|pkl|pickle|ya?ml|parquet|tinydb)$")


@dataclass(frozen=True, slots=True)
class StoreUse:
    """The node, if the service uses one, and what must be said of it."""

    node: FoundNode | None
    notes: tuple[Note, ...] = ()
    variables: Names = field(default_factory=dict[str, Finding[str]])  # its parts, by their names


def find_cache(evidence: Evidence) -> StoreUse:
    """Redis, whatever it is used for: a cache, sessions, a queue."""
    wired = evidence.read(contract.REDIS_URL)
    read = _redis_read(evidence)
    address = evidence.call(*REDIS_CALLS) or evidence.literal("redis://", "rediss://")
    imported = evidence.imports(*REDIS_IMPORTS)
    listed = evidence.dependencies.where("redis", "celery[redis]", "kombu[redis]", "django-redis")
    other = imported or address or listed or evidence.image("redis", "valkey")
    is_redis = bool(wired or other) and not evidence.image("rabbitmq")
    urls = cache_urls(evidence, is_redis=is_redis)
    hosts, without = cache_hosts(evidence)
    own = {**urls, **hosts}
    notes = (_no_password(without),) if without else ()
    if numbered := in_other_databases(evidence, urls):
        notes = (*notes, _one_database(numbered))
    if wired is not None:
        return StoreUse(replace(_needed(own), finding=wired.finding), notes, own)
    if own and (other or any("REDIS" in name.upper() for name in own)):
        return StoreUse(_needed(own), notes, own)
    if read is not None and other is None and "REDIS" not in read.name:
        read = None
    found = read.finding if read else address or imported
    if found is None:
        return StoreUse(None)
    if notes:
        return StoreUse(FoundNode("cache", "cache", found), notes)
    how = f"from {read.name}" if read else "from the code itself"
    note = Note(
        "untold",
        found.where,
        f"The code takes Redis's address {how}.",
        f'Fairway gives {contract.REDIS_URL}: read os.environ["{contract.REDIS_URL}"] there.',
    )
    return StoreUse(FoundNode("cache", "cache", found), (note,))


def _needed(own: Names) -> FoundNode:
    """The cache; on everywhere where the code knows it by names of its own: it needs them set."""
    first = min(own.values(), key=lambda found: found.where, default=Finding("", ""))
    return FoundNode("cache", "cache", first, (("enabled", "true"),) if own else ())


def _one_database(reads: tuple[VariableRead, ...]) -> Note:
    """What the code kept apart by numbers shares one database."""
    names = ", ".join(dict.fromkeys(read.name for read in reads))
    what = f"{names}: Redis's databases have numbers in the code; here all share number 0."
    mend = "Where one of them is cleared as a whole, give it a [cache.NAME] of its own."
    return Note("advice", reads[0].finding.where, what, mend)


def _no_password(hosts: tuple[VariableRead, ...]) -> Note:
    """Redis asks for a password, which this code does not read."""
    names = ", ".join(host.name for host in hosts)
    what = f"The code reads {names}, and no password; Redis asks for one here and on a cloud."
    mend = (
        f"Read {contract.REDIS_URL} at {hosts[0].finding.where}; or read a password too, and write "
        f'{hosts[0].name} = "${{cache.host}}" and its like under variables.'
    )
    return Note("untold", hosts[0].finding.where, what, mend)


def _redis_read(evidence: Evidence) -> VariableRead | None:
    """The read of Redis's address: by its name, else by what else may hold it, as a broker's."""
    shape = re.compile(REDIS_READS)
    found = [
        one
        for one in evidence.reads
        if shape.fullmatch(one.name) and not one.default.startswith(OTHER_BROKERS)
    ]
    return min(found, key=lambda one: "REDIS" not in one.name, default=None)


def find_bucket(evidence: Evidence) -> StoreUse:
    """An object store that speaks S3."""
    call = (
        evidence.call(".client", ".resource", first="s3")
        or evidence.call("s3fs.S3FileSystem", "minio.Minio")
        or evidence.literal("storages.backends.s3")
    )
    wired = evidence.read(contract.BUCKET_NAME)
    if call is None and wired is None:
        return StoreUse(None)
    found = wired.finding if wired else call
    read = evidence.read_like(BUCKET_READS)
    assert found is not None
    if read is not None and not read.required and found.value.startswith("storages."):
        return StoreUse(None)  # an option of a Django project that is off unless it is set
    node = FoundNode("bucket", "files", found)
    if wired is not None:
        return StoreUse(node)
    named = {one.name: one for one in evidence.reads if re.fullmatch(BUCKET_READS, one.name)}
    if len(named) == 1:
        return StoreUse(
            node,
            variables={
                name: Finding("${files.name}", one.finding.where, one.finding.why)
                for name, one in named.items()
            },
        )
    how = f"from {read.name}" if read else "from the code itself"
    where = read.finding.where if read else found.where
    note = Note(
        "untold",
        where,
        f"The code takes the bucket's name {how}.",
        f'Fairway gives {contract.BUCKET_NAME}: read os.environ["{contract.BUCKET_NAME}"] there.',
    )
    return StoreUse(node, (note,))


def find_state(evidence: Evidence, *, is_wired: bool = False) -> Finding[str] | None:
    """A file on the replica's own disk that holds state: SQLite, or JSON that is written.

    `is_wired`: the code reads its database's address by names of its own, which are set.
    """
    is_wired = is_wired or evidence.read(contract.DATABASE_URL) is not None
    for tree, call in _running_calls(evidence):
        if tree.dotted(call.func) in CONNECTS:
            name = _file_name(tree, call.args[0]) if call.args else ""
            if name != ":memory:" and (name or not is_wired):
                return tree.finding(name or "a SQLite file", call)
    if evidence.django is not None and not is_wired:
        engine = next((one for one in evidence.django.engines if one.value == "sqlite"), None)
        if engine is not None:
            return Finding("db.sqlite3", engine.where, engine.why)
    return (None if is_wired else _sqlite_address(evidence)) or _written(evidence)


def _running_calls(evidence: Evidence) -> Iterator[tuple[Tree, ast.Call]]:
    """The calls in files that run while the service does: what a script writes is no state."""
    for tree, call in evidence.calls():
        if tree.path in evidence.running:
            yield tree, call


def _sqlite_address(evidence: Evidence) -> Finding[str] | None:
    """`sqlite:///app.db` that is no default of a variable."""
    found = evidence.literal("sqlite:///", "sqlite+aiosqlite:///")
    if found is None or ":memory:" in found.value or evidence.is_prefix(found):
        return None
    return Finding(found.value.partition(":///")[2] or "a SQLite file", found.where, found.why)


def _written(evidence: Evidence) -> Finding[str] | None:
    """A data file with a fixed name that the code opens for writing."""
    for tree, call in _running_calls(evidence):
        name = tree.dotted(call.func)
        if name == "open" and call.args:
            mode = text_value(call.args[1]) if len(call.args) > 1 else ""
            mode = mode or next(
                (text_value(word.value) for word in call.keywords if word.arg == "mode"), ""
            )
            target = _file_name(tree, call.args[0])
            if mode[:1] in {"w", "a", "x"} and mode and STATE_FILE.fullmatch(target):
                return tree.finding(target, call)
        elif isinstance(call.func, ast.Attribute) and call.func.attr in {"write_text", "open"}:
            target = _file_name(tree, call.func.value)
            writes = call.func.attr == "write_text" or _mode(call)[:1] in {"w", "a"}
            if writes and STATE_FILE.fullmatch(target):
                return tree.finding(target, call)
    return None


def _mode(call: ast.Call) -> str:
    return text_value(call.args[0]) if call.args else ""


def _file_name(tree: Tree, node: ast.expr) -> str:
    """The file that an expression names, as far as literals and constants of the file tell."""
    texts = literal_texts(node)
    for name in _names(node):
        if texts:
            break
        texts = _constant(tree, name)
    return texts[-1] if texts else ""


def _names(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id


def _constant(tree: Tree, name: str) -> tuple[str, ...]:
    """The texts in what the file assigns to a name at its top."""
    for statement in tree.body.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in statement.targets
        ):
            return literal_texts(statement.value)
    return ()

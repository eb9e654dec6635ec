"""Which database a service uses, and whether it reads the address that Fairway gives it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from fairway.core.detect.environment import VariableRead
from fairway.core.detect.evidence import Evidence
from fairway.core.detect.findings import FoundNode, Note
from fairway.core.detect.own_names import (
    COMPLETE,
    Names,
    address,
    database_parts,
    database_urls,
    is_complete,
    named_parts,
    unclear_engine,
)
from fairway.core.detect.sources import Finding
from fairway_runtime import contract

__all__ = ["DatabaseUse", "driver_scheme", "find_database"]

ADDRESS = (
    r"(?:\w+_)?(?:DATABASE|DB|POSTGRES|POSTGRESQL|PG|SQLALCHEMY_DATABASE)(?:_A?SYNC)?"
    r"_{1,2}(?:URL|URI|DSN|CONNECTION_STRING|CONN_STR|CONNECTION)"
)
PARTS = (
    r"(?:\w+_)?(?:POSTGRES|POSTGRESQL|PG|DB|DATABASE|SQL)_{0,2}"
    r"(?:HOST|SERVER|HOSTNAME|NAME|USER|USERNAME|PASS|PASSWORD|PORT|DB|DATABASE|ENGINE)"
)
DRIVERS = ("psycopg", "psycopg2", "psycopg2-binary", "psycopg-binary", "asyncpg", "pg8000", "aiopg")
DRIVER_IMPORTS = ("psycopg", "psycopg2", "asyncpg", "pg8000", "aiopg")
ENGINES = (
    "sqlalchemy.create_engine",
    "sqlalchemy.ext.asyncio.create_async_engine",
    "sqlmodel.create_engine",
    "sqlalchemy.engine_from_config",
)
OTHERS = (
    ("MySQL", ("mysql://", "mysql+"), ("mysql", "mariadb"), ("pymysql", "MySQLdb", "aiomysql")),
    ("MongoDB", ("mongodb://", "mongodb+srv://"), ("mongo",), ("pymongo", "motor", "mongoengine")),
)


@dataclass(frozen=True, slots=True)
class DatabaseUse:
    """The database node, if the service uses one, and what must be said of it."""

    node: FoundNode | None
    notes: tuple[Note, ...] = ()
    variables: Names = field(default_factory=dict[str, Finding[str]])  # its parts, by their names


def find_database(evidence: Evidence) -> DatabaseUse:
    """The database of a service: PostgreSQL, a SQLite file named by a variable, or none.

    A SQLite file with a fixed name is no database that Fairway could provide: it is state, and
    `stores.py` finds it.
    """
    wired = evidence.read(contract.DATABASE_URL)
    driver = evidence.dependencies.where(*DRIVERS)
    postgres = _postgres(evidence)
    other = _other(evidence) if postgres is None and driver is None else None
    if other is not None:
        return other
    if wired is not None:
        return _wired(evidence, wired, postgres or driver)
    if (own := _own_names(evidence)) and (postgres or driver):
        first = min(own.values(), key=lambda found: found.where)
        return DatabaseUse(FoundNode("database", "db", first), _kind(evidence), own)
    if postgres is None:
        return DatabaseUse(None)
    named = evidence.read_like(ADDRESS) or evidence.read_like(PARTS)
    notes = (_unwired(evidence, named, postgres), *_scheme(evidence, None))
    if _has_sqlite(evidence):  # what runs until the address is read is the SQLite file
        return DatabaseUse(None, notes)
    return DatabaseUse(FoundNode("database", "db", named.finding if named else postgres), notes)


def _has_sqlite(evidence: Evidence) -> bool:
    engines = evidence.django.engines if evidence.django else ()
    django = any(one.value == "sqlite" for one in engines)
    found = evidence.literal("sqlite:///", "sqlite+aiosqlite:///")
    return django or (found is not None and not evidence.is_prefix(found))


def _postgres(evidence: Evidence) -> Finding[str] | None:
    """What in the code itself speaks of PostgreSQL."""
    django = evidence.django.engines if evidence.django else ()
    engine = next((one for one in django if one.value == "postgres"), None)
    url = evidence.literal("postgresql", "postgres://")
    found = engine or url or evidence.imports(*DRIVER_IMPORTS)
    if found is not None:
        return found
    read = evidence.read_like(r"(?:\w+_)?(?:POSTGRES|POSTGRESQL|PG)_?\w+")
    image = evidence.image("postgres", "postgis", "timescale")
    named = evidence.read_like(ADDRESS) or evidence.given.get(contract.DATABASE_URL)
    return read.finding if read else image if image and named else None


def _wired(evidence: Evidence, wired: VariableRead, postgres: Finding[str] | None) -> DatabaseUse:
    node = FoundNode("database", "db", wired.finding)
    if postgres is not None:
        own = _beside(evidence)
        notes = _scheme(evidence, wired)
        if notes and _reads_for_sqlalchemy_alone(evidence):
            scheme = address(driver_scheme(evidence))
            finding = Finding(scheme, wired.finding.where, wired.finding.why)
            own, notes = {**own, wired.name: finding}, ()
        return DatabaseUse(node, (*_second(evidence, own), *notes), own)
    default = wired.default or next(
        (one.default for one in evidence.reads if one.name == wired.name and one.default), ""
    )
    engines = evidence.django.engines if evidence.django else ()
    sqlite = default.startswith("sqlite") or any(one.value == "sqlite" for one in engines)
    add = 'Add "psycopg[binary]" to the dependencies'
    if sqlite or evidence.dependencies.file is not None:
        node = replace(node, keys=(("engine", '"sqlite"'),))
        note = Note(
            "advice",
            wired.finding.where,
            "No PostgreSQL driver is among the dependencies, so the database is a SQLite file.",
            f'{add} and delete `engine = "sqlite"` to get PostgreSQL.',
        )
        return DatabaseUse(node, (note,))
    note = Note("assumed", wired.finding.where, "The database is PostgreSQL.", f"{add}.")
    return DatabaseUse(node, (note,))


def _own_names(evidence: Evidence) -> Names:
    """What the code reads in place of DATABASE_URL, if that is all that it needs; else nothing."""
    parts, urls = database_parts(evidence), dict(_urls(evidence))
    needed = {read.name: found for read, found in urls.items() if read.required}
    if is_complete(parts):
        return {**named_parts(evidence, parts), **needed}
    return {read.name: found for read, found in urls.items()}


def _kind(evidence: Evidence) -> tuple[Note, ...]:
    """The app also asks a variable which kind of database it is, and nothing says its word."""
    read = unclear_engine(evidence, database_parts(evidence))
    if read is None:
        return ()
    what = f"The code reads from {read.name} which kind of database it has."
    mend = f'Set it under variables to its word for PostgreSQL: {read.name} = "…".'
    return (Note("untold", read.finding.where, what, mend),)


def _beside(evidence: Evidence) -> Names:
    """What the code cannot do without beside DATABASE_URL."""
    parts = database_parts(evidence)
    is_needed = is_complete(parts) and any(one.read.required for one in parts)
    return {
        **(named_parts(evidence, parts) if is_needed else {}),
        **{read.name: found for read, found in _urls(evidence) if read.required},
    }


def _urls(evidence: Evidence) -> Iterator[tuple[VariableRead, Finding[str]]]:
    """The other names of the whole address, with the scheme that SQLAlchemy needs."""
    scheme = driver_scheme(evidence)
    if not evidence.call(*ENGINES, "flask_sqlalchemy.SQLAlchemy") or (
        scheme and _says(evidence, scheme, is_wired=True)
    ):
        scheme = ""
    yield from database_urls(evidence, scheme)


def _reads_for_sqlalchemy_alone(evidence: Evidence) -> bool:
    """Whether nobody else takes the address: only SQLAlchemy knows a scheme with a driver."""
    others = (
        "asyncpg.connect",
        "asyncpg.create_pool",
        "psycopg.connect",
        "psycopg.AsyncConnection.connect",
        "psycopg_pool.ConnectionPool",
        "psycopg_pool.AsyncConnectionPool",
        "databases.Database",
    )
    return not evidence.call(*others) and not evidence.imports("fairway_runtime")


def _second(evidence: Evidence, own: Names) -> tuple[Note, ...]:
    """Another address that must be set, and nobody knows what it says."""
    read = next(
        (
            one
            for one in evidence.reads
            if one.required
            and one.name not in {contract.DATABASE_URL, *own}
            and re.fullmatch(ADDRESS, one.name)
        ),
        None,
    )
    if read is None:
        return ()
    what = f"The code needs {read.name} beside {contract.DATABASE_URL}."
    mend = f"Make it from {contract.DATABASE_URL} where it is read, by another scheme."
    return (Note("untold", read.finding.where, what, mend),)


def _unwired(evidence: Evidence, named: VariableRead | None, found: Finding[str]) -> Note:
    """The address does not come from the variable that Fairway fills."""
    if named is None:
        what = "The code does not read the database's address from a variable."
        mend = f'Read os.environ["{contract.DATABASE_URL}"] at {found.where}.'
        return Note("untold", found.where, what, mend)
    names = sorted({one.name for one in evidence.reads} & {named.name} | _parts(evidence))
    what = f"The code reads the database's address from {', '.join(names)}."
    gives = f"Fairway gives {contract.DATABASE_URL} (postgresql://user:password@host:port/name)"
    mend = f"{gives}: read it at {named.finding.where}."
    if lacking := _lacking(evidence):
        mend = (
            f"Read {lacking} from a variable too, since Fairway chooses them, and write what each "
            f'holds under variables: {named.name} = "${{db.host}}". '
            f"Or read {contract.DATABASE_URL}."
        )
    if evidence.django is not None:
        mend = (
            f"{gives}: at {named.finding.where} write DATABASES = "
            '{"default": dj_database_url.config()}, and add "dj-database-url" to the dependencies.'
        )
    return Note("untold", named.finding.where, what, mend)


def _lacking(evidence: Evidence) -> str:
    """The parts that no variable brings, where some bring others."""
    parts = {one.part for one in database_parts(evidence)}
    return " and ".join(part for part in COMPLETE if part not in parts) if parts else ""


def _parts(evidence: Evidence) -> set[str]:
    return {one.name for one in evidence.reads if re.fullmatch(PARTS, one.name)}


def _scheme(evidence: Evidence, wired: VariableRead | None) -> tuple[Note, ...]:
    """SQLAlchemy picks its driver by the URL's scheme; the plain one means psycopg2.

    Of an address that is `wired` the code must change the scheme: that its default has another
    one does not help where the variable is set.
    """
    engine = evidence.call(*ENGINES)
    migrates = engine is not None and "/env.py:" in f"/{engine.where}"  # Alembic's own engine
    flask = evidence.call("flask_sqlalchemy.SQLAlchemy") if engine is None else None
    if wired is not None and (migrates or flask is not None):  # the address is changed for all
        engine = wired.finding
    scheme = driver_scheme(evidence)
    if engine is None or not scheme or _says(evidence, scheme, is_wired=wired is not None):
        return ()
    driver = scheme.partition("+")[2]
    what = f"SQLAlchemy needs the scheme {scheme}:// to use {driver}; the address says postgresql."
    mend = f'Write .replace("postgresql://", "{scheme}://") at {engine.where}.'
    return (Note("untold", engine.where, what, mend),)


def driver_scheme(evidence: Evidence) -> str:
    """`postgresql+asyncpg`, where SQLAlchemy has another driver than its own choice; else empty."""
    names = evidence.dependencies.names
    if {"psycopg2", "psycopg2-binary"} & names.keys():
        return ""
    if evidence.call("sqlalchemy.ext.asyncio.create_async_engine") and "asyncpg" in names:
        return "postgresql+asyncpg"
    driver = next((name for name in ("psycopg", "asyncpg", "pg8000") if name in names), "")
    return f"postgresql+{driver}" if driver else ""


def _says(evidence: Evidence, scheme: str, *, is_wired: bool) -> bool:
    """Whether the code names the scheme; of an address that is wired, by itself."""
    alone = r"(?::(?://)?)?[\"']" if is_wired else ""
    shape = re.compile(re.escape(scheme) + alone)
    return any(shape.search(line) for tree in evidence.trees.values() for line in tree.lines)


def _other(evidence: Evidence) -> DatabaseUse | None:
    """A database that Fairway does not run."""
    engines = evidence.django.engines if evidence.django else ()
    for name, starts, images, packages in OTHERS:
        django = next((one for one in engines if one.value == name.lower()), None)
        url = evidence.literal(*starts)
        found = django or url or evidence.image(*images) or evidence.imports(*packages)
        if found is None:
            continue
        mend = (
            "Run it elsewhere and give its address: a secret in .env "
            "([secret.NAME]), or move the data to PostgreSQL ([database.db])."
        )
        return DatabaseUse(None, (Note("untold", found.where, f"Fairway has no {name}.", mend),))
    return None

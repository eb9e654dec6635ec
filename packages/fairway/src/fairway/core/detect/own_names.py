"""The names under which an app reads its database and its Redis, each with the part that it holds.

A table of names that are known; what does not fit it is not guessed. `data.py` and `stores.py` ask
here, `write.py` writes the lines: `POSTGRES_SERVER = "${db.host}"`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fairway.core.detect.engine_choice import DJANGO, POSTGRES, chosen_by
from fairway.core.detect.environment import VariableRead
from fairway.core.detect.evidence import Evidence
from fairway.core.detect.sources import Finding
from fairway_runtime import contract

__all__ = [
    "CACHE_HOST",
    "COMPLETE",
    "Names",
    "address",
    "cache_hosts",
    "cache_urls",
    "database_parts",
    "database_urls",
    "in_other_databases",
    "is_complete",
    "named_parts",
    "part_of_name",
    "unclear_engine",
]

Names = Mapping[str, Finding[str]]

KINDS: Final = "POSTGRESQL|POSTGRES|PSQL|PG|DATABASE|DB|SQL"
WORDS: Final[Mapping[str, str]] = {
    "host": "HOSTNAME|HOST|SERVER",
    "port": "PORT",
    "user": "USERNAME|USER",
    "password": "PASSWORD|PASSWD|PASS",
    "name": "DATABASE_NAME|DATABASE|DB_NAME|DBNAME|NAME|DB",
    "engine": "ENGINE",
}
PART = re.compile(
    rf"(?P<before>(?:\w+_)?)(?P<kind>{KINDS})_{{0,2}}(?:"
    + "|".join(f"(?P<{part}>{words})" for part, words in WORDS.items())
    + ")"
)
# What may say which kind of database it is, where the code compares it with a word for one.
CHOICE = re.compile(
    rf"(?P<before>(?:\w+_)?)(?:{KINDS})"
    r"(?:_(?:ENGINE|BACKEND|DIALECT|DRIVER|KIND|TYPE|VENDOR))?"
)
URL = re.compile(
    r"(?P<before>(?:\w+_)?)(?:DATABASE|DB|POSTGRES|POSTGRESQL|PG)(?:_A?SYNC)?"
    r"_{1,2}(?:URL|URI|DSN|CONNECTION_STRING|CONN_STR)(?:_A?SYNC)?"
)
# Words before a name that change nothing: it is the same database.
PLAIN: Final = frozenset({*KINDS.split("|"), "SQLALCHEMY", "ASYNC", "SYNC", "ALEMBIC", "MAIN"})
# Words that say that it is another one, which nobody here knows.
OTHER: Final = re.compile(
    r"MYSQL|MARIA|MONGO|REDIS|CLICKHOUSE|NEO4J|ORACLE|MSSQL|SQLITE|VECTOR|QDRANT|KEYCLOAK|"
    r"TEST|LEGACY|EXTERNAL|SOURCE|TARGET|REMOTE|ADMIN|ROOT|READ|REPLICA|SHARD|AIRFLOW|MLFLOW"
)
COMPLETE: Final = ("host", "user", "password", "name")
NO_POSTGRES_PORTS: Final = frozenset({"3306", "1433", "1521", "27017"})
SCHEME: Final = re.compile(r"(postgres(?:ql)?(?:\+\w+)?)://")

CACHE_URL = re.compile(
    r"(?:\w+_)?(?:REDIS(?:_\w+)?|BROKER|CACHE|RESULT_BACKEND)_{1,2}(?:URL|URI|DSN)"
    r"|CELERY_(?:BROKER|RESULT_BACKEND|BACKEND)|(?:RATELIMIT|LIMITER)_STORAGE_(?:URL|URI)"
)
CACHE_HOST = re.compile(
    r"(?:\w+_)?REDIS_{1,2}(?:\w+_)?(?:(?P<host>HOSTNAME|HOST|SERVER)|(?P<port>PORT)"
    r"|(?P<password>PASSWORD|PASS|AUTH))"
)
REDIS: Final = ("redis://", "rediss://")
NUMBERED = re.compile(r"rediss?://[^/]*/[1-9]")


@dataclass(frozen=True, slots=True)
class Part:
    """A read of one part of an address, and what stands before its name."""

    before: str
    part: str
    read: VariableRead


def database_parts(evidence: Evidence) -> tuple[Part, ...]:
    """The reads of the parts of one database; none where it is unclear which is meant.

    Where names without a word before them read a host, it is theirs; else the only other one's.
    """
    found = [part for read in evidence.reads if (part := _part(read)) is not None]
    found += _choices(evidence)
    if any(one.part == "port" and one.read.default in NO_POSTGRES_PORTS for one in found):
        return ()
    hosts = list(dict.fromkeys(one.before for one in found if one.part == "host"))
    if "" not in hosts and len(hosts) != 1:
        return ()
    before = "" if "" in hosts else hosts[0]
    return tuple(one for one in found if one.before == before)


def is_complete(parts: tuple[Part, ...]) -> bool:
    """Whether the code takes all from variables that it cannot connect without."""
    return {one.part for one in parts} >= {*COMPLETE}


def unclear_engine(evidence: Evidence, parts: tuple[Part, ...]) -> VariableRead | None:
    """The read of which kind of database it is, in words that only the app knows."""
    reads = (one.read for one in parts if one.part == "engine")
    return next(
        (
            read
            for read in reads
            if not _word(evidence, read) and not read.default.startswith("postgres")
        ),
        None,
    )


def named_parts(evidence: Evidence, parts: tuple[Part, ...]) -> Names:
    """The lines of these parts."""
    found: dict[str, Finding[str]] = {}
    for one in parts:
        value = f"${{db.{one.part}}}"
        if one.part == "engine":
            value = _word(evidence, one.read)
            if not value or "postgres" in one.read.default:
                continue
        found.setdefault(one.read.name, _finding(value, one.read))
    return found


def _part(read: VariableRead) -> Part | None:
    match = PART.fullmatch(read.name.upper())
    if match is None or OTHER.search(match["before"]):
        return None
    part = next(part for part in WORDS if match[part])
    return Part(_telling(match["before"]), part, read)


def _choices(evidence: Evidence) -> Iterator[Part]:
    """The reads of which kind of database it is, under other names than those of parts."""
    matches = ((read, CHOICE.fullmatch(read.name.upper())) for read in evidence.reads)
    found = [
        Part(_telling(match["before"]), "engine", read)
        for read, match in matches
        if match and _part(read) is None and not OTHER.search(match["before"])
    ]
    if found:  # who chooses is looked for in all of the code
        chosen = chosen_by(evidence)
        yield from (one for one in found if one.read.name in chosen)


def _telling(before: str) -> str:
    """Of the words before a name those that say which database it is."""
    return "_".join(word for word in before.split("_") if word and word not in PLAIN)


def _word(evidence: Evidence, read: VariableRead) -> str:
    """What a variable says when it chooses PostgreSQL; empty where nobody knows."""
    stated = evidence.stated(read.name)
    if POSTGRES.fullmatch(stated):
        return stated
    if read.default.startswith(DJANGO):
        return f"{DJANGO}postgresql"
    return chosen_by(evidence).get(read.name, "")


def part_of_name(name: str) -> str:
    """What a known name holds: `DB_HOST` -> `${db.host}`; empty where it is not known."""
    if (match := PART.fullmatch(name)) and not match["engine"] and not OTHER.search(name):
        return f"${{db.{next(part for part in WORDS if match[part])}}}"
    if URL.fullmatch(name) and name != contract.DATABASE_URL and not OTHER.search(name):
        return "${db.url}"
    if match := CACHE_HOST.fullmatch(name):
        return f"${{cache.{next(part for part, held in match.groupdict().items() if held)}}}"
    return "${cache.url}" if CACHE_URL.fullmatch(name) and name != contract.REDIS_URL else ""


def database_urls(evidence: Evidence, scheme: str) -> Iterator[tuple[VariableRead, Finding[str]]]:
    """Reads of the whole address under other names than DATABASE_URL, and their lines.

    `scheme` is the one by which SQLAlchemy finds the driver, where it needs another; the scheme of
    a default in the code, or of another file's example, says more.
    """
    matches = ((read, URL.fullmatch(read.name.upper())) for read in evidence.reads)
    found = [(read, match["before"]) for read, match in matches if match is not None]
    found = [
        (read, [word for word in before.split("_") if word and word not in PLAIN])
        for read, before in found
        if not OTHER.search(before) and read.name != contract.DATABASE_URL and _fits(read.default)
    ]
    plain = [(read, words) for read, words in found if not words]
    alone = len({tuple(words) for _, words in found}) == 1
    seen: set[str] = set()
    for read, _ in plain or (found if alone else []):
        if read.name not in seen:
            seen.add(read.name)
            said = read.default or evidence.stated(read.name)
            own = SCHEME.match(said)
            yield read, _finding(address(own[1] if own else scheme), read)


def _fits(default: str) -> bool:
    return not default or default.startswith(("postgres", "sqlite"))


def address(scheme: str) -> str:
    """The address as a line of the file says it, with a scheme of its own where one is needed."""
    if "+" not in scheme:
        return "${db.url}"
    return f"{scheme}://${{db.user}}:${{db.password}}@${{db.host}}:${{db.port}}/${{db.name}}"


def cache_urls(evidence: Evidence, *, is_redis: bool) -> Names:
    """Redis's address under other names than REDIS_URL.

    `is_redis`: what the service uses is Redis, so that a broker without a default is it too.
    """
    found: dict[str, Finding[str]] = {}
    for read in evidence.reads:
        is_named = CACHE_URL.fullmatch(read.name.upper()) and read.name != contract.REDIS_URL
        is_sure = "REDIS" in read.name.upper() or is_redis
        if is_named and (read.default.startswith(REDIS) or (not read.default and is_sure)):
            found.setdefault(read.name, _finding("${cache.url}", read))
    return found


def in_other_databases(evidence: Evidence, own: Names) -> tuple[VariableRead, ...]:
    """Of these names, the reads whose default has a database's number of its own in Redis."""
    return tuple(
        read for read in evidence.reads if read.name in own and NUMBERED.match(read.default)
    )


def cache_hosts(evidence: Evidence) -> tuple[Names, tuple[VariableRead, ...]]:
    """Redis's address in parts; or the reads of hosts, where no password is read beside them."""
    found: dict[str, Finding[str]] = {}
    reads: dict[str, dict[str, VariableRead]] = {}
    for read in evidence.reads:
        match = CACHE_HOST.fullmatch(read.name.upper())
        if match is not None and "TEST" not in read.name.upper():
            part = next(part for part in ("host", "port", "password") if match[part])
            reads.setdefault(part, {}).setdefault(read.name, read)
            found.setdefault(read.name, _finding(f"${{cache.{part}}}", read))
    hosts = tuple(reads.get("host", {}).values())
    return (found, ()) if hosts and "password" in reads else ({}, hosts)


def _finding(value: str, read: VariableRead) -> Finding[str]:
    return Finding(value, read.finding.where, read.finding.why)

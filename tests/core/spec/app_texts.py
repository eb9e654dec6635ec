"""Hypothesis strategies for files of Fairway: trees that mostly make sense.

The strategies follow the readers of the model's keys, so that a new key is generated as soon as
it exists. What no single key can tell (limits of scaling, ports taken twice) is left to chance.
"""

import random
from typing import Any

from hypothesis import strategies as st

from fairway.core.spec import readers as read
from fairway.core.spec.model import App
from fairway.core.spec.readers.alternatives import OffOr, OneOf
from fairway.core.spec.readers.lists import Tables
from fairway.core.spec.readers.table import KeyOf, Map, Nodes, Table, keys
from tests.core.spec.toml_texts import Writer

NAMES = {
    "service": ["api", "web"],
    "worker": ["clock", "tasks"],
    "site": ["page"],
    "job": ["first", "second", "third"],
    "database": ["db", "archive"],
    "cache": ["store"],
    "bucket": ["files", "lake"],
    "stream": ["events"],
    "table": ["state"],
    "secret": ["SESSION_KEY"],
    "workflow": ["daily"],
    "model": ["churn"],
    "network": ["office"],
}
durations = st.sampled_from(["1s", "100ms", "15m", "1h30m", "7d", "1y", "2.5h"])
shares = st.sampled_from(["10%", "35%", "50%", "75.5%", "90 %"])
sizes = st.sampled_from(["10 MB", "1GiB", "512 MiB", "5 kB"])
binary = st.sampled_from(["1 GiB", "512 GiB", "2GiB"])
places = st.sampled_from(["files", "lake/", "files/incoming/", "lake/raw/2026"])
BY_READER: dict[int, st.SearchStrategy[Any]] = {
    id(read.DURATION): durations,
    id(read.DURATION_OR_ZERO): durations | st.just("0s"),
    id(read.SIZE): sizes,
    id(read.MEBIBYTES): binary,
    id(read.GIBIBYTES): binary,
    id(read.SHARE): shares,
    id(read.RATE): st.sampled_from(["60/min", "5/s", "1000/d", False]),
    id(read.COUNT): st.integers(0, 9),
    id(read.POSITIVE): st.integers(1, 9),
    id(read.NUMBER): st.sampled_from([0.25, 1, 2.0]),
    id(read.BOOLEAN): st.booleans(),
    id(read.TEXT): st.sampled_from(["x", "db.t3.micro", "a b"]),
    id(read.NAME): st.sampled_from(["hello", "x-1"]),
    id(read.OBJECT): st.sampled_from(["main:app", "a.b:c.d"]),
    id(read.PATH): st.sampled_from([".", "app.py", "frontend/dist/", "./x"]),
    id(read.URL_PATH): st.sampled_from(["/", "/health"]),
    id(read.URL): st.sampled_from(["env:X_URL", "https://example.org/x"]),
    id(read.COMMAND): st.sampled_from(["python -m x", "sh -c 'a && b'"]),
    id(read.PORT): st.integers(1, 65535),
    id(read.REPLICAS): st.sampled_from([0, 1, 3, "2..10", "0..1"]),
    id(read.TIME_OF_DAY): st.sampled_from(["22:00", "05:30"]),
    id(read.SCHEDULE): st.sampled_from(["0 6 * * *", "@daily", "@once", "*/5 * * * MON-FRI"]),
    id(read.OBJECTS): places,
    id(read.SHARE_THRESHOLD): st.sampled_from(["> 1%", ">90%"]),
    id(read.DURATION_THRESHOLD): st.sampled_from(["> 2s", "> 500ms"]),
    id(read.ADDRESSES): st.sampled_from(["mailto:a@example.org", ["https://example.org/x"]]),
    id(read.URL_PATHS): st.sampled_from(["/health", ["/", "/api/items"]]),
    id(read.CANARY_STEPS): st.sampled_from([["10% for 15m"], ["5% for 0s", "50% for 1m"]]),
    id(read.REPOSITORY): st.sampled_from(["example/shop", "a-b/c.d_e"]),
    id(read.ACCOUNT): st.sampled_from(["111111111111", "222222222222"]),
    id(read.BLOCKS): st.sampled_from(["10.40.0.0/16", ["172.20.0.0/14", "192.168.7.0/24"]]),
    id(read.OWN_BLOCK): st.sampled_from(["10.20.0.0/16", "192.168.16.0/20"]),
    id(read.PEER): st.sampled_from(["vpc-0123456789abcdef0", "pcx-01234567"]),
    id(read.TRANSIT): st.just("tgw-0123456789abcdef0"),
    id(read.REGION): st.sampled_from(["eu-west-1", "us-gov-east-1"]),
    id(read.ROLE): st.just("arn:aws:iam::222222222222:role/accepts-peering"),
    id(read.ANYTHING): st.sampled_from([1, "x", True, {"a": [0.5, "b"]}, []]),
    id(read.VARIABLES): st.dictionaries(
        st.sampled_from(["LEVEL", "lower", "X_1"]),
        st.sampled_from(["x", "", 1, 0.5, True]),
        max_size=2,
    ),
}
EDGES: dict[str, list[str]] = {
    "uses": ["db", "archive", "store", "files", "events", "state", "churn", "SESSION_KEY"],
    "then": [],
    "calls": ["api"],
    "steps": ["first", "second"],
}


def of_reader(reader: Any, key: str) -> st.SearchStrategy[Any]:
    match reader:
        case OffOr():
            return of_reader(reader.reader, key) | st.just(False)
        case Table():
            whole = of_table(reader.cls)
            return whole if reader.short is None else whole | of_reader(read.CANARY_STEPS, key)
        case Nodes():
            return st.fixed_dictionaries(
                {}, optional={name: of_table(reader.cls) for name in NAMES[key]}
            )
        case Map():
            return st.dictionaries(
                st.sampled_from(["/api/*", "main"]), of_reader(reader.reader, key)
            )
        case OneOf():
            words = [
                st.fixed_dictionaries({word: of_reader(below, key)})
                for word, below in reader.readers.items()
            ]
            return st.one_of(st.sampled_from(list(reader.readers)), *words)
        case Tables():
            return st.lists(of_table(reader.table.cls), max_size=2)
        case read.NODES:
            return st.lists(st.sampled_from(EDGES[key]), max_size=3) if EDGES[key] else st.just([])
        case _ if id(reader) in BY_READER:
            return BY_READER[id(reader)]
        case _:
            return st.sampled_from(reader.schema(None)["enum"])


def of_key(key: KeyOf) -> st.SearchStrategy[Any]:
    return of_reader(key.key.reader, key.name)


def of_table(cls: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    own = {
        name: key
        for name, key in keys(cls).items()
        if name not in ENTRY_POINTS.get(cls.__name__, ())
    }
    found = st.fixed_dictionaries(
        {name: of_key(key) for name, key in own.items() if key.key.required},
        optional={name: of_key(key) for name, key in own.items() if not key.key.required},
    )
    if cls.__name__ == "Service":
        return st.builds(lambda one, table: {**one, **table}, st.sampled_from(RUNS), found)
    return found


ENTRY_POINTS = {
    "Service": (
        "asgi",
        "wsgi",
        "script",
        "command",
        "factory",
        "account",
        "port",
        "scale",
        "sticky",
    ),
    "Worker": ("scale",),
    "Site": ("account",),
    "Job": ("only_if_new", "then"),
    "Database": ("engine",),
    "App": ("pipeline",),
}
RUNS: list[dict[str, Any]] = [
    {"asgi": "main:app"},
    {"wsgi": "main:app", "factory": True},
    {"script": "app.py"},
    {"command": "node server.js", "scale": {"cpu": "80%", "down": {"cpu": "10%"}}},
]
DECLARED: dict[str, Any] = {
    "service": {"api": {"asgi": "main:app", "public": True}},
    "job": {"first": {"command": "x"}, "second": {"command": "y"}},
    "database": {"db": {}, "archive": {}},
    "cache": {"store": {}},
    "bucket": {"files": {}, "lake": {}},
    "stream": {"events": {"into": "lake/raw/"}},
    "table": {"state": {"key": "id"}},
    "model": {"churn": {"artifact": "lake/m/", "serve": "m:p"}},
    "secret": {"SESSION_KEY": {}},
}


def _with_declared(tree: dict[str, Any]) -> dict[str, Any]:
    """The tree, with every node that an edge may name."""
    kinds = {kind: {**nodes, **tree.get(kind, {})} for kind, nodes in DECLARED.items()}
    kinds["service"]["api"]["public"] = True
    return {**tree, **kinds}


bases = of_table(App).map(_with_declared)
changes = st.fixed_dictionaries(
    {},
    optional={
        name: of_key(key)
        for name, key in keys(App).items()
        if name not in {"app", "pipeline", "job"}
    },
)
app_trees = st.builds(
    lambda base, environments: {**base, "environment": environments},
    bases,
    st.dictionaries(st.sampled_from(["dev", "production", "eu"]), changes, max_size=1),
)


def written(tree: dict[str, Any]) -> str:
    """The tree as TOML, always in the same notation."""
    return Writer(random.Random(0)).document(tree)

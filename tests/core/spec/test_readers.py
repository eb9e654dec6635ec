"""Each form that a value can have: what is read, what is refused, what is said about it."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairway.core.spec import document
from fairway.core.spec import readers as read
from fairway.core.spec.entry import Entry
from fairway.core.spec.model import App, Job, Service
from fairway.core.spec.quantities import CanaryStep, Rate, Replicas
from fairway.core.spec.readers.alternatives import OffOr
from fairway.core.spec.readers.lists import Tables
from fairway.core.spec.readers.reader import Definitions, Reader, Unreadable
from fairway.core.spec.readers.table import KeyOf, Map, Nodes, Table, keys
from fairway.core.spec.readers.times import duration_text, seconds_of
from fairway.core.spec.reference import toml
from fairway.core.spec.report import Report


def entry(value: str) -> Entry:
    return document.read(f"it = {value}", "f").find("it")


def value_of(reader: Reader[Any], text: str) -> Any:
    report = Report()
    found = reader.read(entry(text), report)
    assert not list(report), list(report)
    assert not isinstance(found, Unreadable)
    return found


READ: list[tuple[Reader[Any], str, Any]] = [
    (read.DURATION, '"30s"', 30.0),
    (read.DURATION, '"15m"', 900.0),
    (read.DURATION, '"100ms"', 0.1),
    (read.DURATION, '"7d"', 7 * 86400.0),
    (read.DURATION, '"2w"', 14 * 86400.0),
    (read.DURATION, '"1y"', 365 * 86400.0),
    (read.DURATION, '"1h30m"', 5400.0),
    (read.DURATION, '"1.5h"', 5400.0),
    (read.DURATION_OR_ZERO, '"0s"', 0.0),
    (read.SIZE, '"10 MB"', 10_000_000),
    (read.SIZE, '"10MB"', 10_000_000),
    (read.SIZE, '"1 kB"', 1000),
    (read.SIZE, '"512 MiB"', 512 * 1024**2),
    (read.SIZE, '"1.5 GiB"', 1024**3 * 3 // 2),
    (read.MEBIBYTES, '"512 MiB"', 512),
    (read.MEBIBYTES, '"1.5 GiB"', 1536),
    (read.GIBIBYTES, '"20 GiB"', 20),
    (read.GIBIBYTES, '"1 TiB"', 1024),
    (read.SHARE, '"70%"', 70.0),
    (read.SHARE, '"0.5 %"', 0.5),
    (read.SHARE, '"100%"', 100.0),
    (read.RATE, '"60/min"', Rate(60, 60)),
    (read.RATE, '"100/s"', Rate(100, 1)),
    (read.RATE, '"1000/d"', Rate(1000, 86400)),
    (read.RATE, "false", None),
    (read.COUNT, "0", 0),
    (read.POSITIVE, "1", 1),
    (read.NUMBER, "0.25", 0.25),
    (read.NUMBER, "2", 2.0),
    (read.BOOLEAN, "true", True),
    (read.TEXT, '"db.t3.micro"', "db.t3.micro"),
    (read.NAME, '"hello-2"', "hello-2"),
    (read.OBJECT, '"main:app"', "main:app"),
    (read.OBJECT, '"shop.api.main:create.app"', "shop.api.main:create.app"),
    (read.PATH, '"./frontend//dist/"', "frontend/dist"),
    (read.PATH, '"."', "."),
    (read.URL_PATH, '"/healthz"', "/healthz"),
    (read.URL, '"env:SHOP_URL"', "env:SHOP_URL"),
    (read.URL, '"redis://cache.example.org:6379/0"', "redis://cache.example.org:6379/0"),
    (read.COMMAND, '"python -m weather.ingest"', "python -m weather.ingest"),
    (read.COMMAND, "'sh -c \"a && b\"'", 'sh -c "a && b"'),
    (read.PORT, "8501", 8501),
    (read.NODES, '"db"', ("db",)),
    (read.NODES, '["db", "files", "db"]', ("db", "files")),
    (read.NODES, "[]", ()),
    (read.REPLICAS, "3", Replicas(3, 3)),
    (read.REPLICAS, '"2..10"', Replicas(2, 10)),
    (read.REPLICAS, "0", Replicas(0, 0)),
    (read.TIME_OF_DAY, '"22:00"', 1320),
    (read.TIME_OF_DAY, '"00:05"', 5),
    (read.SCHEDULE, '"0 6 * * *"', "0 6 * * *"),
    (read.SCHEDULE, '" 0  6 * * MON-FRI "', "0 6 * * MON-FRI"),
    (read.SCHEDULE, '"*/15 * * * *"', "*/15 * * * *"),
    (read.SCHEDULE, '"@daily"', "@daily"),
    (read.SCHEDULE, '"@once"', "@once"),
    (read.OBJECTS, '"files/incoming/"', "files/incoming/"),
    (read.OBJECTS, '"files"', "files/"),
    (read.SHARE_THRESHOLD, '"> 1%"', "> 1%"),
    (read.SHARE_THRESHOLD, '">1%"', "> 1%"),
    (read.DURATION_THRESHOLD, '"> 2s"', "> 2s"),
    (read.ADDRESSES, '"mailto:a@example.org"', ("mailto:a@example.org",)),
    (read.ADDRESSES, '["https://example.org/x"]', ("https://example.org/x",)),
    (read.ACCOUNT, '"012345678901"', "012345678901"),
    (read.BLOCKS, '"10.40.0.0/16"', ("10.40.0.0/16",)),
    (read.BLOCKS, '["10.1.0.0/16", "192.168.1.7/32"]', ("10.1.0.0/16", "192.168.1.7/32")),
    (read.BLOCKS, '"100.64.0.0/10"', ("100.64.0.0/10",)),
    (read.OWN_BLOCK, '"10.20.0.0/16"', "10.20.0.0/16"),
    (read.OWN_BLOCK, '"100.64.16.0/20"', "100.64.16.0/20"),
    (read.PEER, '"vpc-0123456789abcdef0"', "vpc-0123456789abcdef0"),
    (read.PEER, '"pcx-01234567"', "pcx-01234567"),
    (read.TRANSIT, '"tgw-0123456789abcdef0"', "tgw-0123456789abcdef0"),
    (read.REGION, '"ap-southeast-1"', "ap-southeast-1"),
    (read.ROLE, '"arn:aws:iam::222222222222:role/x/y"', "arn:aws:iam::222222222222:role/x/y"),
    (read.CANARY_STEPS, '["10% for 15m"]', (CanaryStep(10, 900),)),
    (read.VARIABLES, '{ B = 1, A = "x" }', {"A": "x", "B": "1"}),
    (read.VARIABLES, "{ C = true, D = 0.5 }", {"C": "true", "D": "0.5"}),
    (read.choice("run", "skip"), '"skip"', "skip"),
    (read.optional(read.COUNT), "false", None),
    (read.off_or(read.COUNT, 7), "false", 7),
    (read.mapping(read.COUNT), "{ b = 1, a = 2 }", {"a": 2, "b": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "text", "expected"), READ)
def test_a_value_is_read(reader: Reader[Any], text: str, expected: object) -> None:
    found = value_of(reader, text)
    assert found == expected
    assert type(found) is type(expected)


ODD = ["true", "1", "-1", "0.5", "nan", "inf", '""', '" "', '"x y"', '"\\u0000"', '"..\\n"', "[]",
       "[1]", "[[]]", "{}", "{ x = {} }", "1979-05-27", "07:32:00", "99999999999999999999",
       '"\\u0663"', '"3\\uff10s"', f'"{"9" * 400}y"', f'"{"a" * 5000}"', '"1e400%"',
       '"\\u2028"']  # fmt: skip
SCALARS = [reader for reader, _, _ in READ if hasattr(reader, "_convert")]


@pytest.mark.parametrize("reader", list(dict.fromkeys(SCALARS)), ids=lambda reader: reader.noun)
def test_an_odd_value_is_read_or_refused_with_a_mend(reader: Reader[Any]) -> None:
    for text in ODD:
        report = Report()
        found = reader.read(entry(text), report)
        faults = list(report)
        assert isinstance(found, Unreadable) == bool(faults)
        for fault in faults:
            assert fault.problem.mend
            assert fault.problem.what.isprintable()
            assert len(fault.problem.what) < 200
            assert len(fault.problem.mend) < 300


@pytest.mark.parametrize(
    "url",
    ["postgresql://a:b@example.org/x", "redis://:hunter2@example.org", "https://a:b@example.org"],
)
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    report = Report()
    read.URL.read(entry(f'"{url}"'), report)
    (fault,) = report
    assert "password" in fault.problem.what
    assert "hunter2" not in str(fault.problem)


@given(st.floats(0.001, 10**9) | st.integers(0, 10**9).map(float))
@settings(deadline=None)
def test_a_duration_that_is_written_is_read_back(seconds: float) -> None:
    seconds = round(seconds, 6)
    found = seconds_of(duration_text(seconds))
    assert found == pytest.approx(seconds, abs=1e-6)


# -- What every key of the model has -------------------------------------------------------------


def every_key() -> list[tuple[str, KeyOf]]:
    found: dict[str, KeyOf] = {}
    tables: list[type[Any]] = [App]
    seen: set[type[Any]] = set()
    while tables:
        cls = tables.pop()
        if cls in seen:
            continue
        seen.add(cls)
        for key in keys(cls).values():
            found[f"{cls.__name__}.{key.name}"] = key
            reader: Any = key.key.reader
            reader = reader.reader if isinstance(reader, OffOr | Map) else reader
            reader = reader.table if isinstance(reader, Tables) else reader
            if isinstance(reader, Nodes | Table):
                tables.append(reader.cls)
            tables += [below.cls for below in getattr(reader, "readers", {}).values()]
    return sorted(found.items(), key=lambda item: item[0])


KEYS = every_key()


def test_an_example_of_a_key_is_read() -> None:
    for _, key in KEYS:
        if example := key.key.example or key.key.reader.example:
            value_of(key.key.reader, example)


def test_a_default_of_a_key_reads_back_as_itself() -> None:
    for name, key in KEYS:
        default = key.key.reader.write(key.default) if not key.key.required else None
        if default is not None and not isinstance(default, Mapping):
            assert value_of(key.key.reader, toml(default)) == key.default, name


def test_a_key_says_in_a_sentence_what_it_is_for() -> None:
    for name, key in KEYS:
        assert key.key.doc.endswith("."), name
        assert key.key.doc[0].isupper() or key.key.doc[0] == "`", name


def test_a_key_has_a_schema() -> None:
    for name, key in KEYS:
        assert key.key.reader.schema(Definitions({})), name


def test_a_table_without_what_it_must_have_is_unreadable() -> None:
    report = Report()
    assert isinstance(read.table(Job).read(entry("{}"), report), Unreadable)
    (fault,) = report
    assert fault.problem.what == "`command` is missing."


def test_a_node_with_a_fault_is_still_there_for_those_that_use_it() -> None:
    report = Report()
    services = read.nodes(Service).read(entry("{ web = { asgi = 'm:a', cpu = 'x' } }"), report)
    assert len(list(report)) == 1
    assert not isinstance(services, Unreadable)
    assert services["web"].asgi == "m:a"

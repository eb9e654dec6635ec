"""A Copilot workspace becomes fairway.toml, and nothing that it said goes missing."""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.core.addresses import NETWORK
from fairway.core.copilot.document import leaves
from fairway.core.copilot.fields import FIELDS, field_of
from fairway.core.copilot.importing import Imported, import_copilot
from fairway.core.copilot.schedule import as_cron
from fairway.core.problem import Problems
from fairway.core.spec.parse import parse
from tests.core.copilot.workspace import TEXTS, workspace
from tests.properties import examples

Golden = Callable[[str, str], None]
MANIFESTS = [path for path in TEXTS if path.endswith("manifest.yml")]


@cache
def imported() -> Imported:
    return import_copilot(workspace())


def test_the_file_is_written_down_and_what_is_told_beside_it(golden: Golden) -> None:
    found = import_copilot(workspace())
    golden("fairway.toml", found.text)
    golden("by-itself.txt", "".join(f"{each}\n" for each in found.by_itself))


def test_the_file_parses_and_says_what_the_manifests_said() -> None:
    spec = parse(import_copilot(workspace()).text)
    prod, test = spec.app("prod"), spec.app("test")
    web = prod.services["web"]
    assert (prod.name, web.asgi, web.folder, web.port) == (
        "my-shop",
        "shop.main:app",
        "backend",
        8080,
    )
    assert (web.cpu, web.memory_mib, web.sticky, web.public) == (0.5, 2048, True, True)
    assert (web.replicas.minimum, web.replicas.maximum) == (3, 3)
    assert (test.services["web"].replicas.maximum, test.services["web"].memory_mib) == (1, 1024)
    assert (web.scale.cpu_percent, web.scale.requests) == (65.0, 10.0)
    assert (web.timeouts.drain_seconds, web.timeouts.startup_seconds) == (45.0, 90.0)
    assert web.uses == ("MAIL_PASSWORD", "SIGNING_KEY")
    assert web.variables["STAGE"] == "prod"
    assert web.variables["QUEUE"] == "my-shop-orders"
    assert test.services["web"].variables["LOG_FORMAT"] == "text"
    inner = prod.services["inner"]
    assert (inner.command, inner.public, inner.probe) == ("node server.js", False, "/really")
    nightly = prod.jobs["nightly"]
    assert (nightly.command, nightly.schedule) == ("python -m shop.nightly --all", "0 */6 * * *")
    assert (nightly.timeout_seconds, nightly.retries, nightly.cpu) == (5400.0, 2, 0.25)
    assert prod.sites["page"].root == "frontend/dist"
    assert prod.pipeline is not None
    assert prod.pipeline.on_push == {"main": "test"}
    assert prod.pipeline.promote == {"prod": "by hand"}
    assert "worker" not in prod.services
    worker, ticker = prod.workers["worker"], prod.workers["ticker"]
    assert (worker.command, worker.cpu) == ("celery -A shop.tasks worker", 0.25)
    assert (worker.replicas.minimum, worker.replicas.maximum) == (1, 5)
    assert (worker.scale.cpu_percent, worker.uses) == (60.0, ("SIGNING_KEY",))
    assert test.workers["worker"].interruptible
    assert not worker.interruptible
    assert (ticker.command, ticker.folder) == ("python -m shop.ticker", "inner")
    assert prod.programs["ticker"].runs_alone


def test_the_queue_of_a_worker_is_told_as_left_out() -> None:
    told = {each.what: each.why for each in imported().left if "/worker/" in each.where}
    assert any("subscribe" in what for what in told)
    assert any("queue_delay" in what for what in told)
    assert any("no queue of SQS is made" in why for why in told.values())


def of_network(cidr: str) -> Imported:
    manifest = f"name: test\ntype: Environment\nnetwork:\n  vpc:\n    cidr: {cidr}\n"
    return import_copilot(workspace({**TEXTS, "copilot/environments/test/manifest.yml": manifest}))


def test_an_environment_keeps_the_addresses_of_its_network() -> None:
    spec = parse(imported().text)
    assert spec.app("test").addresses == "10.30.0.0/16"
    assert spec.app("prod").addresses == NETWORK


@pytest.mark.parametrize("cidr", ["10.30.1.0/16", "8.8.0.0/16", "10.0.0.0/8", "10.0.0.0/24", "x"])
def test_addresses_that_no_network_of_ours_may_have_are_told(cidr: str) -> None:
    found = of_network(cidr)
    assert parse(found.text).app("test").addresses == NETWORK
    (told,) = (each for each in found.left if each.what.startswith("network.vpc.cidr"))
    assert told.where == "copilot/environments/test/manifest.yml:5"


@pytest.mark.parametrize("path", MANIFESTS)
def test_each_value_is_in_the_file_or_told(path: str) -> None:
    found = imported()
    told = " ".join(str(each) for each in (*found.left, *found.by_itself))
    numbers = re.findall(rf"{re.escape(path)}:([\d, ]+)", found.text + told)
    lines = {number for each in numbers for number in re.findall(r"\d+", each)}
    grouped = " ".join(each.what for each in found.left if each.where.startswith(path))
    for leaf in leaves(path, TEXTS[path]):
        known = str(leaf.line) in lines or leaf.path[-1] in grouped
        # These become a table's own name, or the same line as another's.
        implied = leaf.name in {"name", "type", "image.build", "command", "entrypoint"} or (
            leaf.name.startswith(("image.build.", "stages", "count.range"))
        )
        assert known or implied or leaf.text in found.text, leaf


def test_without_a_workspace_it_says_where_to_run() -> None:
    with pytest.raises(Problems, match=r"copilot/\.workspace"):
        import_copilot(workspace({}))


def test_what_is_no_yaml_is_told_with_its_line() -> None:
    texts = {**TEXTS, "copilot/web/manifest.yml": "name: web\ntype: [\n"}
    with pytest.raises(Problems, match=r"copilot/web/manifest\.yml:\d"):
        import_copilot(workspace(texts))


def test_aliases_cannot_blow_it_up() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{b}: &{b} {{ {', '.join(f'k{n}: *{a}' for n in range(9))} }}"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    texts = {**TEXTS, "copilot/web/manifest.yml": "\n".join(lines)}
    with pytest.raises(Problems, match="more than 20,000 values"):
        import_copilot(workspace(texts))


def test_an_image_from_elsewhere_leaves_how_it_runs_to_people() -> None:
    texts = {
        "copilot/web/manifest.yml": "type: Load Balanced Web Service\nimage:\n  location: x/y:1\n"
    }
    found = import_copilot(workspace(texts))
    assert not found.runs
    assert any("say how it runs" in each.why for each in found.left)
    with pytest.raises(Problems):
        parse(found.text)


@given(st.text(max_size=200))
@examples(40)
def test_whatever_stands_in_a_manifest_ends_in_a_file_or_a_problem(text: str) -> None:
    texts = {"copilot/web/manifest.yml": text}
    with suppress(Problems):
        assert import_copilot(workspace(texts)).text.startswith("app = ")


@given(
    st.dictionaries(
        st.sampled_from(
            ["cpu", "memory", "count", "timeout", "retries", "exec", "platform", "other"]
        ),
        st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=8),
    )
)
@examples(40)
def test_no_value_of_a_manifest_goes_missing(values: dict[str, str]) -> None:
    lines = "".join(f'{key}: "{value}"\n' for key, value in values.items())
    text = "type: Load Balanced Web Service\nimage:\n  port: 8000\n" + lines
    found = import_copilot(workspace({"copilot/web/manifest.yml": text}))
    told = [*(each.where for each in found.left), *(each.where for each in found.by_itself)]
    written = re.findall(r"copilot/web/manifest\.yml:\d+", found.text.partition("# Not taken")[0])
    for number in range(4, 4 + len(values)):
        assert f"copilot/web/manifest.yml:{number}" in {*told, *written}


def test_no_field_stands_twice_and_each_is_found() -> None:
    for kind, fields in FIELDS.items():
        paths = [field.path for field in fields]
        assert len(paths) == len(set(paths))
        for field in fields:
            path = tuple("x" if part in {"*", "**"} else part for part in field.path.split("."))
            assert field_of(kind, path) == field or field.path.endswith("**"), field.path


@pytest.mark.parametrize(
    ("text", "cron"),
    [
        ("@daily", "@daily"),
        ("@midnight", "@daily"),
        ("@yearly", "0 0 1 1 *"),
        ("0 9 * * 1-5", "0 9 * * 1-5"),
        ("@every 1m", "* * * * *"),
        ("@every 15m", "*/15 * * * *"),
        ("@every 1h", "@hourly"),
        ("@every 24h", "@daily"),
        ("@every 7h", None),
        ("@every 90m", None),
        ("rate(30 minutes)", "*/30 * * * *"),
        ("rate(1 day)", "@daily"),
        ("rate(5 days)", None),
        ("cron(0 18 ? * MON-FRI *)", "0 18 * * MON-FRI"),
        ("cron(0 18 ? * 2-6 *)", "0 18 * * 1-5"),
        ("cron(0 18 ? * 2-6 2027)", None),
        ("sometimes", None),
    ],
)
def test_schedules_are_said_in_cron_or_not_at_all(text: str, cron: str | None) -> None:
    assert as_cron(text) == cron

"""No key of the file is dropped: each changes what is rendered, or is said as a gap or a limit."""

from functools import cache
from typing import Any

import pytest

from fairway.core.build.files import build_files
from fairway.core.build.images import images
from fairway.core.detect.sources import Sources
from fairway.core.spec.model import (
    Alarm,
    Blue,
    Bucket,
    Cache,
    Canary,
    Database,
    Job,
    Limits,
    Network,
    Rolling,
    Scale,
    ScaleDown,
    Secret,
    Service,
    Site,
    Table,
    Timeouts,
    Workflow,
)
from fairway.core.spec.readers.table import keys
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import render, stacks
from fairway.targets.aws.render.commands import commands
from tests.targets.aws.shapes import app_of

REST = """
[database.db]
[cache.sessions]
[bucket.files]
[job.second]
command = "python -m second"
[job.third]
command = "python -m third"
[secret.OTHER]
[accounts]
a = "111111111111"
"""
# For each key of a kind, a value that is not its default.
VARIED: dict[str, tuple[type[Any], str, dict[str, str]]] = {
    "service.x": (
        Service,
        'asgi = "m:app"\npublic = true\n',
        {
            "asgi": '"n:app"',
            "wsgi": "",
            "script": "",
            "command": "",
            "factory": "true",
            "folder": '"sub"',
            "port": "9000",
            "public": "",
            "uses": '["db", "files"]',
            "before": '"migrate"',
            "build": '"make"',
            "replicas": '"4..5"',
            "sticky": "true",
            "release": '"blue_green"',
            "scale": '{ cpu = "60%" }',
            "off_hours": '{ replicas = 1, from = "22:00", to = "05:00" }',
            "timeouts": '{ drain = "10s" }',
            "limits": '{ body = "1 MB" }',
            "cache": '{ "/a/*" = "60s" }',
            "variables": '{ LEVEL = "1" }',
            "memory": '"2 GiB"',
            "cpu": "1",
            "kind": '"function"',
            "probe": "",
            "firewall": "true",
            "account": '"a"',
            "test": '"python smoke.py"',
            "warmup": '["/"]',
        },
    ),
    "job.x": (
        Job,
        'command = "python -m x"\n',
        {
            "command": '"python -m y"',
            "schedule": '"@daily"',
            "only_if_new": "",
            "on_new": '"files/in/"',
            "then": '"second"',
            "uses": '["db"]',
            "folder": '"sub"',
            "timeout": '"5m"',
            "retries": "1",
            "if_missed": "",
            "interruptible": "true",
            "memory": '"2 GiB"',
            "cpu": "1",
            "variables": '{ LEVEL = "1" }',
        },
    ),
    "database.x": (
        Database,
        "",
        {
            "engine": '"sqlite"',
            "url": '"env:URL"',
            "size": '"db.t4g.large"',
            "storage": '"50 GiB"',
            "zones": "2",
            "read_replicas": "1",
            "replica_zones": "2",
            "backups": '"9d"',
            "serverless": "true",
            "rotate": '"30d"',
        },
    ),
    "cache.x": (
        Cache,
        "",
        {
            "enabled": "false",
            "url": '"env:URL"',
            "size": '"cache.t4g.small"',
            "snapshots": "false",
        },
    ),
    "bucket.x": (Bucket, "", {"tiering": "true", "versions": "true", "keep": '"30d"'}),
    "table.x": (Table, 'key = "id"\n', {"key": '"other"', "sort": '"at"', "expires": '"end"'}),
    "secret.KEY": (Secret, "", {"rotate": '"30d"', "generate": "true"}),
    "workflow.x": (
        Workflow,
        'steps = ["second"]\n',
        {"steps": '["second", "third"]', "schedule": '"@daily"'},
    ),
    "site.x": (
        Site,
        'root = "site"\n',
        {
            "root": "",  # in the lines that deploy, not in a template
            "build": '"make"',
            "calls": "",
            "firewall": "true",
            "account": '"a"',
        },
    ),
    "network.x": (
        Network,
        'peer = "vpc-0123456789abcdef0"\naddresses = "10.40.0.0/16"\n',
        {
            "peer": '"vpc-0123456789abcdef1"',
            "transit": "",
            "addresses": '["10.40.0.0/16", "10.41.0.0/16"]',
            "region": '"eu-west-1"',
            "role": '"arn:aws:iam::222222222222:role/accepts-peering"',
        },
    ),
    "alarm": (
        Alarm,
        'notify = "mailto:a@example.org"\n',
        {
            "error_rate": '"> 2%"',
            "p95": '"> 1s"',
            "memory": '"> 70%"',
            "cpu": '"> 90%"',
            "notify": '"mailto:b@example.org"',
        },
    ),
}
# What no single line can show here: `calls` needs a service, `probe` a command, and so on.
TOGETHER: dict[str, tuple[str, str]] = {
    "service.x.wsgi": ('[service.x]\nasgi = "m:app"', '[service.x]\nwsgi = "m:app"'),
    "service.x.script": ('[service.x]\nasgi = "m:app"', '[service.x]\nscript = "m.py"'),
    "service.x.command": ('[service.x]\nasgi = "m:app"', '[service.x]\ncommand = "m"'),
    "service.x.public": (
        '[service.x]\nasgi = "m:app"',
        '[service.x]\nasgi = "m:app"\npublic = true',
    ),
    "service.x.probe": (
        '[service.x]\ncommand = "m"\npublic = true',
        '[service.x]\ncommand = "m"\npublic = true\nprobe = "/up"',
    ),
    "job.x.only_if_new": (
        '[job.x]\ncommand = "m"\nschedule = "@daily"',
        '[job.x]\ncommand = "m"\nschedule = "@daily"\nonly_if_new = "files/"',
    ),
    "job.x.if_missed": (
        '[job.x]\ncommand = "m"\nschedule = "@daily"',
        '[job.x]\ncommand = "m"\nschedule = "@daily"\nif_missed = "skip"',
    ),
    "network.x.transit": (
        '[network.x]\npeer = "vpc-0123456789abcdef0"\naddresses = "10.40.0.0/16"',
        '[network.x]\ntransit = "tgw-0123456789abcdef0"\naddresses = "10.40.0.0/16"',
    ),
    "site.x.calls": (
        '[site.x]\nroot = "s"\n[service.api]\nasgi = "m:app"\npublic = true',
        '[site.x]\nroot = "s"\ncalls = ["api"]\n[service.api]\nasgi = "m:app"\npublic = true',
    ),
}


# Keys of tables inside a service.
INSIDE: dict[str, tuple[type[Any], dict[str, str]]] = {
    "timeouts": (
        Timeouts,
        {
            "request": '"9s"',
            "drain": '"9s"',
            "startup": '"9s"',
            "database": '"9s"',
            "cache": '"9s"',
        },
    ),
    "limits": (Limits, {"body": '"2 MB"', "per_ip": '"5/s"', "per_user": '"5/s"'}),
    "scale": (
        Scale,
        {
            "cpu": '"60%"',
            "memory": '"60%"',
            "queue": "7",
            "requests": "50",
            "up_after": '"3m"',
            "down": "{ cpu = '9%' }",
        },
    ),
    "scale.down": (ScaleDown, {"cpu": '"9%"', "memory": '"9%"', "after": '"9m"'}),
    "release.rolling": (Rolling, {"batch": "2", "surge": "3"}),
    "release.blue_green": (Blue, {"keep": '"1h"'}),
    "release.canary": (Canary, {"steps": '["5% for 5m"]', "probes": '["/"]'}),
}
CODE = Sources("shop", {"requirements.txt": "fastapi"}, frozenset({"package.json"}))
PUBLIC = '[service.x]\nasgi = "m:app"\npublic = true\nuses = ["db", "memory"]\n'
USED = "\n[database.db]\n[cache.memory]\n"


@cache
def seen(text: str) -> tuple[object, ...]:
    """All that is said of a file of these lines; many cases vary the same one."""
    of = app_of(text)
    made = build_files("shop", images(of, CODE, 8000), CODE, version="1", runtime_version="1")
    lines = commands(of, stacks(of), "infra")
    return (dict(render(of)), dict(made), [str(gap) for gap in gaps(of)], lines)


def cases() -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for table, (_, base, values) in VARIED.items():
        for key, value in values.items():
            if value:
                kept = "".join(
                    f"{line}\n" for line in base.splitlines() if not line.startswith(f"{key} ")
                )
                changed = f"[{table}]\n{kept}{key} = {value}\n"
                found.append((f"{table}.{key}", f"[{table}]\n{base}", changed))
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *(pytest.param(before, after, id=key) for key, before, after in cases()),
        *(pytest.param(before, after, id=key) for key, (before, after) in TOGETHER.items()),
    ],
)
def test_a_key_that_changes_changes_what_is_rendered_or_said(before: str, after: str) -> None:
    web = "" if "service" in before else '[service.web]\nasgi = "m:app"\npublic = true\n'
    assert seen(before + "\n" + web + REST) != seen(after + "\n" + web + REST)


@pytest.mark.parametrize(
    ("table", "line"),
    [
        pytest.param(table, f"{table}.{key} = {value}", id=f"{table}.{key}")
        for table, (_, values) in INSIDE.items()
        for key, value in values.items()
    ],
)
def test_a_key_inside_a_service_does_too(table: str, line: str) -> None:
    release = table.removeprefix("release.")
    base = PUBLIC if release == table else f"{PUBLIC}release.{release} = {{}}\n"
    assert seen(base + USED) != seen(PUBLIC + line + USED)


@pytest.mark.parametrize("table", INSIDE)
def test_every_key_inside_a_service_has_been_thought_of(table: str) -> None:
    kind, values = INSIDE[table]
    assert set(keys(kind)) == set(values)


@pytest.mark.parametrize("table", VARIED)
def test_every_key_has_been_thought_of(table: str) -> None:
    kind, _, values = VARIED[table]
    assert set(keys(kind)) == set(values)

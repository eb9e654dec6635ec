"""The field's validators on every template: cfn-lint in one process, checkov where it is.

Checkov has an environment of its own (`uv tool install checkov`, or FAIRWAY_CHECKOV names the
program); without it its test is skipped.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairway.core.spec.model import App
from fairway.targets.aws.decide.releases import at_once
from fairway.targets.aws.render import choices_for, render
from tests.targets.aws.shapes import APPS, ENVIRONMENTS, app, app_of, beside

CHECKOV = os.environ.get("FAIRWAY_CHECKOV") or shutil.which("checkov")
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "aws.md"
# What checkov 3.3 says of the secure shape, and what we answer.
ANSWERED = {
    "CKV_AWS_16": "a replica inherits its source's encryption; cfn-lint, as AWS, wants it unsaid",
    "CKV_AWS_18": "the buckets of logs have none of their own: it would tell of itself for ever",
    "CKV_AWS_51": "all tags are immutable but `latest`, which R51 asks for and nothing deploys by",
    "CKV_AWS_86": "the CDN's log is a delivery beside it; checkov knows the older way alone",
    "CKV_AWS_260": "port 80 leads to HTTPS and to nothing else",
}
EVERYTHING = """
[variables]
DB_HOST = "${db.host}"
DB_PASSWORD = "${db.password}"
DB_URL = "postgresql+asyncpg://${db.user}:${db.password}@${db.host}:${db.port}/${db.name}"
BROKER = "redis://:${sessions.password}@${sessions.host}:${sessions.port}/1"
FILES = "${files.endpoint}/${files.name}"
WEB = "${web.url}/v1"
MADE_TOO = "x-${MADE}"
[service.web]
asgi = "w:app"
public = true
firewall = true
uses = ["api", "db", "sessions", "KEY", "MADE"]
release = { canary = ["20% for 5m", "40% for 5m", "60% for 5m", "80% for 5m"] }
scale = { requests = 50 }
[service.web.cache]
"/a/*" = "60s"
"/a/b/*" = "1h"
[service.api]
wsgi = "a:app"
uses = ["elsewhere", "state", "files"]
before = "sh -c 'migrate && seed'"
[service.node]
command = "node server.js --port $PORT"
public = true
release = "blue_green"
[worker.mails]
command = "celery worker"
uses = ["api", "db", "sessions", "KEY"]
before = "migrate"
replicas = "1..4"
interruptible = true
off_hours = { replicas = 1, from = "22:00", to = "05:00" }
[worker.clock]
command = "celery beat"
[service.light]
asgi = "light:app"
public = true
kind = "function"
release = { canary = ["10% for 15m"] }
uses = ["db", "sessions", "KEY", "files", "state"]
scale = { requests = 50 }
cache = { "/a/*" = "60s" }
[service.check]
command = "check"
kind = "function"
[site.page]
root = "site"
calls = ["web", "light"]
firewall = true
[job.load]
command = "python -m load"
on_new = "files/in/"
then = ["count", "mail"]
uses = ["files", "web"]
[job.count]
command = "python -m count"
schedule = "0 9 1 * MON"
retries = 0
[job.mail]
command = "python -m mail"
if_missed = "skip"
schedule = "@hourly"
[workflow.all]
steps = ["count", "mail"]
schedule = "@daily"
[database.db]
zones = 3
storage = "100 GiB"
[database.elsewhere]
url = "env:SHOP_URL"
[database.big]
serverless = true
zones = 2
[cache.sessions]
snapshots = false
[bucket.files]
versions = true
[table.state]
key = "id"
sort = "at"
expires = "ends"
[secret.KEY]
[secret.MADE]
generate = true
[network.office]
peer = "vpc-0123456789abcdef0"
addresses = ["10.40.0.0/16", "192.168.0.0/16"]
region = "eu-west-1"
role = "arn:aws:iam::222222222222:role/accepts-peering"
[network.plant]
transit = "tgw-0123456789abcdef0"
addresses = "172.20.0.0/14"
[network.old]
peer = "pcx-0123456789abcdef0"
addresses = "10.80.0.0/16"
[alarm]
cpu = "> 90%"
p95 = "> 500ms"
notify = ["https://example.org/hook", "mailto:a@example.org"]
"""


def findings(files: Sequence[Path]) -> list[str]:
    """What cfn-lint says of these templates, warnings too; rules are loaded once."""
    from cfnlint.api import ManualArgs
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    config = ConfigMixIn(
        [], **ManualArgs(regions=["us-east-1"], templates=[str(file) for file in files])
    )
    matches = Runner(config).run()
    return [f"{Path(match.filename or '').name}: {match}" for match in matches]


def written(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    for path, text in texts.items():
        (folder / path).write_text(text)
    return sorted(folder / path for path in texts)


def different() -> dict[str, str]:
    """The templates of all shapes and environments; of those that differ in names alone, one."""
    seen: dict[str, tuple[str, str]] = {}
    for name in APPS:
        for environment in ENVIRONMENTS:
            for path, text in render(app(name, environment)).items():
                bare = text.replace(name, "app").replace(environment, "environment")
                seen.setdefault(bare, (f"{name}-{environment}-{path}", text))
    return dict(seen.values())


def everything(of: App | None = None) -> dict[str, str]:
    """The templates of an app that says everything that can be said, and what only some choose.

    Services as a release brings them and as one is taken back.
    """
    of = of or app_of(EVERYTHING)
    choices = choices_for(of, egress="endpoints", processor="ARM64", builds="remote", traces="xray")
    beside_it = {path: json.dumps(template) for path, template in beside().items()}
    texts = {**render(of, choices), **beside_it}
    back = {f"back-{path}": at_once(text) for path, text in texts.items() if "service-" in path}
    return {**texts, **back}


@pytest.mark.real
@pytest.mark.alone
@pytest.mark.timeout(300)
@pytest.mark.validated("R139", "R196", "R256")
def test_cfn_lint_has_nothing_to_say_of_any_shape_and_environment(tmp_path: Path) -> None:
    assert findings(written(tmp_path, different())) == []


@pytest.mark.real
@pytest.mark.alone
@pytest.mark.timeout(300)
def test_cfn_lint_judges_everything_that_can_be_said_and_finds_a_fault(tmp_path: Path) -> None:
    texts = everything()
    texts["faulty.json"] = texts["network.json"].replace('"CidrBlock"', '"CidrBlok"')
    found = findings(written(tmp_path, texts))
    assert found
    assert [each for each in found if not each.startswith("faulty.json")] == []


def secure(of: App) -> App:
    """The app where its file leaves nothing out: two zones for all data, firewalls at the edge."""
    walled = {name: replace(each, firewall=True) for name, each in of.sites.items()}
    services = {
        name: replace(each, firewall=each.firewall or bool(each.cache))
        for name, each in of.services.items()
    }
    databases = {
        name: replace(each, zones=max(2, each.zones), replica_zones=2)
        for name, each in of.databases.items()
    }
    return replace(of, sites=walled, services=services, databases=databases)


def without_paths(text: str) -> str:
    """A template without the paths in SSM at which values of other stacks are.

    Checkov takes a path for the value: one of 40 letters is a secret key to it.
    """
    template: dict[str, Any] = json.loads(text)
    for each in template.get("Parameters", {}).values():
        if each["Type"].startswith("AWS::SSM::"):
            del each["Default"]
    return json.dumps(template)


def test_what_is_answered_is_what_the_guide_tells() -> None:
    told = re.findall(r"^\| (CKV_AWS_\d+) \|", GUIDE.read_text(), re.MULTILINE)
    assert told == sorted(ANSWERED, key=lambda each: int(each.rpartition("_")[2]))


@pytest.mark.real
@pytest.mark.timeout(300)
@pytest.mark.skipif(CHECKOV is None, reason="checkov is not here; see the head of this file")
def test_checkov_finds_what_is_answered_and_nothing_else(tmp_path: Path) -> None:
    texts = {name: render(secure(app(name, "production"))) for name in APPS}
    texts["everything"] = everything(secure(app_of(EVERYTHING)))
    for name, found in texts.items():
        (tmp_path / name).mkdir()
        written(tmp_path / name, {path: without_paths(text) for path, text in found.items()})
    assert CHECKOV is not None
    words = [CHECKOV, "-d", str(tmp_path), "--framework", "cloudformation", "--output", "json"]
    ended = subprocess.run(
        [*words, "--skip-download", "--quiet", "--compact"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    said: dict[str, Any] = json.loads(ended.stdout)
    assert said["summary"]["parsing_errors"] == 0
    failed = {
        each["check_id"]: f"{each['file_path']} {each['resource']}"
        for each in said["results"]["failed_checks"]
    }
    assert {check: at for check, at in failed.items() if check not in ANSWERED} == {}
    assert ANSWERED.keys() == failed.keys(), "an answer to nothing is taken off the list"

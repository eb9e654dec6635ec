"""`fairway` as users run it, a process of its own a verb, from the first deploy to the end.

What ministack lacks is left out on the way there (`between.py`), and is named here.
"""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fairway.targets.aws.account import Account
from tests.targets.aws.between import BUILD_LINE, LAST_LINE, Between, between
from tests.targets.aws.emulators import MINISTACK, REGION, account, ministack, tasks_that_end

pytestmark = [pytest.mark.real, pytest.mark.alone]

COMMAND = (sys.executable, "-m", "fairway.cli.main")
VERB_SECONDS = 120
IMAGE = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/shop-production"
DOMAIN = "shop.example.org"
KEY = "fairway/shop/production/secret/KEY"
FILE = """
app = "shop"
[service.web]
asgi = "shop:app"
public = true
replicas = 1
before = "migrate"
uses = ["KEY"]
[secret.KEY]
[bucket.files]
[job.count]
command = "python -m count"
"""
# What of this shop is left out for ministack; a type that it has by now fails its own test.
LEFT_OUT = {
    "network": {
        "AWS::EC2::EIP",
        "AWS::EC2::FlowLog",
        "AWS::EC2::NatGateway",
        "AWS::EC2::NetworkAcl",
        "AWS::EC2::NetworkAclEntry",
        "AWS::EC2::Route",
        "AWS::EC2::SubnetNetworkAclAssociation",
    },
    "service-web": {
        "AWS::CloudWatch::Alarm",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
    },
}


@dataclass(frozen=True, slots=True)
class Said:
    """How a verb ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Shop:
    """A project's folder, and somebody who is signed in at the emulator."""

    folder: Path
    environment: Mapping[str, str]
    account: Account
    changes: Between
    deploys: dict[str, Said] = field(default_factory=dict[str, Said])

    def __call__(self, verb: str, *words: str) -> Said:
        done = subprocess.run(
            [*COMMAND, verb, "-C", str(self.folder), "production", *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=VERB_SECONDS,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def deploy(self, tag: str) -> Said:
        return self("deploy", "--image", f"{IMAGE}:{tag}", "--domain", DOMAIN)

    def in_a_terminal(self, verb: str, *words: str, typed: str = "") -> Said:
        """The same where somebody sits, who has typed a line."""
        ours, theirs = pty.openpty()
        child = subprocess.Popen(
            [*COMMAND, verb, "-C", str(self.folder), "production", *words],
            env={**self.environment, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        )
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b"".join(iter(lambda: read(ours), b""))
        os.close(ours)
        return Said(child.wait(VERB_SECONDS), "", shown.decode())

    def status(self) -> dict[str, object]:
        found = self("status", "--json")
        assert found.code == 0, found.err
        said: dict[str, object] = json.loads(found.out)
        return said

    def image(self) -> str:
        """What serves, as ECS says."""
        ecs = self.account.client("ecs")
        (service,) = ecs.describe_services(cluster="shop-production", services=["web"])["services"]
        task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
        return str(task["taskDefinition"]["containerDefinitions"][0]["image"])


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", folder, *who, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side has gone
        return b""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose first deploy found a secret empty, and whose second is in service."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "fairway.toml").write_text(FILE)
    (folder / "requirements.txt").write_text("fastapi\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "a shop")
    nothing = str(folder / "none")
    programs = tmp_path_factory.mktemp("bin")  # no Docker, wherever this machine has it
    (programs / "git").symlink_to(shutil.which("git") or "/usr/bin/git")
    with ministack(tmp_path_factory.mktemp("ministack")) as at, between(at) as (url, changes):
        of = account(at)
        of.client("route53").create_hosted_zone(Name="example.org", CallerReference="1")
        variables = {
            "PATH": str(programs),
            "HOME": str(folder),
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": nothing,
            "AWS_SHARED_CREDENTIALS_FILE": nothing,
        }
        made = Shop(folder, variables, of, changes)
        with tasks_that_end(account(at), "shop-production", says="migrated"):
            made.deploys["empty"] = made.deploy("one")
            assert "no value yet" in made.deploys["empty"].err, made.deploys["empty"]
            of.client("secretsmanager").put_secret_value(SecretId=KEY, SecretString="value")
            image = f"{IMAGE}:one"
            words = ("--image", image, "--domain", DOMAIN)
            made.deploys["first"] = made.in_a_terminal("deploy", *words)
            yield made


def test_an_empty_secret_is_refused_before_any_task_waits_for_it(shop: Shop) -> None:
    said = shop.deploys["empty"]
    assert said.code == 1
    assert f"error: secret {KEY}: it has no value yet" in said.err
    assert "put-secret-value" in said.err
    assert "secrets failed" in said.err
    assert "balancer" not in said.err, "nothing after it began"


@pytest.mark.requirement("R139")
def test_a_deploy_ends_well_and_its_live_tree_stays(shop: Shop) -> None:
    said = shop.deploys["first"]
    assert said.code == 0, said.err
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.err).rpartition("shop · production")[2]
    for step, outcome in {
        "network": "unchanged",
        "secrets": "done",
        "balancer": "created",
        "before web": "done",
        "service web": "created",
        "job count": "created",
        "alarms": "created",
    }.items():
        assert re.search(rf"[✓○] {step} +\d+\.\d s +{outcome}", last), (step, last)
    assert "is in service; see `fairway status production`" in said.err
    assert shop.image() == f"{IMAGE}:one"


def test_what_was_left_out_for_the_emulator_is_known(shop: Shop) -> None:
    found = {
        name.removeprefix("shop-production-"): kinds
        for name, kinds in shop.changes.left_out.items()
        if kinds
    }
    assert found == LEFT_OUT
    lacking = {kind.partition(".")[0] for kind in MINISTACK.lacks}
    assert all(kinds & lacking for kinds in found.values())


def test_the_emulator_still_gives_an_empty_secret_a_version(shop: Shop) -> None:
    name = "fairway/lacking/empty"
    body = {"Resources": {"It": {"Type": "AWS::SecretsManager::Secret",
                                 "Properties": {"Name": name}}}}  # fmt: skip
    formation = shop.account.client("cloudformation")
    formation.create_stack(StackName="lacking", TemplateBody=json.dumps(body))
    found = shop.account.client("secretsmanager").describe_secret(SecretId=name)
    assert found["VersionIdsToStages"], "it is as AWS by now: between.py need not change it"


def test_the_same_again_changes_nothing_and_says_so(shop: Shop) -> None:
    tag = shop.image().rpartition(":")[2]
    said = shop.deploy(tag)
    assert said.code == 0, said.err
    assert re.search(r"nothing to do: revision \w+ is in service", said.err)
    assert "service web unchanged" in said.err


@pytest.mark.requirement("R147")
def test_a_bad_image_ends_in_exit_1_with_its_reason_and_last_lines(shop: Shop) -> None:
    before, image = shop.status(), shop.image()
    said = shop.deploy("bad")
    assert said.code == 1
    assert "ended: Essential container in task exited; web: exit code 1" in said.err
    assert LAST_LINE in said.err
    assert "error: service web: ECS deployment circuit breaker: tasks failed to start." in said.err
    assert f"Revision {before['revision']} serves as before." in said.err
    assert shop.image() == image
    after = shop.status()
    assert after["revision"] == before["revision"]
    assert after["held"] is None


def test_a_rollback_goes_to_the_release_before(shop: Shop) -> None:
    first = shop.status()["revision"]
    said = shop.deploy("two")
    assert said.code == 0, said.err
    assert "before web done" in said.err
    assert shop.image() == f"{IMAGE}:two"
    back = shop("rollback")
    assert back.code == 0, back.err
    assert f"revision {first} is in service" in back.err
    assert shop.image() == f"{IMAGE}:one"


def test_status_shows_where_people_reach_it_and_what_runs(shop: Shop) -> None:
    said = shop("status")
    assert said.code == 0, said.err
    first = said.out.splitlines()[0]
    assert first.startswith(f"shop  production  000000000000 {REGION}  https://{DOMAIN}")
    assert "● web  1 of 1 run" in said.out


@pytest.mark.requirement("R133")
def test_without_docker_aws_builds_the_image_of_the_commit(shop: Shop) -> None:
    shop.changes.fails_builds = True
    failed = shop("deploy")
    assert failed.code == 1
    assert "the image could not be built: failed in BUILD: Error while executing" in failed.err
    assert failed.err.count(BUILD_LINE) == 2, "when it came, and at the end"
    shop.changes.fails_builds = False
    said = shop("deploy")
    assert said.code == 0, said.err
    commit = git(shop.folder, "rev-parse", "HEAD")
    assert f"CodeBuild builds shop-production:{commit}" in said.err
    assert shop.image() == f"{IMAGE}:{commit}"
    again = shop("deploy")
    assert f"{commit} is in the registry already" in again.err
    assert "nothing to do" in again.err


def test_down_keeps_the_data_and_its_network(shop: Shop) -> None:
    refused = shop("down")
    assert refused.code == 2, refused
    assert "nobody is here to confirm" in refused.err
    said = shop("down", "--yes")
    assert said.code == 0, said.err
    assert "kept with its data: shop-production-network, shop-production-data" in said.err
    stacks = shop.account.client("cloudformation").describe_stacks()["Stacks"]
    left = {stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"} - {
        "lacking"
    }
    assert left == {f"shop-production-{name}" for name in ("fairway", "network", "data")}


def test_down_with_its_data_asks_for_the_name_and_leaves_nothing(shop: Shop) -> None:
    files = "shop-production-data-bucketfiles"
    s3 = shop.account.client("s3")
    (bucket,) = [
        each["Name"] for each in s3.list_buckets()["Buckets"] if each["Name"].startswith(files)
    ]
    s3.put_object(Bucket=bucket, Key="report.csv", Body=b"1")
    other = shop.in_a_terminal("down", "--delete-data", typed="staging\n")
    assert other.code == 130, other.err
    assert "Type production to delete all this" in other.err
    assert s3.head_bucket(Bucket=bucket)
    said = shop.in_a_terminal("down", "--delete-data", typed="production\n")
    assert said.code == 0, said.err
    assert f"{bucket}  1 objects, 1 with their older versions" in said.err
    assert f"{KEY}" in said.err
    assert "production is deleted with its data" in said.err
    assert s3.list_buckets()["Buckets"] == []
    names = [each["Name"] for each in
             shop.account.client("secretsmanager").list_secrets()["SecretList"]]  # fmt: skip
    assert KEY not in names
    stacks = shop.account.client("cloudformation").describe_stacks()["Stacks"]
    left = {stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"}
    assert left <= {"lacking"}
    assert "nothing of shop is deployed" in shop("status").err

"""An app in two accounts from the first deploy to its end, at ministack, which keeps them apart."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairway.core.problem import Problems
from fairway.targets.aws.account import Account
from fairway.targets.aws.course import Given, Result
from fairway.targets.aws.decide.progress import Beat, Ended
from fairway.targets.aws.deploying import deploy
from fairway.targets.aws.environment import Environment, Said
from fairway.targets.aws.erasing import erase
from fairway.targets.aws.looking import look
from fairway.targets.aws.losing import losses
from fairway.targets.aws.previewing import preview
from fairway.targets.aws.releasing import roll_back
from fairway.targets.aws.render import stacks
from fairway.targets.aws.takedown import cancel, take_down
from tests.targets.aws.between import between
from tests.targets.aws.emulators import MINISTACK, QUICK, REGION, account, ministack, reduced
from tests.targets.aws.shapes import app_of

pytestmark = [pytest.mark.real, pytest.mark.alone]

COMMAND = (sys.executable, "-m", "fairway.cli.main")
FRONT, BACK = "111111111111", "222222222222"
EDGE = "shop-production-edge-frontend"
SHOP = f"""
[site.page]
root = "site"
calls = ["api"]
account = "frontend"
[service.api]
asgi = "shop:app"
public = true
replicas = 1
account = "backend"
[bucket.files]
[environment.production.accounts]
frontend = "{FRONT}"
backend = "{BACK}"
"""


class Place:
    """The shop, with somebody who is signed in to both accounts."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        self.text = SHOP
        self.back, self.front = account(url, BACK), account(url, FRONT)
        self.beats: list[Beat] = []
        self.asked: list[str] = []

    def other(self, name: str) -> Account:
        self.asked.append(name)
        return {"frontend": self.front}[name]

    @property
    def environment(self) -> Environment:
        app = app_of(self.text)
        found = tuple(reduced(stack, MINISTACK)[0] for stack in stacks(app))
        return Environment(self.back, app, found, QUICK, self.beats.append, self.other)

    def deploy(self, tag: str = "one", domain: str | None = None) -> Result:
        self.beats.clear()
        environment = self.environment

        def others(name: str) -> Said:
            return (None if domain is None else f"{name}.example.net", None)

        given = Given(
            images=lambda at, asked: dict.fromkeys(asked, f"{at}:{tag}"),
            values=environment.values(domain=domain, zone=None, others=others),
            folder=self.folder,
        )
        return deploy(environment, given)

    def ended(self) -> dict[str, str]:
        return {beat.step: beat.outcome for beat in self.beats if isinstance(beat, Ended)}


def stacks_of(of: Account) -> set[str]:
    """The names of the stacks that stand in an account, in both regions."""
    return {
        str(each["StackName"])
        for region in (None, "us-east-1")
        for each in of.client("cloudformation", region).pages("describe_stacks", "Stacks")
        if each["StackStatus"] != "DELETE_COMPLETE"
    }


def buckets_of(of: Account) -> list[str]:
    return [str(each["Name"]) for each in of.client("s3").list_buckets()["Buckets"]]


def parameters_of(of: Account, stack: str, region: str | None = None) -> dict[str, str]:
    formation = of.client("cloudformation", region)
    (found,) = formation.describe_stacks(StackName=stack)["Stacks"]
    return {each["ParameterKey"]: each["ParameterValue"] for each in found["Parameters"]}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack(tmp_path_factory.mktemp("ministack")) as at:
        yield at


@pytest.fixture(scope="module")
def place(url: str, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The shop, deployed once."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "site").mkdir()
    (folder / "site/index.html").write_text("<p>one")
    (folder / "site/.env").write_text("SECRET=1")
    made = Place(url, folder)
    for of, zone in ((made.back, "example.org"), (made.front, "example.net")):
        of.client("route53").create_hosted_zone(Name=zone, CallerReference=zone)
    assert made.deploy(domain="shop.example.org").outcome == "promoted"
    return made


@pytest.mark.requirement("R204", "R2")
def test_a_deploy_makes_each_stack_in_its_own_account(place: Place) -> None:
    front, back = stacks_of(place.front), stacks_of(place.back)
    assert front == {EDGE}
    assert EDGE not in back
    assert {"shop-production-network", "shop-production-service-api"} <= back


@pytest.mark.requirement("R204", "R7")
def test_each_account_is_given_its_own_domain_and_the_other_s_name(place: Place) -> None:
    edge = parameters_of(place.front, EDGE, "us-east-1")
    assert edge["Domain"] == "frontend.example.net"
    assert edge["ServicesDomain"] == "shop.example.org"
    balancer = parameters_of(place.back, "shop-production-balancer")
    assert balancer["Domain"] == "shop.example.org"
    assert balancer["FrontendDomain"] == "frontend.example.net"
    assert edge["HostedZoneId"] != balancer["HostedZoneId"]


@pytest.mark.requirement("R204")
def test_the_site_s_files_are_sent_to_the_bucket_in_its_account(place: Place) -> None:
    ssm = place.front.client("ssm", "us-east-1")
    path = "/fairway/shop/production/site/page/bucket"
    bucket = ssm.get_parameter(Name=path)["Parameter"]["Value"]
    assert bucket in buckets_of(place.front)
    assert bucket not in buckets_of(place.back)
    page = place.front.client("s3", "us-east-1").get_object(Bucket=bucket, Key="index.html")
    assert page["Body"].read() == b"<p>one"
    s3 = place.front.client("s3", "us-east-1")
    keys = {each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert keys == {"index.html", "fairway.json"}
    told = s3.get_object(Bucket=bucket, Key="fairway.json")
    assert told["Body"].read() == b'{"API_URL": "https://shop.example.org"}'
    assert place.deploy().outcome == "unchanged"
    (place.folder / "site/index.html").write_text("<p>two")
    assert place.deploy().outcome == "promoted"
    assert place.ended()["site page"] == "updated"
    page = place.front.client("s3", "us-east-1").get_object(Bucket=bucket, Key="index.html")
    assert page["Body"].read() == b"<p>two"


@pytest.mark.requirement("R204")
def test_status_plan_and_rollback_know_both_accounts(place: Place) -> None:
    standing = look(place.environment)
    assert standing.url == "https://frontend.example.net"
    statuses = {each.name: each.status for each in standing.stacks}
    assert statuses["edge-frontend"].endswith("_COMPLETE")
    assert preview(place.environment, {}, with_drift=False).changes == ()
    place.text = SHOP.replace('root = "site"', 'root = "site"\nfirewall = true')
    try:
        changes = preview(place.environment, {}, with_drift=False).changes
        assert "edge" in {each.kind for each in changes}
    finally:
        place.text = SHOP
    assert place.deploy("two").outcome == "promoted"
    place.asked.clear()
    assert roll_back(place.environment, None).outcome == "promoted"
    assert place.asked == [], "a release changes nothing of the other account"
    assert not cancel(place.environment, say=lambda text: None)


@pytest.mark.requirement("R204")
def test_another_account_than_the_file_says_is_refused_before_anything_changes(
    place: Place, url: str
) -> None:
    strange = Place(url, place.folder)
    strange.front = account(url, "333333333333")
    given = Given(images=None, values={}, folder=place.folder)
    with pytest.raises(Problems, match="frontend is account 111111111111") as raised:
        deploy(strange.environment, given)
    assert [each.where for each in raised.value.problems] == ["accounts.frontend"]
    assert strange.beats == []


@pytest.mark.requirement("R204")
def test_down_takes_both_accounts_and_then_their_data(place: Place) -> None:
    """The last test here: nothing stands after it."""
    gone = take_down(place.environment)
    assert "edge-frontend" in gone
    assert stacks_of(place.front) == set()
    assert buckets_of(place.front), "its files stay"
    lost = {each.id for each in losses(place.environment) if each.what == "bucket"}
    assert set(buckets_of(place.front)) <= lost
    erase(place.environment)
    assert buckets_of(place.front) == []
    assert buckets_of(place.back) == []
    assert stacks_of(place.back) == set()


# -- As users run it ---------------------------------------------------------------------------

IMAGE = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/shop-production:one"
PROFILES = f"""
[profile frontend]
aws_access_key_id = {FRONT}
aws_secret_access_key = test
"""


@pytest.mark.timeout(240)
@pytest.mark.requirement("R204")
def test_the_command_line_takes_the_profiles_and_domains_of_the_script(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text("<p>one")
    (tmp_path / "requirements.txt").write_text("fastapi\n")
    text = SHOP.replace(BACK, "0" * 12)
    (tmp_path / "fairway.toml").write_text(f'app = "shop"\n{text}')
    (tmp_path / "config").write_text(PROFILES)
    (tmp_path / "ministack").mkdir()
    with ministack(tmp_path / "ministack") as at, between(at) as (url, _):
        for of, zone in ((account(at), "example.org"), (account(at, FRONT), "example.net")):
            of.client("route53").create_hosted_zone(Name=zone, CallerReference=zone)
        environment = {
            "PATH": os.defpath,
            "HOME": str(tmp_path),
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        }

        def call(verb: str, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                [*COMMAND, verb, "-C", str(tmp_path), "production", *words],
                env={**environment, **more},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )

        words = ("--image", IMAGE, "--domain", "shop.example.org")
        nobody = call("deploy", *words)
        assert nobody.returncode == 1
        assert "export FRONTEND_PROFILE=" in nobody.stderr
        assert stacks_of(account(at)) == set(), "nothing was begun"
        there = {"FRONTEND_PROFILE": "frontend"}
        done = call("deploy", *words, **there, FRONTEND_DOMAIN="example.net")
        assert done.returncode == 0, done.stderr
        assert stacks_of(account(at, FRONT)) == {EDGE}
        status = call("status", "--json", **there)
        assert json.loads(status.stdout)["url"] == "https://example.net", status.stderr
        again = call("deploy", *words, **there)
        assert "nothing to do" in again.stderr, again.stderr
        plan = call("plan", "--online", **there)
        assert "0 to create" in plan.stdout or "nothing" in plan.stdout, plan.stdout + plan.stderr
        down = call("down", "--yes", **there)
        assert down.returncode == 0, down.stderr
        assert stacks_of(account(at, FRONT)) == set()

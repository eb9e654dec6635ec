"""An environment is deleted with its data, at ministack: what is lost is named, snapshots stay."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fairway.core.problem import Problem, Problems
from fairway.targets.aws import kept
from fairway.targets.aws.account import Account, Client, Refused
from fairway.targets.aws.course import Given
from fairway.targets.aws.deploying import deploy
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.erasing import Erased, delete_versions, erase
from fairway.targets.aws.losing import losses
from fairway.targets.aws.render import stacks
from fairway.targets.aws.store import Store
from fairway.targets.aws.takedown import take_down
from tests.targets.aws.emulators import MINISTACK, QUICK, account, ministack, reduced
from tests.targets.aws.shapes import app_of
from tests.targets.aws.test_aws_running import Api

pytestmark = [pytest.mark.real, pytest.mark.alone]

SHOP = """
[service.web]
asgi = "shop:app"
replicas = 1
uses = ["db", "files", "items", "KEY"]
[database.db]
engine = "postgres"
[bucket.files]
[table.items]
key = "id"
[secret.KEY]
generate = true
"""
BUCKET = "AWS::S3::Bucket"
KINDS = ("stacks", "buckets", "tables", "secrets", "registries", "databases")
EMPTY: dict[str, list[str]] = {kind: [] for kind in KINDS}
When = Callable[[dict[str, Any]], bool]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack(tmp_path_factory.mktemp("ministack")) as at:
        yield at


@pytest.fixture
def environment(url: str) -> Iterator[Environment]:
    """A shop in production, with objects, older versions, and a deleted object."""
    app = app_of(SHOP)
    found = tuple(reduced(stack, MINISTACK)[0] for stack in stacks(app))
    made = Environment(account(url), app, found, QUICK)
    given = Given(
        images=lambda at, asked: dict.fromkeys(asked, f"{at}:one"), values={}, folder=Path()
    )
    assert deploy(made, given).outcome == "promoted"
    s3, bucket = made.account.client("s3"), one(made, "bucket/files")
    for key in ("a", "a", "b", "c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    s3.delete_object(Bucket=bucket, Key="c")
    yield made
    if made.store() is not None:
        erase(made)


def one(environment: Environment, key: str) -> str:
    return environment.needed(*key.split("/"))


def left(environment: Environment) -> dict[str, list[str]]:
    """What is at the emulator still."""
    of = environment.account
    found = of.client("cloudformation").describe_stacks()["Stacks"]
    return {
        "stacks": [each["StackName"] for each in found if each["StackStatus"] != "DELETE_COMPLETE"],
        "buckets": [each["Name"] for each in of.client("s3").list_buckets()["Buckets"]],
        "tables": of.client("dynamodb").list_tables()["TableNames"],
        "secrets": [
            each["Name"] for each in of.client("secretsmanager").list_secrets()["SecretList"]
        ],
        "registries": [
            each["repositoryName"]
            for each in of.client("ecr").describe_repositories()["repositories"]
        ],
        "databases": [
            each["DBInstanceIdentifier"]
            for each in of.client("rds").describe_db_instances()["DBInstances"]
        ],
    }


def nothing_is_left(environment: Environment) -> bool:
    return left(environment) == EMPTY


class Interrupted(Account):
    """Somebody who is stopped at one call, once."""

    def __init__(self, of: Account, service: str, verb: str, when: When) -> None:
        super().__init__(of.session, of.region, of.who, of.number)
        self.service, self.verb, self.when = service, verb, when

    def client(self, service: str, region: str | None = None) -> Client:
        of = super().client(service, region)
        if service != self.service:
            return of
        account = self

        class Stopped(Client):
            def __getattr__(self, name: str) -> Callable[..., Any]:
                call: Callable[..., Any] = getattr(of, name)

                def asking(**arguments: Any) -> Any:
                    if name == account.verb and account.when(arguments):
                        raise KeyboardInterrupt
                    return call(**arguments)

                return asking

            def pages(self, operation: str, key: str, **arguments: Any) -> list[Mapping[str, Any]]:
                return of.pages(operation, key, **arguments)

        return Stopped(of, account.region)


def interrupted(
    environment: Environment, service: str, verb: str, when: When = bool
) -> Environment:
    account = Interrupted(environment.account, service, verb, when)
    return Environment(account, environment.app, environment.stacks, QUICK)


def test_what_is_lost_is_named_with_its_size(environment: Environment) -> None:
    found = {each.id: each for each in losses(environment)}
    bucket = found[one(environment, "bucket/files")]
    assert (bucket.what, bucket.size) == ("bucket", "2 objects, 4 with their older versions")
    database = found[one(environment, "database/db/instance")]
    assert database.what == "database"
    assert database.size.endswith("GiB; a final snapshot stays")
    assert found[one(environment, "table/items")].size == "0 items at the last count"
    assert {each.what for each in found.values()} == {
        "bucket", "database", "registry", "secret", "table"
    }  # fmt: skip


@pytest.mark.requirement("R246")
def test_all_goes_but_the_final_snapshot_and_the_key_that_reads_it(
    environment: Environment,
) -> None:
    rds, database = environment.account.client("rds"), one(environment, "database/db/instance")
    (before,) = rds.describe_db_instances(DBInstanceIdentifier=database)["DBInstances"]
    assert before["DeletionProtection"], "in production nobody deletes it by mistake"
    found = erase(environment)
    assert nothing_is_left(environment), left(environment)
    (snapshot,) = rds.describe_db_snapshots(DBInstanceIdentifier=database)["DBSnapshots"]
    assert found.snapshots == (snapshot["DBSnapshotIdentifier"],)
    assert (len(found.keys), found.without, found.ending) == (1, (), ())
    kms = environment.account.client("kms")
    assert kms.describe_key(KeyId=found.keys[0])["KeyMetadata"]["KeyState"] == "Enabled"


@pytest.mark.parametrize(
    ("service", "verb"),
    [
        ("rds", "modify_db_instance"),
        ("s3", "delete_objects"),
        ("dynamodb", "delete_table"),
        ("secretsmanager", "delete_secret"),
        ("s3", "delete_bucket"),
    ],
)
def test_interrupted_anywhere_it_lets_go_and_goes_on_when_called_again(
    environment: Environment, service: str, verb: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        erase(interrupted(environment, service, verb))
    assert environment.opened().holder() is None
    assert not nothing_is_left(environment)
    assert erase(environment).snapshots
    assert nothing_is_left(environment), left(environment)


def test_interrupted_before_its_last_deletion_only_that_is_left(environment: Environment) -> None:
    stopped = interrupted(
        environment,
        "cloudformation",
        "delete_stack",
        lambda said: str(said["StackName"]).endswith("-fairway"),
    )
    with pytest.raises(KeyboardInterrupt):
        erase(stopped)
    assert left(environment) == {**EMPTY, "stacks": ["shop-production-fairway"]}
    assert losses(environment) == ()
    assert erase(environment) == Erased()
    with pytest.raises(Problems, match="nothing of shop is deployed"):
        environment.opened()


def test_what_fairway_keeps_was_deleted_by_hand_and_it_says_what_is_left(
    environment: Environment,
) -> None:
    bucket = environment.opened().bucket
    s3 = environment.account.client("s3")
    delete_versions(s3, bucket)
    s3.delete_bucket(Bucket=bucket)
    with pytest.raises(Problems, match=r"and these stacks stand: .*shop-production-data"):
        erase(environment)
    place = {"LocationConstraint": "eu-central-1"}
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)


def test_what_a_down_left_is_found_though_no_stack_names_it(environment: Environment) -> None:
    take_down(environment)
    assert {each.what for each in losses(environment)} >= {"bucket", "database", "secret"}
    noted = kept.read(environment.opened())
    assert noted == ()  # this shop's services keep nothing
    erase(environment)
    assert nothing_is_left(environment), left(environment)


def test_what_was_written_down_is_deleted_though_its_stack_is_gone(
    environment: Environment,
) -> None:
    s3 = environment.account.client("s3")
    s3.create_bucket(
        Bucket="left-behind", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    s3.put_object(Bucket="left-behind", Key="index.html", Body=b"")
    store = environment.opened()
    store.write(
        "kept.json",
        f'[{{"type": "{BUCKET}", "id": "left-behind", "policy": "Retain", "region": ""}}]',
    )
    assert "left-behind" in {each.id for each in losses(environment)}
    erase(environment)
    assert nothing_is_left(environment), left(environment)


def test_the_log_of_the_cdn_stays_until_it_is_named_and_deleted_in_its_own_region(
    url: str, tmp_path: Path
) -> None:
    of = account(url)
    of.client("route53").create_hosted_zone(Name="example.org", CallerReference="1")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<p>hello")
    app = app_of('[site.page]\nroot = "site"')
    found = tuple(reduced(stack, MINISTACK)[0] for stack in stacks(app))
    made = Environment(of, app, found, QUICK)
    values = made.values(domain="shop.example.org", zone=None)
    given = Given(images=lambda at, asked: {}, values=values, folder=tmp_path)
    assert deploy(made, given).outcome == "promoted"
    (edge,) = (each for each in found if each.name == "edge")
    (log,) = (
        each for each in kept.of_stack(made, edge) if each.type == BUCKET and "logs" in each.id
    )
    assert log.region == "us-east-1"
    s3 = of.client("s3", "us-east-1")
    s3.put_object(Bucket=log.id, Key="AWSLogs/000000000000/CloudFront/E1.gz", Body=b"x")
    take_down(made)
    assert log in kept.read(made.opened()), "no stack names it any more"
    sizes = {each.id: each.size for each in losses(made)}
    assert sizes[log.id] == "1 objects, 1 with their older versions"
    erase(made)
    assert nothing_is_left(made), left(made)


def test_a_bucket_that_will_not_be_emptied_says_why() -> None:
    page = {"Versions": [{"Key": "a", "VersionId": "1"}]}
    errors = {"Errors": [{"Key": "a", "Message": "Access Denied"}]}
    s3 = Api(list_object_versions=page, delete_objects=errors)
    with pytest.raises(Problems, match="1 objects stay: a: Access Denied"):
        delete_versions(s3, "files")  # type: ignore[arg-type] # answers like a client


def test_a_holder_is_none_once_the_bucket_is_gone() -> None:
    def gone() -> dict[str, Any]:
        raise Refused(Problem("s3", "gone"), code="NoSuchBucket")

    class Gone(Account):
        def client(self, service: str, region: str | None = None) -> Any:
            return Api(get_object=gone)

    assert Store(Gone(None, "eu-central-1"), "shop", QUICK).holder() is None

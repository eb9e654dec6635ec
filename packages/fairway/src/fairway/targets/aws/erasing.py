"""Deletes an environment with its data: what `fairway down ENV --delete-data` does.

The order: what serves, then the data's stack (CloudFormation takes the last snapshot of each
database and cache), then what that stack leaves, then the network, last what Fairway keeps. What is
to go is written down first: interrupted and called again, it goes on. Final snapshots stay, and
with them the key without which nobody could read them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from fairway.core.problem import Problem, Problems
from fairway.targets.aws import kept
from fairway.targets.aws.account import Account, Client, Refused
from fairway.targets.aws.course import stepping
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.kept import Kept
from fairway.targets.aws.losing import GONE
from fairway.targets.aws.takedown import standing_stacks, take_stacks
from fairway.targets.aws.waiting import until

__all__ = ["Erased", "erase"]

KEY_DAYS = 30  # before a key is gone for good; until then it can be brought back
TABLE_SECONDS = 600.0
# Balancers and buckets write their logs for some minutes more, into a bucket that is to go.
EMPTIED_MOST = 5
SNAPSHOT = "Snapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What is left: snapshots, and the keys that they can be read with.

    `without` are databases and caches that left none; `ending` are keys that end in thirty days.
    """

    snapshots: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    ending: tuple[str, ...] = ()


def erase(environment: Environment) -> Erased:
    """Delete all of it, data too. Raises `Problems`; what was deleted until then is gone."""
    store = environment.opened()
    where = environment.app.environment
    if not is_there(environment, store.bucket):  # it was interrupted just before its end
        see_nothing_stands(environment, store.bucket)
        environment.formation().delete(environment.own, "fairway")
        return Erased()
    with store.held(f"down {where} --delete-data", where):
        going, staying = standing_stacks(environment)
        take_stacks(environment, store, going)
        for stack in staying:
            kept.note(environment, store, stack)
        known = kept.read(store)
        with stepping(environment, "protection") as end:
            lift(environment, known)
            end("done")
        take_stacks(environment, store, [each for each in staying if each.name == "data"])
        for each in known:
            delete(environment, each)
        take_stacks(environment, store, [each for each in staying if each.name == "network"])
        left = leftovers(environment, known)
        with stepping(environment, "fairway") as end:
            # The bucket before its stack: while the stack is there, the next call finds both.
            empty_bucket(environment.account, store.bucket, None)
            environment.formation().delete(environment.own, "fairway")
            end("done")
    return left


def see_nothing_stands(environment: Environment, bucket: str) -> None:
    """Raise `Problems` where stacks stand and what Fairway keeps of them is gone."""
    left = [stack.stack_name for part in standing_stacks(environment) for stack in part]
    if left:
        what = f"its bucket {bucket} is gone, and these stacks stand: {', '.join(left)}"
        mend = (
            "Somebody deleted it by hand, so nobody can hold the environment while it goes. "
            "Delete these stacks in CloudFormation, then call again."
        )
        where = f"fairway down {environment.app.environment} --delete-data"
        raise Problems([Problem(where, what, mend)], exit_code=1)


def is_there(environment: Environment, bucket: str) -> bool:
    """Whether a bucket is there."""
    try:
        environment.account.client("s3").head_bucket(Bucket=bucket)
    except Refused as refused:
        if refused.code not in GONE:
            raise
        return False
    return True


def lift(environment: Environment, known: Sequence[Kept]) -> None:
    """Switch the databases' own protection off: their stack could not be deleted."""
    rds = environment.account.client("rds")
    for each in known:
        match each.type:
            case "AWS::RDS::DBInstance":
                off(rds.modify_db_instance, DBInstanceIdentifier=each.id)
            case "AWS::RDS::DBCluster":
                off(rds.modify_db_cluster, DBClusterIdentifier=each.id)
            case _:
                pass


def off(modify: Callable[..., object], **which: str) -> None:
    """Switch the protection of one off, if it is there still."""
    unless_gone(partial(modify, **which, DeletionProtection=False, ApplyImmediately=True))


def delete(environment: Environment, each: Kept) -> None:
    """Delete what its stack has left; what is gone already is as well."""
    act = deletion(environment, each)
    if act is None:
        return
    with stepping(environment, f"{each.type.rpartition('::')[2].lower()} {each.id}") as end:
        end("done" if unless_gone(act) else "unchanged")


def deletion(environment: Environment, each: Kept) -> Callable[[], object] | None:
    """What deletes it; None where its stack does, or the key, which snapshots may need."""
    match each.type:
        case "AWS::S3::Bucket":
            account = environment.account_called(each.account)
            return partial(empty_bucket, account, each.id, each.region or None)
        case "AWS::DynamoDB::Table":
            return partial(delete_table, environment, each.id)
        case "AWS::SecretsManager::Secret":
            # At once: within a recovery window a new deploy could not make it again.
            return partial(
                environment.account.client("secretsmanager").delete_secret,
                SecretId=each.id,
                ForceDeleteWithoutRecovery=True,
            )
        case "AWS::ECR::Repository":
            return partial(
                environment.account.client("ecr").delete_repository,
                repositoryName=each.id,
                force=True,
            )
        case _:
            return None


def unless_gone(act: Callable[[], object]) -> bool:
    """Do it; whether there was anything to do it with."""
    try:
        act()
    except Refused as refused:
        if refused.code not in GONE:
            raise
        return False
    return True


def empty_bucket(account: Account, bucket: str, region: str | None) -> None:
    """Delete every version of every object, then the bucket."""
    s3 = account.client("s3", region)
    for turn in range(EMPTIED_MOST):
        delete_versions(s3, bucket)
        try:
            s3.delete_bucket(Bucket=bucket)
        except Refused as refused:
            if refused.code != "BucketNotEmpty" or turn == EMPTIED_MOST - 1:
                raise
        else:
            return


def delete_versions(s3: Client, bucket: str) -> None:
    """Delete what a bucket holds, a thousand at a time, from the start each time."""
    while True:
        page = s3.list_object_versions(Bucket=bucket)
        found = [
            {"Key": each["Key"], "VersionId": each["VersionId"]}
            for kind in ("Versions", "DeleteMarkers")
            for each in page.get(kind, ())
        ]
        if not found:
            return
        said = s3.delete_objects(Bucket=bucket, Delete={"Objects": found, "Quiet": True})
        if errors := said.get("Errors"):
            why = f"{errors[0].get('Key')}: {errors[0].get('Message') or errors[0].get('Code')}"
            problem = Problem(f"bucket {bucket}", f"{len(errors)} objects stay: {why}")
            raise Problems([problem], exit_code=1)


def delete_table(environment: Environment, name: str) -> None:
    """Delete a table, after its protection."""
    dynamo = environment.account.client("dynamodb")
    if dynamo.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        dynamo.update_table(TableName=name, DeletionProtectionEnabled=False)

    def is_ready() -> bool:
        return bool(dynamo.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")

    until(environment.clock, TABLE_SECONDS, is_ready, waiting_for=f"the table {name}")
    dynamo.delete_table(TableName=name)


def leftovers(environment: Environment, known: Sequence[Kept]) -> Erased:
    """The snapshots that were taken; the key stays with them, else it ends by itself."""
    account = environment.account
    found = {each: snapshots(environment, each) for each in known if each.policy == SNAPSHOT}
    keys = tuple(each.id for each in known if each.type == "AWS::KMS::Key")
    ending: list[str] = []
    if not any(found.values()):
        kms = account.client("kms")
        ending += [key for key in keys if unless_gone(partial(end_key, kms, key))]
    return Erased(
        snapshots=tuple(name for its in found.values() for name in its),
        without=tuple(each.id for each, its in found.items() if not its),
        keys=tuple(key for key in keys if key not in ending),
        ending=tuple(ending),
    )


def end_key(kms: Client, key: str) -> None:
    """Have a key end, where it does not already."""
    if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion":
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DAYS)


def snapshots(environment: Environment, each: Kept) -> tuple[str, ...]:
    """The snapshots of a database or a cache that outlive it."""
    rds = environment.account.client("rds")
    match each.type:
        case "AWS::RDS::DBInstance":
            found = rds.pages(
                "describe_db_snapshots",
                "DBSnapshots",
                DBInstanceIdentifier=each.id,
                SnapshotType="manual",
            )
            return tuple(str(one["DBSnapshotIdentifier"]) for one in found)
        case "AWS::RDS::DBCluster":
            found = rds.pages(
                "describe_db_cluster_snapshots",
                "DBClusterSnapshots",
                DBClusterIdentifier=each.id,
                SnapshotType="manual",
            )
            return tuple(str(one["DBClusterSnapshotIdentifier"]) for one in found)
        case "AWS::ElastiCache::ReplicationGroup":
            cache = environment.account.client("elasticache")
            found = cache.pages("describe_snapshots", "Snapshots", ReplicationGroupId=each.id)
            return tuple(str(one["SnapshotName"]) for one in found)
        case _:
            return ()

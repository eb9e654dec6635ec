"""Says what `down --delete-data` loses: each thing with its size. It only reads."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fairway.targets.aws import kept
from fairway.targets.aws.account import Refused
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.kept import Kept
from fairway.targets.aws.takedown import standing_stacks

__all__ = ["Loss", "losses"]

# A bucket is counted up to here: each thousand is a call.
MOST_COUNTED = 10_000
GONE = frozenset(
    {
        "404",
        "DBClusterNotFoundFault",
        "DBInstanceNotFound",
        "DBInstanceNotFoundFault",
        "NoSuchBucket",
        "NotFoundException",
        "ReplicationGroupNotFoundFault",
        "RepositoryNotFoundException",
        "ResourceNotFoundException",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One thing that is lost for good: what it is, its own name, how large it is."""

    what: str
    id: str
    size: str


def losses(environment: Environment) -> tuple[Loss, ...]:
    """Everything that is there still; raises `Problems` where nothing is deployed."""
    known = set(kept.read(environment.opened()))
    for stack in (part for parts in standing_stacks(environment) for part in parts):
        known |= set(kept.of_stack(environment, stack))
    return tuple(_losses(environment, sorted(known)))


def _losses(environment: Environment, known: list[Kept]) -> Iterator[Loss]:
    for each in known:
        if (found := KINDS.get(each.type)) is None:
            continue
        what, size_of = found
        try:
            yield Loss(what=what, id=each.id, size=size_of(environment, each))
        except Refused as refused:
            if refused.code not in GONE:
                raise


def of_instance(environment: Environment, each: Kept) -> str:
    """A database's storage."""
    rds = environment.account.client("rds")
    (found,) = rds.describe_db_instances(DBInstanceIdentifier=each.id)["DBInstances"]
    return f"{found['AllocatedStorage']} GiB; a final snapshot stays"


def of_cluster(environment: Environment, each: Kept) -> str:
    """An Aurora cluster, which knows no size beforehand."""
    environment.account.client("rds").describe_db_clusters(DBClusterIdentifier=each.id)
    return "a final snapshot stays"


def of_cache(environment: Environment, each: Kept) -> str:
    """A cache."""
    cache = environment.account.client("elasticache")
    cache.describe_replication_groups(ReplicationGroupId=each.id)
    return "a final snapshot stays"


def of_bucket(environment: Environment, each: Kept) -> str:
    """How many objects a bucket has, and how many with those that were overwritten or deleted."""
    s3 = environment.account_called(each.account).client("s3", each.region or None)
    objects = versions = 0
    place: dict[str, str] = {}
    while True:
        page = s3.list_object_versions(Bucket=each.id, **place)
        objects += sum(1 for found in page.get("Versions", ()) if found["IsLatest"])
        versions += len(page.get("Versions", ()))
        if not page.get("IsTruncated"):
            return f"{objects} objects, {versions} with their older versions"
        if versions > MOST_COUNTED:
            return f"more than {MOST_COUNTED} objects and older versions"
        place = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}


def of_table(environment: Environment, each: Kept) -> str:
    """A table's items, which DynamoDB counts every six hours."""
    found = environment.account.client("dynamodb").describe_table(TableName=each.id)["Table"]
    return f"{found.get('ItemCount', 0)} items at the last count"


def of_secret(environment: Environment, each: Kept) -> str:
    """A secret: its value is shown nowhere."""
    environment.account.client("secretsmanager").describe_secret(SecretId=each.id)
    return "its value"


def of_registry(environment: Environment, each: Kept) -> str:
    """How many images there are."""
    ecr = environment.account.client("ecr")
    return f"{len(ecr.pages('describe_images', 'imageDetails', repositoryName=each.id))} images"


KINDS: dict[str, tuple[str, Callable[[Environment, Kept], str]]] = {
    "AWS::DynamoDB::Table": ("table", of_table),
    "AWS::ECR::Repository": ("registry", of_registry),
    "AWS::ElastiCache::ReplicationGroup": ("cache", of_cache),
    "AWS::RDS::DBCluster": ("database", of_cluster),
    "AWS::RDS::DBInstance": ("database", of_instance),
    "AWS::S3::Bucket": ("bucket", of_bucket),
    "AWS::SecretsManager::Secret": ("secret", of_secret),
}

"""Shared caches on ElastiCache (R94-R97): Valkey, which speaks Redis, with TLS and a password."""

from fairway.core import names
from fairway.core.spec.model import App, Cache
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.postgres import resolved
from fairway.targets.aws.render.security import add_group
from fairway.targets.aws.render.template import get, ref, sub

__all__ = ["PORT", "SIZE", "add_cache"]

PORT = 6379
SIZE = "cache.t4g.micro"  # R97, as Graviton
ENGINE = "valkey"
VERSION = "8.0"


def add_cache(app: App, cache: Cache, ground: Ground) -> None:
    """Add one cache: two nodes in two zones in production, else one. An app works without (R98)."""
    draft, id_ = ground.draft, names.logical_id("cache", cache.name)
    nodes = 1 if app.environment in {"dev", "staging"} else 2
    password = f"{id_}Password"
    draft.add(
        password,
        "AWS::SecretsManager::Secret",
        {
            "Description": f"The password of the cache {cache.name}.",
            "GenerateSecretString": {
                "ExcludePunctuation": True,
                "GenerateStringKey": "password",
                "PasswordLength": 64,
                "SecretStringTemplate": "{}",
            },
            "KmsKeyId": ground.key,
        },
    )
    group = add_group(
        draft, f"{id_}Group", f"Cache {cache.name}: heard by who uses it.", ground.network
    )
    draft.add(
        f"{id_}Subnets",
        "AWS::ElastiCache::SubnetGroup",
        {"Description": "Private subnets for data.", "SubnetIds": ground.subnets("data")},
    )
    draft.add(
        id_,
        "AWS::ElastiCache::ReplicationGroup",
        {
            "AtRestEncryptionEnabled": True,
            "AuthToken": resolved(password),
            "AutoMinorVersionUpgrade": True,
            "AutomaticFailoverEnabled": nodes > 1,
            "CacheNodeType": cache.size or SIZE,
            "CacheSubnetGroupName": ref(f"{id_}Subnets"),
            "Engine": ENGINE,
            "EngineVersion": VERSION,
            "KmsKeyId": ground.key,
            "MultiAZEnabled": nodes > 1,
            "NumCacheClusters": nodes,
            "Port": PORT,
            "ReplicationGroupDescription": f"The cache {cache.name} of {app.name}.",
            "SecurityGroupIds": [group],
            "SnapshotRetentionLimit": 1 if cache.snapshots else 0,
            "TransitEncryptionEnabled": True,
        },
        keep="Snapshot",
    )
    host = get(id_, "PrimaryEndPoint.Address")
    resolve = f"{{{{resolve:secretsmanager:${{{password}}}:SecretString:password}}}}"
    draft.add(
        f"{id_}Url",
        "AWS::SecretsManager::Secret",
        {
            "Description": f"The address of the cache {cache.name}, with its password.",
            "KmsKeyId": ground.key,
            "SecretString": sub(f"rediss://:{resolve}@${{Host}}:{PORT}/0", Host=host),
        },
    )
    draft.give(f"cache/{cache.name}/host", host)
    draft.give(f"cache/{cache.name}/password", ref(password))
    draft.give(f"cache/{cache.name}/url", ref(f"{id_}Url"))
    draft.give(f"cache/{cache.name}/group", group)
    draft.give(f"cache/{cache.name}/id", ref(id_))

"""PostgreSQL on RDS (R77-R91): private, encrypted, TLS only, backed up, protected from deletion.

The address with its password is a secret of its own, which services read as `DATABASE_URL`. It
holds the login that is current: at first the owner's, then one that `renewal.py` makes.
"""

import math

from fairway.core import names
from fairway.core.spec.model import App, Database
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.policies import add_role, statement
from fairway.targets.aws.render.security import add_group
from fairway.targets.aws.render.template import (
    ACCOUNT,
    PARTITION,
    REGION,
    Draft,
    Value,
    get,
    ref,
    sub,
)

__all__ = [
    "PORT",
    "SIZE",
    "USER",
    "add_external",
    "add_postgres",
    "add_subnets",
    "add_surroundings",
]

PORT = 5432
USER = "app"
SIZE = "db.t4g.micro"  # R89: what the planner's source names, as Graviton
VERSION = "16.15"  # the major version of the local target; minor ones come by themselves (R88)
FAMILY = "postgres16"
DAY = 86400.0
LONGEST_BACKUP_DAYS = 35
SLOW_MS = 1000  # R91


def add_subnets(ground: Ground) -> None:
    """What the databases share: their subnets, and the role that reports their machines' load."""
    draft = ground.draft
    draft.add(
        "DatabaseSubnets",
        "AWS::RDS::DBSubnetGroup",
        {
            "DBSubnetGroupDescription": "Private subnets for data.",
            "SubnetIds": ground.subnets("data"),
        },
    )
    group = f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:RDSOSMetrics"
    add_role(
        draft,
        "DatabaseMonitoringRole",
        "monitoring.rds.amazonaws.com",
        [
            statement(("logs:CreateLogGroup", "logs:PutRetentionPolicy"), sub(group)),
            statement(
                (
                    "logs:CreateLogStream",
                    "logs:DescribeLogStreams",
                    "logs:GetLogEvents",
                    "logs:PutLogEvents",
                ),
                sub(f"{group}:log-stream:*"),
            ),
        ],
    )


def add_postgres(app: App, database: Database, ground: Ground) -> None:
    """Add one database with its replicas."""
    draft = ground.draft
    id_, password, group = add_surroundings(
        database, ground, "AWS::RDS::DBParameterGroup", FAMILY, log_connections="1"
    )
    shared = _instance(database, group, id_)
    draft.add(
        id_,
        "AWS::RDS::DBInstance",
        {
            **shared,
            "AllocatedStorage": str(database.storage_gib),
            "BackupRetentionPeriod": backup_days(database),
            "DBName": names.database_name(app.name, database.name),
            "DBSubnetGroupName": ref("DatabaseSubnets"),
            "DeletionProtection": app.environment != "dev",
            "EngineVersion": VERSION,
            "KmsKeyId": ground.key,
            "MasterUserPassword": resolved(password),
            "MasterUsername": USER,
            "MaxAllocatedStorage": 2 * database.storage_gib,
            "MultiAZ": database.zones > 1,
            "PreferredBackupWindow": "03:00-04:00",
            "PreferredMaintenanceWindow": "sun:04:30-sun:05:30",
            "StorageEncrypted": True,
            "StorageType": "gp3",
        },
        keep="Snapshot",
    )
    for number in range(1, database.read_replicas + 1):
        draft.add(
            f"{id_}Replica{number}",
            "AWS::RDS::DBInstance",
            {
                **shared,
                **({"MultiAZ": True} if database.replica_zones > 1 else {}),
                "SourceDBInstanceIdentifier": ref(id_),
            },
        )
        draft.give(
            f"database/{database.name}/replica/{number}",
            get(f"{id_}Replica{number}", "Endpoint.Address"),
        )
    draft.give(f"database/{database.name}/instance", ref(id_))
    add_address(app, ground, database, get(id_, "Endpoint.Address"))
    draft.give(f"database/{database.name}/group", group)


def add_surroundings(
    database: Database, ground: Ground, kind: str, family: str, **parameters: str
) -> tuple[str, str, Value]:
    """What every PostgreSQL here has: a password, a security group, parameters of this `kind`.

    The ids of the database and of its password's secret, and the group.
    """
    id_ = names.logical_id("database", database.name)
    password = add_password(ground, database)
    said = f"Database {database.name}: heard by who uses it."
    group = add_group(ground.draft, f"{id_}Group", said, ground.network)
    ground.draft.add(
        f"{id_}Parameters",
        kind,
        {
            "Description": f"TLS only; queries above {SLOW_MS} ms are logged.",
            "Family": family,
            "Parameters": {
                "log_min_duration_statement": str(SLOW_MS),
                "log_statement": "ddl",
                "password_encryption": "scram-sha-256",
                "rds.force_ssl": "1",
                **parameters,
            },
        },
    )
    return id_, password, group


def _instance(database: Database, group: Value, id_: str) -> dict[str, Value]:
    """What the database and its replicas have in common."""
    return {
        "AutoMinorVersionUpgrade": True,
        "CopyTagsToSnapshot": True,
        "DBInstanceClass": database.size or SIZE,
        "DBParameterGroupName": ref(f"{id_}Parameters"),
        "DatabaseInsightsMode": "standard",
        "EnableCloudwatchLogsExports": ["postgresql", "upgrade"],
        "EnableIAMDatabaseAuthentication": True,
        "EnablePerformanceInsights": True,
        "Engine": "postgres",
        "MonitoringInterval": 60,
        "MonitoringRoleArn": get("DatabaseMonitoringRole"),
        "PerformanceInsightsRetentionPeriod": 7,
        "PubliclyAccessible": False,
        "VPCSecurityGroups": [group],
    }


def backup_days(database: Database) -> int:
    """How long backups, and with them point-in-time recovery, are kept (R246, C3)."""
    return min(LONGEST_BACKUP_DAYS, math.ceil(database.backups_seconds / DAY))


def add_password(ground: Ground, database: Database) -> str:
    """Add a generated password of the owner's; the id of its secret."""
    id_ = _password_id(database)
    ground.draft.add(
        id_,
        "AWS::SecretsManager::Secret",
        {
            # Its words stay: nothing shall make CloudFormation think of making it anew.
            "Description": f"The password of the database {database.name}.",
            "GenerateSecretString": {
                "ExcludePunctuation": True,
                "GenerateStringKey": "password",
                "PasswordLength": 40,
                "SecretStringTemplate": f'{{"username": "{USER}"}}',
            },
            "KmsKeyId": ground.key,
        },
        keep="Retain",
    )
    return id_


def resolved(secret: str) -> Value:
    """The password inside a secret, as CloudFormation reads it: never shown in a template."""
    return sub(_inside(secret, "password"))


def _inside(secret: str, key: str) -> str:
    return f"{{{{resolve:secretsmanager:${{{secret}}}:SecretString:{key}}}}}"


def add_address(app: App, ground: Ground, database: Database, host: Value) -> None:
    """Add the secrets of the current login and of the whole address with it; hand them over."""
    draft = ground.draft
    password = _password_id(database)
    login, url = (names.logical_id("database", database.name, kind) for kind in ("login", "url"))
    owner = _inside(password, "password")
    name = names.database_name(app.name, database.name)
    draft.add(
        login,
        "AWS::SecretsManager::Secret",
        {
            "Description": f"The current login of the database {database.name}.",
            "KmsKeyId": ground.key,
            "SecretString": sub(f'{{"username": "{USER}", "password": "{owner}"}}'),
        },
    )
    who = f"{_inside(login, 'username')}:{_inside(login, 'password')}"
    draft.add(
        url,
        "AWS::SecretsManager::Secret",
        {
            "Description": f"The address of the database {database.name}, with its login.",
            "KmsKeyId": ground.key,
            "SecretString": sub(
                f"postgresql://{who}@${{Host}}:{PORT}/{name}?sslmode=require", Host=host
            ),
        },
    )
    draft.give(f"database/{database.name}/host", host)
    draft.give(f"database/{database.name}/login", ref(login))
    draft.give(f"database/{database.name}/password", ref(password))
    draft.give(f"database/{database.name}/url", ref(url))


def _password_id(database: Database) -> str:
    return names.logical_id("database", database.name, "password")


def add_external(ground: Ground, kind: str, name: str) -> None:
    """Add an empty secret for the address of a server that is elsewhere: people fill it."""
    add_empty(ground.draft, names.logical_id(kind, name, "url"), f"{kind}/{name}/url", ground.key)


def add_empty(draft: Draft, id_: str, key: str, encrypted: Value) -> None:
    """Add a secret without a value, named so that people find it."""
    draft.add(
        id_,
        "AWS::SecretsManager::Secret",
        {
            "Description": "Put its value with `aws secretsmanager put-secret-value`.",
            "KmsKeyId": encrypted,
            "Name": draft.path(key)[1:],
        },
        keep="Retain",
    )
    draft.give(key, ref(id_))

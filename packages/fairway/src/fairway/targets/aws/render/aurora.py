"""PostgreSQL that scales with its load (R78): Aurora Serverless v2."""

from fairway.core import names
from fairway.core.spec.model import App, Database
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.postgres import (
    PORT,
    USER,
    add_address,
    add_surroundings,
    backup_days,
    resolved,
)
from fairway.targets.aws.render.template import get, ref

__all__ = ["add_aurora"]

VERSION = "16.15"
FAMILY = "aurora-postgresql16"
# Capacity units, 2 GiB each. Outside production it sleeps when nobody asks, and wakes in 15 s.
LEAST = {"dev": 0.0, "staging": 0.0}
MOST = 16.0
SLEEPS_AFTER_SECONDS = 1800


def add_aurora(app: App, database: Database, ground: Ground) -> None:
    """Add a cluster: a writer, and a reader for each further zone or replica."""
    draft = ground.draft
    id_, password, group = add_surroundings(
        database, ground, "AWS::RDS::DBClusterParameterGroup", FAMILY
    )
    least = LEAST.get(app.environment, 0.5)
    scaling = {"MaxCapacity": MOST, "MinCapacity": least}
    if least == 0:
        scaling["SecondsUntilAutoPause"] = SLEEPS_AFTER_SECONDS
    draft.add(
        id_,
        "AWS::RDS::DBCluster",
        {
            "BackupRetentionPeriod": max(1, backup_days(database)),
            "CopyTagsToSnapshot": True,
            "DBClusterParameterGroupName": ref(f"{id_}Parameters"),
            "DBSubnetGroupName": ref("DatabaseSubnets"),
            "DatabaseInsightsMode": "standard",
            "DatabaseName": names.database_name(app.name, database.name),
            "DeletionProtection": app.environment != "dev",
            "EnableCloudwatchLogsExports": ["postgresql"],
            "EnableIAMDatabaseAuthentication": True,
            "Engine": "aurora-postgresql",
            "EngineVersion": VERSION,
            "KmsKeyId": ground.key,
            "MasterUserPassword": resolved(password),
            "MasterUsername": USER,
            "Port": PORT,
            "PreferredBackupWindow": "03:00-04:00",
            "PreferredMaintenanceWindow": "sun:04:30-sun:05:30",
            "ServerlessV2ScalingConfiguration": scaling,
            "StorageEncrypted": True,
            "VpcSecurityGroupIds": [group],
        },
        keep="Snapshot",
    )
    for number in range(1, 1 + max(database.zones, 1 + database.read_replicas)):
        draft.add(
            f"{id_}Instance{number}",
            "AWS::RDS::DBInstance",
            {
                "AutoMinorVersionUpgrade": True,
                "DBClusterIdentifier": ref(id_),
                "DBInstanceClass": "db.serverless",
                "EnablePerformanceInsights": True,
                "Engine": "aurora-postgresql",
                "MonitoringInterval": 60,
                "MonitoringRoleArn": get("DatabaseMonitoringRole"),
                "PerformanceInsightsRetentionPeriod": 7,
                "PromotionTier": min(number - 1, 15),
                "PubliclyAccessible": False,
            },
        )
    draft.give(f"database/{database.name}/instance", ref(f"{id_}Instance1"))
    add_address(app, ground, database, get(id_, "Endpoint.Address"))
    draft.give(f"database/{database.name}/group", group)

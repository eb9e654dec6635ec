"""Key-value tables on DynamoDB (R79): on demand, encrypted, to be restored to any second."""

from fairway.core import names
from fairway.core.spec.model import App, Table
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.template import Value, get, ref

__all__ = ["add_table"]


def add_table(app: App, table: Table, ground: Ground) -> None:
    """Add one table; its keys are texts."""
    draft, id_ = ground.draft, names.logical_id("table", table.name)
    keys = [(table.key, "HASH"), *([(table.sort, "RANGE")] if table.sort else [])]
    properties: dict[str, Value] = {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": app.environment != "dev",
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {
            "KMSMasterKeyId": ground.key,
            "SSEEnabled": True,
            "SSEType": "KMS",
        },
    }
    if table.expires is not None:
        properties["TimeToLiveSpecification"] = {"AttributeName": table.expires, "Enabled": True}
    draft.add(id_, "AWS::DynamoDB::Table", properties, keep="Retain")
    draft.give(f"table/{table.name}", ref(id_))
    draft.give(f"table/{table.name}/arn", get(id_))

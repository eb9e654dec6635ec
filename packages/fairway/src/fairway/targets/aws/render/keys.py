"""The one KMS key of an app's environment: everything at rest is encrypted with it.

In the network's stack, the first that is made and the last that is deleted. Kept when the stack
goes: without it the backups could not be read.
"""

from fairway.targets.aws.render.policies import statement
from fairway.targets.aws.render.template import ACCOUNT, PARTITION, REGION, Draft, Value, get, sub

__all__ = ["add_key"]

USE = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey")


def add_key(draft: Draft) -> Value:
    """Add the key and its alias; its ARN."""
    root = {"AWS": sub(f"arn:{PARTITION}:iam::{ACCOUNT}:root")}
    groups = f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:"
    logs = [sub(f"{groups}{name}{draft.app}*") for name in ("/fairway/", "aws-waf-logs-")]
    own = {"StringEquals": {"aws:SourceAccount": sub(ACCOUNT)}}
    draft.add(
        "Key",
        "AWS::KMS::Key",
        {
            "Description": f"Everything at rest of {draft.app} in {draft.environment}.",
            "EnableKeyRotation": True,
            "PendingWindowInDays": 30,
            # In a key's own policy "*" is this key.
            "KeyPolicy": {
                "Version": "2012-10-17",
                "Statement": [
                    statement(("kms:*",), "*", principal=root),
                    statement(
                        USE,
                        "*",
                        principal={"Service": sub(f"logs.{REGION}.amazonaws.com")},
                        when={
                            "ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs},
                        },
                    ),
                    statement(
                        ("kms:Decrypt", "kms:GenerateDataKey*"),
                        "*",
                        principal={"Service": "events.amazonaws.com"},
                        when=own,
                    ),
                    # For alarms that tell an encrypted topic, AWS documents no condition.
                    statement(
                        ("kms:Decrypt", "kms:GenerateDataKey*"),
                        "*",
                        principal={"Service": "cloudwatch.amazonaws.com"},
                    ),
                ],
            },
        },
        keep="Retain",
    )
    draft.add(
        "KeyAlias",
        "AWS::KMS::Alias",
        {"AliasName": f"alias/{draft.called(limit=200)}", "TargetKeyId": get("Key")},
    )
    draft.give("key", get("Key"))
    return get("Key")

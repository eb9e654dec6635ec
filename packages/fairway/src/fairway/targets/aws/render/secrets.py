"""Secrets of the file (R70-R76): made and renewed by a small function, or filled by people.

A secret that is generated or rotated has a random value. Any other is made empty: tasks that use
it start once people have put its value.
"""

import math

from fairway.core import names
from fairway.core.spec.model import App, Secret
from fairway.targets.aws.render.dead_letters import add_dead_letters
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.logs import add_log_group
from fairway.targets.aws.render.policies import add_role, may_stand_in_network, statement
from fairway.targets.aws.render.postgres import add_empty
from fairway.targets.aws.render.reach import HTTPS
from fairway.targets.aws.render.security import add_group
from fairway.targets.aws.render.template import Value, either, get, ref

__all__ = ["LONGEST", "RENEWER", "RESERVE", "ROTATION_CODE", "add_secrets"]

RENEWER = "rotation"
LONGEST = 64  # the name of a function
RESERVE = "RenewalReserved"

DAY = 86400.0
MOST_DAYS = 1000
LENGTH = 48

# Runs in AWS Lambda: the four steps of a rotation, of which a random value needs two.
ROTATION_CODE = f"""\
import boto3

manager = boto3.client("secretsmanager")


def handler(event, context):
    secret, token = event["SecretId"], event["ClientRequestToken"]
    if event["Step"] == "createSecret":
        create(secret, token)
    elif event["Step"] == "finishSecret":
        finish(secret, token)


def create(secret, token):
    try:
        manager.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
    except manager.exceptions.ResourceNotFoundException:
        made = manager.get_random_password(PasswordLength={LENGTH}, ExcludePunctuation=True)
        manager.put_secret_value(
            SecretId=secret,
            ClientRequestToken=token,
            SecretString=made["RandomPassword"],
            VersionStages=["AWSPENDING"],
        )


def finish(secret, token):
    versions = manager.describe_secret(SecretId=secret)["VersionIdsToStages"]
    current = next(each for each, stages in versions.items() if "AWSCURRENT" in stages)
    if current != token:
        manager.update_secret_version_stage(
            SecretId=secret,
            VersionStage="AWSCURRENT",
            MoveToVersionId=token,
            RemoveFromVersionId=current,
        )
"""


def add_secrets(app: App, ground: Ground) -> None:
    """Add every secret of the app, and what renews those that are rotated."""
    rotated = [secret for secret in app.secrets.values() if secret.rotate_seconds is not None]
    for secret in app.secrets.values():
        _add(secret, ground)
    if rotated:
        _add_function(ground, [_id(secret.name) for secret in rotated])
    for secret in rotated:
        days = max(1, min(MOST_DAYS, math.ceil((secret.rotate_seconds or 0.0) / DAY)))
        ground.draft.add(
            f"{_id(secret.name)}Rotation",
            "AWS::SecretsManager::RotationSchedule",
            {
                "RotateImmediatelyOnUpdate": False,
                "RotationLambdaARN": get("RotationFunction"),
                "RotationRules": {"AutomaticallyAfterDays": days},
                "SecretId": ref(_id(secret.name)),
            },
            after=["RotationPermission"],
        )


def _id(name: str) -> str:
    return names.logical_id("secret", name)


def _add(secret: Secret, ground: Ground) -> None:
    draft = ground.draft
    if not secret.generate and secret.rotate_seconds is None:
        add_empty(draft, _id(secret.name), f"secret/{secret.name}", ground.key)
        return
    draft.add(
        _id(secret.name),
        "AWS::SecretsManager::Secret",
        {
            "Description": f"The value of {secret.name}.",
            "GenerateSecretString": {"ExcludePunctuation": True, "PasswordLength": LENGTH},
            "KmsKeyId": ground.key,
            "Name": draft.path("secret", secret.name)[1:],
        },
        keep="Retain",
    )
    draft.give(f"secret/{secret.name}", ref(_id(secret.name)))


def _add_function(ground: Ground, secrets: list[str]) -> None:
    draft = ground.draft
    name = draft.called(RENEWER, limit=LONGEST)
    log_group = add_log_group(
        draft,
        "RotationLogs",
        draft.path("secrets", RENEWER),
        ground.key,
        ground.choices.log_days,
    )
    unheard = add_dead_letters(draft, ground.key, id_="RotationDeadLetters")
    arns: list[Value] = [ref(secret) for secret in secrets]
    role = add_role(
        draft,
        "RotationRole",
        "lambda.amazonaws.com",
        [
            statement(
                (
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:GetSecretValue",
                    "secretsmanager:PutSecretValue",
                    "secretsmanager:UpdateSecretVersionStage",
                ),
                arns,
            ),
            statement(("secretsmanager:GetRandomPassword",), "*"),
            statement(("kms:Decrypt", "kms:GenerateDataKey"), ground.key),
            statement(("sqs:SendMessage",), unheard),
            statement(("logs:CreateLogStream", "logs:PutLogEvents"), get("RotationLogs")),
            *may_stand_in_network(name),
        ],
        of_this_account=False,
    )
    # It may read every secret that it renews: so it leaves by the network's own ways, to HTTPS
    # alone, and the flow logs tell of it. Secrets Manager has an endpoint where there is no NAT.
    group = add_group(
        draft, "RotationGroup", "What renews secrets: speaks to AWS.", ground.network, out=(HTTPS,)
    )
    # One copy is its own, however many the account's other functions take. An account's first
    # quota may leave none to give away (AWS keeps 100, or all of a smaller one): then it is false.
    reserve = draft.ask_whether(
        RESERVE, "Whether the function that renews secrets has a copy of its own."
    )
    draft.add(
        "RotationFunction",
        "AWS::Lambda::Function",
        {
            "Code": {"ZipFile": ROTATION_CODE},
            "DeadLetterConfig": {"TargetArn": unheard},
            "Description": "Renews the app's secrets.",
            "FunctionName": name,
            "Handler": "index.handler",
            "LoggingConfig": {"LogGroup": log_group},
            "ReservedConcurrentExecutions": either(reserve, 1),
            "Role": role,
            "Runtime": "python3.13",
            "Timeout": 60,
            "VpcConfig": {"SecurityGroupIds": [group], "SubnetIds": ground.subnets("services")},
        },
    )
    draft.add(
        "RotationPermission",
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": ref("RotationFunction"),
            "Principal": "secretsmanager.amazonaws.com",
            "SourceAccount": {"Ref": "AWS::AccountId"},
        },
    )

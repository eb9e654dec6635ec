"""The stack of what renews secrets (R74): a function in the network, and when it is called.

One function renews the random secrets of the file and the logins of the app's own databases; its
code is in `targets/aws/renewal`. It puts texts together anew that hold what it renews, and starts
those services anew that read it. A stack of its own, so that the template of the data stays small
enough to be sent as it is. Pure.
"""

import json
import math
import pkgutil
from collections.abc import Iterator, Mapping, Sequence

from fairway.core import names
from fairway.core.spec.model import App
from fairway.core.spec.renewal import readers, renewed_databases, renewed_secrets, started_anew
from fairway.targets.aws.render.dead_letters import add_dead_letters
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.logs import add_log_group
from fairway.targets.aws.render.policies import add_role, may_stand_in_network, statement
from fairway.targets.aws.render.postgres import PORT
from fairway.targets.aws.render.reach import HTTPS
from fairway.targets.aws.render.security import add_group, open_to
from fairway.targets.aws.render.template import (
    ACCOUNT,
    PARTITION,
    REGION,
    Draft,
    Stack,
    Value,
    either,
    get,
    join,
    ref,
    sub,
)
from fairway.targets.aws.render.wiring import TEXTS

__all__ = ["LONGEST", "MOST_DAYS", "RENEWER", "RESERVE", "code", "renewal", "renews"]

RENEWER = "rotation"
LONGEST = 64  # the name of a function
RESERVE = "RenewalReserved"
SETTINGS = "SETTINGS"  # the name in the code that says what is renewed

CODE = "fairway.targets.aws.renewal"
FILES = ("wire", "texts", "logins", "steps")  # the last uses the others
DAY = 86400.0
MOST_DAYS = 1000  # between two renewals
TIMEOUT_SECONDS = 900  # a release in progress is waited for; Lambda's longest


def renews(app: App) -> bool:
    """Whether anything of the app is renewed."""
    return bool(renewed_secrets(app) or renewed_databases(app))


def renewal(app: App, ground: Ground) -> Iterator[Stack]:
    """Render it, where anything is renewed."""
    if not renews(app):
        return
    draft = ground.draft
    group = _add_function(app, ground)
    for secret in renewed_secrets(app):
        _add_schedule(draft, f"secret/{secret.name}", secret.rotate_seconds or 0.0)
    for database in renewed_databases(app):
        id_ = names.logical_id("rotation", "to", database.name)
        why = f"Renews the login of {database.name}."
        theirs = draft.take(f"database/{database.name}/group")
        open_to(draft, id_, group, theirs, port=PORT, why=why)
        # At once: so what migrations make belongs to the app's group from the start.
        key = f"database/{database.name}/login"
        ways = (f"{id_}In", f"{id_}Out")
        _add_schedule(draft, key, database.rotate_seconds, is_at_once=True, after=ways)
    yield draft.stack()


def code() -> str:
    """What runs in AWS Lambda: one file, so the last goes without its imports of the others."""
    texts: list[str] = []
    for name in FILES:
        text = pkgutil.get_data(CODE, f"{name}.py")
        assert text is not None, name
        lines = text.decode().splitlines(keepends=True)
        texts.append("".join(each for each in lines if not each.startswith(f"from {CODE}.")))
    return "\n\n".join(texts)


def _settings(app: App, draft: Draft) -> str:
    """What is renewed, who reads it, and which secrets stand beside it; `${…}` is a secret."""

    def taken(*key: str) -> str:
        draft.take("/".join(key))
        return f"${{{names.logical_id('take', *key)}}}"

    said: dict[str, Mapping[str, object]] = {}
    for secret in renewed_secrets(app):
        said[taken("secret", secret.name)] = {"services": readers(app, secret.name)}
    for each in renewed_databases(app):
        said[taken("database", each.name, "login")] = {
            "owner": taken("database", each.name, "password"),
            "services": readers(app, each.name),
            "url": taken("database", each.name, "url"),
        }
    whole = {"cluster": draft.called(), "secrets": said, "texts": draft.path(TEXTS)}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"))


def _add_schedule(
    draft: Draft,
    key: str,
    seconds: float,
    *,
    is_at_once: bool = False,
    after: Sequence[str] = (),
) -> None:
    days = max(1, min(MOST_DAYS, math.ceil(seconds / DAY)))
    draft.add(
        names.logical_id(*key.split("/"), "rotation"),
        "AWS::SecretsManager::RotationSchedule",
        {
            "RotateImmediatelyOnUpdate": is_at_once,
            "RotationLambdaARN": get("RotationFunction"),
            "RotationRules": {"AutomaticallyAfterDays": days},
            "SecretId": draft.take(key),
        },
        after=["RotationPermission", *after],
    )


def _add_function(app: App, ground: Ground) -> Value:
    """Add it; the id of its security group."""
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
    role = add_role(
        draft,
        "RotationRole",
        "lambda.amazonaws.com",
        [
            *_may_renew(app, ground),
            *_may_write_texts(draft),
            *_may_start_anew(app, draft),
            statement(("sqs:SendMessage",), unheard),
            statement(("logs:CreateLogStream", "logs:PutLogEvents"), get("RotationLogs")),
            *may_stand_in_network(name),
        ],
        of_this_account=False,
    )
    # It may read every secret that it renews: so it leaves by the network's own ways, to HTTPS
    # and the databases alone, and the flow logs tell of it. Where there is no NAT, Secrets Manager
    # and ECS have endpoints.
    why = "What renews secrets: speaks to AWS."
    group = add_group(draft, "RotationGroup", why, ground.network, out=(HTTPS,))
    said = sub(_settings(app, draft))
    # One copy is its own, however many the account's other functions take. An account's first
    # quota may leave none to give away (AWS keeps 100, or all of a smaller one): then it is false.
    reserve = draft.ask_whether(
        RESERVE, "Whether the function that renews secrets has a copy of its own."
    )
    draft.add(
        "RotationFunction",
        "AWS::Lambda::Function",
        {
            # Not in its environment, which holds 4 KiB: a large app has more to say.
            "Code": {"ZipFile": join("", [code(), f"\n{SETTINGS} = '", said, "'\n"])},
            "DeadLetterConfig": {"TargetArn": unheard},
            "Description": "Renews the app's secrets.",
            "FunctionName": name,
            "Handler": "index.handler",
            "LoggingConfig": {"LogGroup": log_group},
            "ReservedConcurrentExecutions": either(reserve, 1),
            "Role": role,
            "Runtime": "python3.13",
            "Timeout": TIMEOUT_SECONDS,
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
    return group


def _may_renew(app: App, ground: Ground) -> tuple[Value, ...]:
    keys = [f"secret/{each.name}" for each in renewed_secrets(app)]
    for each in renewed_databases(app):
        keys += [f"database/{each.name}/{kind}" for kind in ("login", "password", "url")]
    return (
        statement(
            (
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ),
            [ground.draft.take(key) for key in keys],
        ),
        statement(("secretsmanager:GetRandomPassword",), "*"),
        statement(("kms:Decrypt", "kms:GenerateDataKey"), ground.key),
    )


def _may_write_texts(draft: Draft) -> tuple[Value, ...]:
    """By the path that hands them over, and by tag: their stacks come after this one.

    CloudFormation begins a secret's name with its id; a path is asked for whole:
    https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-retrieval-authorization.html
    """
    path = f"arn:{PARTITION}:ssm:{REGION}:{ACCOUNT}:parameter{draft.path(TEXTS)}"
    start = names.logical_id(TEXTS)
    return (
        statement(("ssm:GetParametersByPath",), [sub(path), sub(f"{path}/*")]),
        statement(
            ("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
            sub(f"arn:{PARTITION}:secretsmanager:{REGION}:{ACCOUNT}:secret:{start}*"),
            when={
                "StringEquals": {
                    "aws:ResourceTag/fairway:app": draft.app,
                    "aws:ResourceTag/fairway:environment": draft.environment,
                }
            },
        ),
    )


def _may_start_anew(app: App, draft: Draft) -> tuple[Value, ...]:
    """By name: the services come after this stack."""
    if not (read := started_anew(app)):
        return ()
    start = f"arn:{PARTITION}:ecs:{REGION}:{ACCOUNT}:service/{draft.called()}"
    services: list[Value] = [sub(f"{start}/{name}") for name in read]
    return (statement(("ecs:DescribeServices", "ecs:UpdateService"), services),)

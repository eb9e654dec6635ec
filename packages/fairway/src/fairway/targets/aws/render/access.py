"""What a task may do: the actions that its `uses` need, on the resources that they name (R203).

Two roles a task: the one by which ECS starts it (its image, its log, its secrets), and its own. A
function has one: Lambda fetches its image by the registry's own policy, its runtime its secrets.
"""

from collections.abc import Iterator

from fairway.core.spec.model import App, Job, Service
from fairway.targets.aws.render.dead_letters import may_leave
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.policies import add_role, may_stand_in_network, statement
from fairway.targets.aws.render.template import PARTITION, REGION, Value, get, join, sub
from fairway.targets.aws.render.traces import is_traced, may_trace
from fairway.targets.aws.render.wiring import Wired

__all__ = ["add_function_role", "add_roles"]

LISTS = ("s3:GetBucketLocation", "s3:ListBucket")
READS = ("s3:GetObject", "s3:GetObjectVersion")
OBJECTS = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
)
ROWS = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
)


def add_roles(
    app: App, node: Service | Job, ground: Ground, id_: str, wired: Wired, *, is_once: bool = False
) -> tuple[Value, Value]:
    """Add both; the ARN of the one that starts the task, and of the task's own.

    `is_once`: whoever deploys starts it, so a pipeline passes both.
    """
    draft, tasks = ground.draft, "ecs-tasks.amazonaws.com"
    to_start = list(_start(ground, id_, wired))
    start = add_role(draft, f"{id_}StartRole", tasks, to_start, is_passed=is_once)
    to_run = list(_own(app, node, ground))
    own = add_role(draft, f"{id_}Role", tasks, to_run, is_passed=is_once)
    return start, own


def _start(ground: Ground, id_: str, wired: Wired) -> Iterator[Value]:
    yield statement(("ecr:GetAuthorizationToken",), "*")
    yield statement(
        ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
        ground.draft.take("registry/arn"),
    )
    yield from _telling(ground, f"{id_}Logs", wired)


def add_function_role(
    app: App, node: Service, ground: Ground, name: str, wired: Wired, *, unheard: Value
) -> Value:
    """Add the role of the function of this name; its ARN. `unheard`: the queue of failed events."""
    statements = [
        *_own(app, node, ground),
        *_telling(ground, "ServiceLogs", wired),
        *may_leave(unheard, ground.key),
        # Lambda opens its variables as it.
        statement(
            ("kms:Decrypt",),
            ground.key,
            when={"StringEquals": {"kms:ViaService": sub(f"lambda.{REGION}.amazonaws.com")}},
        ),
        *may_stand_in_network(name),
    ]
    service = "lambda.amazonaws.com"
    return add_role(ground.draft, "ServiceRole", service, statements, of_this_account=False)


def _telling(ground: Ground, log: str, wired: Wired) -> Iterator[Value]:
    """To write its log, and to read its secrets."""
    yield statement(("logs:CreateLogStream", "logs:PutLogEvents"), get(log))
    if wired.secret:
        yield statement(("secretsmanager:GetSecretValue",), wired.secrets)
        yield statement(
            ("kms:Decrypt",),
            ground.key,
            when={
                "StringEquals": {
                    "kms:ViaService": sub(f"secretsmanager.{REGION}.amazonaws.com"),
                }
            },
        )


def _own(app: App, node: Service | Job, ground: Ground) -> Iterator[Value]:
    if is_traced(node, ground.choices) and ground.draft.name != "before":
        yield may_trace()
    buckets = [name for name in node.uses if name in app.buckets]
    for name in buckets:
        whole = _whole(ground, name)
        yield statement(LISTS, whole)
        yield statement(OBJECTS, join("/", [whole, "*"]))
    models = [app.models[name] for name in node.uses if name in app.models]
    for bucket, within in (_place(model.artifact) for model in models):
        if bucket in app.buckets and bucket not in buckets:
            whole = _whole(ground, bucket)
            yield statement(LISTS, whole)
            yield statement(READS, join("/", [whole, f"{within}*"]))
            buckets.append(bucket)
    tables = [name for name in node.uses if name in app.tables]
    for name in tables:
        arn = ground.draft.take(f"table/{name}/arn")
        yield statement(ROWS, [arn, join("/", [arn, "index/*"])])
    services = [*(["s3"] if buckets else []), *(["dynamodb"] if tables else [])]
    if services:
        yield statement(
            ("kms:Decrypt", "kms:GenerateDataKey"),
            ground.key,
            when={
                "StringEquals": {
                    "kms:ViaService": [
                        sub(f"{service}.{REGION}.amazonaws.com") for service in services
                    ],
                }
            },
        )


def _whole(ground: Ground, bucket: str) -> Value:
    """The ARN of a bucket of the app."""
    return sub(f"arn:{PARTITION}:s3:::${{Bucket}}", Bucket=ground.draft.take(f"bucket/{bucket}"))


def _place(artifact: str) -> tuple[str, str]:
    """The bucket of `lake/models/churn/`, and where in it."""
    bucket, _, within = artifact.partition("/")
    return bucket, within

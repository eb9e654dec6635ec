"""New objects of a bucket as messages in a queue, into which a job looks."""

from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.policies import statement
from fairway.targets.aws.render.template import Value, get, ref

__all__ = ["add_new_objects"]

KEPT_SECONDS = 14 * 86_400


def add_new_objects(
    ground: Ground, id_: str, place: tuple[str, str], machine: Value | None
) -> None:
    """Add the queue and the rule; with `machine`, the rule starts it too, as soon as may be."""
    draft = ground.draft
    bucket, prefix = place
    draft.add(
        f"{id_}Objects",
        "AWS::SQS::Queue",
        {"KmsMasterKeyId": ground.key, "MessageRetentionPeriod": KEPT_SECONDS},
    )
    detail: dict[str, Value] = {"bucket": {"name": [draft.take(f"bucket/{bucket}")]}}
    if prefix:
        detail["object"] = {"key": [{"prefix": prefix}]}
    targets: list[Value] = [{"Arn": get(f"{id_}Objects"), "Id": "queue"}]
    if machine is not None:
        targets.append(
            {
                "Arn": machine,
                "DeadLetterConfig": {"Arn": get("DeadLetters")},
                "Id": "machine",
                "Input": "{}",
                "RoleArn": get("StarterRole"),
            }
        )
    draft.add(
        f"{id_}Rule",
        "AWS::Events::Rule",
        {
            "Description": f"New objects in {bucket}/{prefix}.",
            "EventPattern": {
                "detail": detail,
                "detail-type": ["Object Created"],
                "source": ["aws.s3"],
            },
            "State": "ENABLED",
            "Targets": targets,
        },
    )
    queues: list[tuple[str, str]] = [(f"{id_}Objects", "Objects")]
    if machine is not None:
        queues.append(("DeadLetters", "DeadLetters"))
    for queue, suffix in queues:
        draft.add(
            f"{id_}{suffix}Policy",
            "AWS::SQS::QueuePolicy",
            {
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        statement(
                            ("sqs:SendMessage",),
                            get(queue),
                            principal={"Service": "events.amazonaws.com"},
                            when={"ArnEquals": {"aws:SourceArn": get(f"{id_}Rule")}},
                        )
                    ],
                },
                "Queues": [ref(queue)],
            },
        )

"""Queues of what could not be done: runs that nobody could start, events that a function failed at.

A queue costs nothing while it is empty. What lies in it is encrypted with the app's key. Pure.
"""

from collections.abc import Iterator

from fairway.targets.aws.render.policies import statement
from fairway.targets.aws.render.template import REGION, Draft, Value, get, sub

__all__ = ["add_dead_letters", "may_leave"]

KEPT_SECONDS = 14 * 86_400


def add_dead_letters(
    draft: Draft, key: Value, *, id_: str = "DeadLetters", name: str | None = None
) -> Value:
    """Add the queue; its ARN. Without a name it has CloudFormation's own."""
    said: dict[str, Value] = {"KmsMasterKeyId": key, "MessageRetentionPeriod": KEPT_SECONDS}
    if name is not None:
        said["QueueName"] = name
    draft.add(id_, "AWS::SQS::Queue", said)
    return get(id_)


def may_leave(queue: Value, key: Value) -> Iterator[Value]:
    """What the role of a function needs to leave an event there."""
    yield statement(("sqs:SendMessage",), queue)
    yield statement(
        ("kms:Decrypt", "kms:GenerateDataKey"),
        key,
        when={"StringEquals": {"kms:ViaService": sub(f"sqs.{REGION}.amazonaws.com")}},
    )

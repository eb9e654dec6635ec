"""The topic that people are told by (R194), in the first stack: every stack's alarms name it."""

from fairway.core import names
from fairway.core.spec.model import Alarm
from fairway.targets.aws.render.policies import statement
from fairway.targets.aws.render.template import ACCOUNT, Draft, Value, ref, sub

__all__ = ["add_topic"]


def add_topic(draft: Draft, alarm: Alarm, key: Value) -> None:
    """Add it, with its subscribers: `mailto:` and `https:` addresses."""
    draft.add(
        "Topic",
        "AWS::SNS::Topic",
        {"KmsMasterKeyId": key, "TopicName": draft.called(limit=200)},
    )
    for address in alarm.notify:
        protocol, endpoint = "https", address
        if address.startswith("mailto:"):
            protocol, endpoint = "email", address.removeprefix("mailto:")
        draft.add(
            names.logical_id("tell", names.short_digest(address)),
            "AWS::SNS::Subscription",
            {"Endpoint": endpoint, "Protocol": protocol, "TopicArn": ref("Topic")},
        )
    draft.add(
        "TopicPolicy",
        "AWS::SNS::TopicPolicy",
        {
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    statement(
                        ("sns:Publish",),
                        ref("Topic"),
                        principal={"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
                        when={"StringEquals": {"aws:SourceAccount": sub(ACCOUNT)}},
                    )
                ],
            },
            "Topics": [ref("Topic")],
        },
    )

"""The CDN's access logs (R164): who asked the edge for what, in a bucket beside it, for a year.

The buckets of sites write there too, as the CDN alone reads them: what changed their files.

CloudFront's standard logging, version 2: a source for each distribution, one destination, and a
delivery from each to it. AWS takes all three in the edge's own region alone; the bucket could stand
elsewhere, but no stack reads what one of another region hands over, and another account's edge
needs one of its own anyhow. The older way of logging needs access control lists, which are closed
here. Pure.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html (2026-11).
"""

from fairway.targets.aws.render.buckets import add_bucket_of_logs, written_by_buckets
from fairway.targets.aws.render.policies import statement
from fairway.targets.aws.render.template import (
    ACCOUNT,
    PARTITION,
    REGION,
    Draft,
    Value,
    get,
    sub,
)

__all__ = ["FIELDS", "add_delivery", "add_destination"]

DESTINATION = "LogDestination"
DELIVERY = "AWS::Logs::Delivery"
LONGEST_NAME = 60  # of a source and of a destination
FORMAT = "json"  # each line names its fields; it cannot be changed once it is there
# All that CloudFront writes by itself, but for cookies, in which sessions are, and for the two of
# a field-level encryption that is not rendered.
FIELDS = (
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "sc-status",
    "cs(Referer)",
    "cs(User-Agent)",
    "cs-uri-query",
    "x-edge-result-type",
    "x-edge-request-id",
    "x-host-header",
    "cs-protocol",
    "cs-bytes",
    "time-taken",
    "x-forwarded-for",
    "ssl-protocol",
    "ssl-cipher",
    "x-edge-response-result-type",
    "cs-protocol-version",
    "c-port",
    "time-to-first-byte",
    "x-edge-detailed-result-type",
    "sc-content-type",
    "sc-content-len",
    "sc-range-start",
    "sc-range-end",
    "c-country",
    "cache-behavior-path-pattern",
)


def add_destination(draft: Draft, *, of_buckets: bool) -> None:
    """Add the bucket, and the destination that stands for it; `of_buckets`: they write there too.

    Without a prefix CloudFront writes below `AWSLogs/<account>/CloudFront/`, a file of some minutes
    of one distribution: `<distribution>.<yyyy-mm-dd-hh>.<unique>.gz`. No suffix path is said: an
    update of it would lead out of that folder
    (https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2274).
    """
    writes = [*([written_by_buckets()] if of_buckets else []), _written_by_deliveries()]
    bucket = add_bucket_of_logs(draft, writes)
    draft.add(
        DESTINATION,
        "AWS::Logs::DeliveryDestination",
        {
            "DestinationResourceArn": get("LogsBucket"),
            "Name": draft.called(draft.name, "logs", limit=LONGEST_NAME),
            "OutputFormat": FORMAT,
        },
    )
    draft.give(f"{draft.name}/logs", bucket)


def _written_by_deliveries() -> Value:
    """As AWS documents it for logs that it delivers: of this account, from sources of this one.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html
    """
    sources = sub(f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:delivery-source:*")
    return statement(
        ("s3:PutObject",),
        sub(f"${{LogsBucket.Arn}}/AWSLogs/{ACCOUNT}/*"),
        principal={"Service": "delivery.logs.amazonaws.com"},
        when={
            "ArnLike": {"aws:SourceArn": sources},
            "StringEquals": {
                "aws:SourceAccount": sub(ACCOUNT),
                "s3:x-amz-acl": "bucket-owner-full-control",
            },
        },
    )


def add_delivery(draft: Draft, distribution: str, node: str) -> None:
    """Have the distribution of a site or service write its log.

    One after the other: while one delivery is made, AWS refuses the next one to its destination
    (https://github.com/hashicorp/terraform-provider-aws/issues/42194).
    """
    earlier = [id_ for id_, each in draft.resources.items() if each.type == DELIVERY]
    arn = f"arn:{PARTITION}:cloudfront::{ACCOUNT}:distribution/${{{distribution}}}"
    source = draft.add(
        f"{distribution}LogSource",
        "AWS::Logs::DeliverySource",
        {
            "LogType": "ACCESS_LOGS",
            "Name": draft.called(draft.name, node, limit=LONGEST_NAME),
            "ResourceArn": sub(arn),
        },
    )
    draft.add(
        f"{distribution}Log",
        DELIVERY,
        {
            "DeliveryDestinationArn": get(DESTINATION),
            "DeliverySourceName": source,
            "RecordFields": list(FIELDS),
        },
        # Made before the bucket lets it write, AWS would change the bucket's policy by itself.
        after=["LogsBucketPolicy", *earlier[-1:]],
    )

"""Buckets: private, encrypted, TLS only, versioned (R101-R106).

Every bucket keeps what was deleted or overwritten for a week; one with `versions` keeps it for
good. `logs` is the bucket in which the balancer and the buckets write who asked for what (R164).
"""

import math
from collections.abc import Mapping, Sequence

from fairway.core import names
from fairway.core.spec.model import App, Bucket
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.policies import statement
from fairway.targets.aws.render.template import (
    ACCOUNT,
    Draft,
    Value,
    each,
    get,
    join,
    ref,
    split,
    sub,
)

__all__ = [
    "add_bucket_of_logs",
    "add_bucket_policy",
    "add_buckets",
    "bucket_id",
    "closed",
    "named",
    "tls_only",
    "written_by_buckets",
]

DAY = 86400.0
UNDELETE_DAYS = 7
AUDIT_DAYS = 365  # R248
CLOSED: Mapping[str, Value] = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}
OWNED: Value = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def bucket_id(name: str) -> str:
    """A bucket's id in the template."""
    return names.logical_id("bucket", name)


def add_buckets(app: App, ground: Ground) -> None:
    """Add the app's buckets, and the one for logs."""
    _add_logs(ground.draft)
    watched = {
        place.split("/", 1)[0]
        for job in app.jobs.values()
        for place in (job.only_if_new, job.on_new)
        if place
    }
    for bucket in app.buckets.values():
        _add(bucket, ground, is_watched=bucket.name in watched)


def closed(
    rules: Sequence[Value], *, key: Value | None = None, log: tuple[Value, str] | None = None
) -> dict[str, Value]:
    """The properties of a private bucket, with `rules` for the life of what lies in it.

    Encrypted with `key`, or with S3's own: CloudFront and balancers know no other. `log` is the
    bucket that gets its access log, and the prefix there.
    """
    encryption: dict[str, Value] = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    if key is not None:
        encryption = {
            "BucketKeyEnabled": True,
            "ServerSideEncryptionByDefault": {"KMSMasterKeyID": key, "SSEAlgorithm": "aws:kms"},
        }
    properties: dict[str, Value] = {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]},
        "LifecycleConfiguration": {"Rules": list(rules)},
        "OwnershipControls": OWNED,
        "PublicAccessBlockConfiguration": CLOSED,
        "VersioningConfiguration": {"Status": "Enabled"},
    }
    if log is not None:
        destination, prefix = log
        properties["LoggingConfiguration"] = {
            "DestinationBucketName": destination,
            "LogFilePrefix": prefix,
        }
    return properties


def named(draft: Draft, id_: str) -> dict[str, Value]:
    """`BucketName`, where a policy of elsewhere names it by its start, which would be cut.

    What comes behind it is the stack's own: one that is made anew after `fairway down`, which keeps
    the bucket, gives another name.
    """
    if names.keeps_its_name(draft.stack_name, id_, limit=names.LONGEST_BUCKET):
        return {}
    # arn:aws:cloudformation:eu-west-1:222222222222:stack/name/51af3dc0-da77-11e4-872e-1234567db123
    own = each(split("-", each(split("/", ref("AWS::StackId")), 2)), 0)
    return {"BucketName": join("-", [names.bucket_start(draft.stack_name, id_), own])}


def tls_only(id_: str) -> Value:
    """The statement that refuses whoever comes without TLS."""
    return statement(
        ("s3:*",),
        [get(id_), join("/", [get(id_), "*"])],
        principal="*",
        when={"Bool": {"aws:SecureTransport": False}},
        effect="Deny",
    )


def _add(bucket: Bucket, ground: Ground, *, is_watched: bool) -> None:
    draft, id_ = ground.draft, bucket_id(bucket.name)
    properties = closed(
        _lifecycle(bucket), key=ground.key, log=(ref("LogsBucket"), f"buckets/{bucket.name}/")
    )
    if is_watched:
        properties["NotificationConfiguration"] = {
            "EventBridgeConfiguration": {"EventBridgeEnabled": True}
        }
    # S3 may write the log as soon as the bucket is there.
    draft.add(id_, "AWS::S3::Bucket", properties, keep="Retain", after=["LogsBucketPolicy"])
    add_bucket_policy(draft, id_, [tls_only(id_)])
    draft.give(f"bucket/{bucket.name}", ref(id_))


def _lifecycle(bucket: Bucket) -> list[Value]:
    rules: list[Value] = [
        {
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            "Id": "unfinished-uploads",
            "Status": "Enabled",
        }
    ]
    if not bucket.versions:
        rules.append(
            {
                "Id": "undelete-for-a-week",
                "NoncurrentVersionExpiration": {"NoncurrentDays": UNDELETE_DAYS},
                "Status": "Enabled",
            }
        )
    if bucket.tiering:
        rules.append(
            {
                "Id": "tiering",
                "Status": "Enabled",
                "Transitions": [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 0}],
            }
        )
    if bucket.keep_seconds is not None:
        days = max(1, math.ceil(bucket.keep_seconds / DAY))
        rules.append({"ExpirationInDays": days, "Id": "keep", "Status": "Enabled"})
    return rules


def add_bucket_policy(draft: Draft, id_: str, statements: Sequence[Value]) -> None:
    """Who may do what with the bucket `id_`."""
    draft.add(
        f"{id_}Policy",
        "AWS::S3::BucketPolicy",
        {
            "Bucket": ref(id_),
            "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
        },
    )


def add_bucket_of_logs(draft: Draft, writes: Sequence[Value]) -> Value:
    """Add `LogsBucket`: who asked for what, kept for a year; `writes` say who may write into it.

    S3's own key encrypts it: balancers write to no bucket with a key of one's own.
    """
    id_ = "LogsBucket"
    rule: Value = {
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        "ExpirationInDays": AUDIT_DAYS,
        "Id": "a-year",
        "NoncurrentVersionExpiration": {"NoncurrentDays": UNDELETE_DAYS},
        "Status": "Enabled",
    }
    bucket = draft.add(id_, "AWS::S3::Bucket", closed([rule]), keep="Retain")
    add_bucket_policy(draft, id_, [tls_only(id_), *writes])
    return bucket


def written_by_buckets() -> Value:
    """The statement that lets the buckets of this account write their access logs."""
    return statement(
        ("s3:PutObject",),
        sub("${LogsBucket.Arn}/buckets/*"),
        principal={"Service": "logging.s3.amazonaws.com"},
        when={"StringEquals": {"aws:SourceAccount": sub(ACCOUNT)}},
    )


def _add_logs(draft: Draft) -> None:
    """The bucket of what the balancer and the buckets log; the CDN has one beside it."""
    # The account stands in the path; balancers send no account of theirs to compare.
    by_balancers = statement(
        ("s3:PutObject",),
        sub(f"${{LogsBucket.Arn}}/balancer/AWSLogs/{ACCOUNT}/*"),
        principal={"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
    )
    draft.give("logs/bucket", add_bucket_of_logs(draft, [written_by_buckets(), by_balancers]))

"""What Fairway keeps at AWS for an environment: one bucket, in a stack of its own.

It holds who changes the environment (`lock`), what was released (`releases.json`), which
migrations and files are through (`done.json`), what outlived its stack (`kept.json`), and
templates that are too large for a call: all readable without Fairway. docs/adr/0016 says why a
bucket.
"""

import hashlib
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from fairway.core.problem import Problems
from fairway.core.spec.model import App
from fairway.targets.aws.account import Account, Refused
from fairway.targets.aws.decide import hold, releases
from fairway.targets.aws.decide.hold import Hold
from fairway.targets.aws.decide.releases import Release
from fairway.targets.aws.render.buckets import CLOSED, OWNED, tls_only
from fairway.targets.aws.render.template import Draft, Stack, ref
from fairway.targets.aws.waiting import Clock

__all__ = ["Store", "own_stack"]

NAME = "fairway"
LOCK = "lock"
RELEASES = "releases.json"
DONE = "done.json"
DAYS_OF_OLD = 90
ABSENT = frozenset({"NoSuchBucket", "NoSuchKey", "404", "NotFound"})
TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})


def own_stack(app: App) -> Stack:
    """The stack of the bucket: the first that is made, and kept like data."""
    draft = Draft(
        app=app.name,
        environment=app.environment,
        name=NAME,
        description=f"{app.name} in {app.environment}: what Fairway keeps of it.",
    )
    draft.add(
        "Bucket",
        "AWS::S3::Bucket",
        {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                ]
            },
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                        "Id": "old-versions",
                        "NoncurrentVersionExpiration": {"NoncurrentDays": DAYS_OF_OLD},
                        "Status": "Enabled",
                    }
                ]
            },
            "OwnershipControls": OWNED,
            "PublicAccessBlockConfiguration": CLOSED,
            "VersioningConfiguration": {"Status": "Enabled"},
        },
        keep="Retain",
    )
    draft.add(
        "BucketPolicy",
        "AWS::S3::BucketPolicy",
        {
            "Bucket": ref("Bucket"),
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [tls_only("Bucket")]},
        },
    )
    return draft.stack()


class Store:
    """The bucket of one environment."""

    def __init__(self, account: Account, bucket: str, clock: Clock) -> None:
        self.account = account
        self.bucket = bucket
        self.clock = clock

    def read(self, key: str) -> str | None:
        """A text; None where there is none."""
        found = self._found(key)
        return None if found is None else found[0]

    def write(self, key: str, text: str) -> None:
        """Keep a text; what was there stays as an older version."""
        self.account.client("s3").put_object(Bucket=self.bucket, Key=key, Body=text.encode())

    def upload(self, key: str, text: str) -> str:
        """Keep a text that CloudFormation reads; its address, another for each text."""
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        place = f"{key}.{digest}"
        self.write(place, text)
        return f"https://s3.{self.account.region}.amazonaws.com/{self.bucket}/{place}"

    def releases(self) -> tuple[Release, ...]:
        """What was released or tried, oldest first."""
        return releases.read(self.read(RELEASES) or "[]")

    def add(self, release: Release, *, keep: int) -> None:
        """Add one more, under the lock."""
        self.write(RELEASES, releases.text(releases.appended(self.releases(), release, keep=keep)))

    def done(self) -> dict[str, str]:
        """Step -> what it did last and need not do again: a migration's task, a site's files."""
        return dict(cast("Mapping[str, str]", json.loads(self.read(DONE) or "{}")))

    def has_done(self, step: str, what: str) -> None:
        """Remember that it ended well."""
        self.write(DONE, json.dumps({**self.done(), step: what}, sort_keys=True))

    def holder(self) -> Hold | None:
        """Who holds the environment."""
        text = self.read(LOCK)
        return None if text is None else hold.read(text)

    @contextmanager
    def held(self, verb: str, environment: str) -> Generator[Hold]:
        """Hold the environment alone; raises `Problems` with its holder where somebody does.

        The record is written on the condition that there is none: of two at once, one has it.
        """
        now = self.clock.now()
        salt = f"{self.account.who} {verb} {now!r} {id(self)}"
        own = Hold(
            id=hashlib.sha256(salt.encode()).hexdigest()[:16],
            owner=self.account.who,
            verb=verb,
            since=now,
        )
        try:
            self.account.client("s3").put_object(
                Bucket=self.bucket, Key=LOCK, Body=own.text().encode(), IfNoneMatch="*"
            )
        except Refused as refused:
            if refused.code not in TAKEN:
                raise
            told = hold.held(self.holder(), environment=environment, now=now)
            raise Problems([told], exit_code=1) from refused
        try:
            yield own
        finally:
            self.let_go(own)

    def let_go(self, own: Hold) -> None:
        """End a hold, unless it is somebody else's by now."""
        by = self.holder()
        if by is not None and by.id == own.id:
            self.account.client("s3").delete_object(Bucket=self.bucket, Key=LOCK)

    def _found(self, key: str) -> tuple[str, str] | None:
        try:
            found: Any = self.account.client("s3").get_object(Bucket=self.bucket, Key=key)
        except Refused as refused:
            if refused.code in ABSENT:
                return None
            raise
        return found["Body"].read().decode(), str(found["ETag"])

"""The audit log's months in the bucket (R106): put there whole, read back, and verified again.

Every month that the log has is written each time: the same bytes, or more of them while it lasts.
The bucket's own rule deletes objects after their time (`keep` in fairway.toml).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from fairway_runtime.audit import AuditLog
from fairway_runtime.audit_chain import Head, examine, split_lines
from fairway_runtime.audit_export import Bucket, export_month, months
from longrun.settings import Settings

__all__ = ["Archived", "Objects", "archive", "bucket_of"]


class Objects(Protocol):
    """An object store that can be read back."""

    def put(self, key: str, data: bytes) -> object: ...
    def get(self, key: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Archived:
    """One month in the bucket, as it was read back; `faults` are sentences."""

    key: str
    bytes: int
    records: int
    faults: tuple[str, ...]

    @property
    def is_intact(self) -> bool:
        return not self.faults


class S3Objects:
    """A bucket on S3, or on what speaks like it (AWS_ENDPOINT_URL_S3)."""

    def __init__(self, name: str) -> None:
        self._client: Any = import_module("boto3").client("s3")
        self._name = name
        self._bucket = Bucket(name, self._client)

    def put(self, key: str, data: bytes) -> object:
        return self._bucket.put(key, data)

    def get(self, key: str) -> bytes:
        found: bytes = self._client.get_object(Bucket=self._name, Key=key)["Body"].read()
        return found


def bucket_of(settings: Settings) -> S3Objects:
    """The bucket of BUCKET_NAME."""
    if not settings.bucket:
        raise ValueError("BUCKET_NAME is not set: the audit log's months go into a bucket")
    return S3Objects(settings.bucket)


def archive(log: AuditLog, objects: Objects) -> Iterator[Archived]:
    """Export every month of the log, oldest first, and judge what came back.

    A month must be intact in itself, and begin where the month before ended.
    """
    before: Head | None = None
    for month in months(log):
        exported = export_month(log, month, objects)
        if exported is None:
            continue
        back = objects.get(exported.key)
        report = examine(split_lines(back), log.chain, start=before)
        faults = list(report.faults)
        if hashlib.sha256(back).hexdigest() != exported.sha256:
            faults.append(f"{exported.key} came back other than it was sent")
        before = report.head
        yield Archived(exported.key, len(back), report.records, tuple(faults))

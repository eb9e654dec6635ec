"""Takes the audit log's months to an object store, each as one object that verifies alone (R106).

The store is anything with `put`. Exporting a month again writes the same bytes, or more of them
while it lasts; nothing is taken out of the log.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

from fairway_runtime.audit import AuditLog
from fairway_runtime.audit_chain import Chain, Report, examine

__all__ = ["Bucket", "Exported", "Store", "export_month", "months"]

_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])\Z")


class Store(Protocol):
    """Where objects go."""

    def put(self, key: str, data: bytes) -> object: ...


class Bucket:
    """An S3 bucket; `client` is boto3's, made from the environment unless given."""

    def __init__(self, name: str, client: object = None) -> None:
        self._name = name
        self._client = cast("Any", client or import_module("boto3").client("s3"))

    def put(self, key: str, data: bytes) -> object:
        return self._client.put_object(
            Bucket=self._name, Key=key, Body=data, ContentType="application/x-ndjson"
        )


@dataclass(frozen=True, slots=True)
class Exported:
    """One month in the store: `report` says whether what was exported is intact."""

    key: str
    bytes: int
    sha256: str
    report: Report


def months(log: AuditLog) -> tuple[str, ...]:
    """The months that the log has records of, oldest first."""
    return tuple(dict.fromkeys(record.month for record in log.records()))


def export_month(
    log: AuditLog, month: str, store: Store, *, prefix: str = "audit/"
) -> Exported | None:
    """Put the lines of `month` (2026-11, UTC) at `<prefix>2026-11.jsonl`; None: it has none.

    A month's records are one piece of the chain, with the torn bytes among them. What is broken is
    exported too: it is evidence. The whole month is held in memory.
    """
    if not _MONTH.match(month):
        raise ValueError(f"{month!r} is not a month, such as 2026-11")
    lines = _lines_of(log.lines(), log.chain, month)
    if not lines:
        return None
    data = b"".join(lines)
    key = f"{prefix}{month}.jsonl"
    report = examine(lines, log.chain, start=None)
    store.put(key, data)
    return Exported(key, len(data), hashlib.sha256(data).hexdigest(), report)


def _lines_of(lines: Iterable[bytes], chain: Chain, month: str) -> list[bytes]:
    """The month's records, and what stands before each, or at the log's end, and is none."""
    kept: list[bytes] = []
    stray: list[bytes] = []
    is_within = False
    for line in lines:
        record = chain.read(line)
        if record is None:
            stray.append(line)
            continue
        is_within = record.month == month
        if is_within:
            kept += [*stray, line]
        stray = []
    return [*kept, *stray] if is_within else kept

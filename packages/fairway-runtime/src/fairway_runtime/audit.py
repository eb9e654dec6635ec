"""The audit log: who did what, append-only, hash-chained and verifiable (R90, R106).

    audit = AuditLog(FileLedger("audit.jsonl"))
    audit.append("plan.delete", target="plan/7")
    assert audit.verify().is_intact

The log decides what a record says; a ledger (`audit_file`, `audit_postgres`) keeps its lines and
lets one writer at a time add to them. Nothing here changes or removes a record.
"""

import asyncio
import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, cast

from fairway_runtime.audit_chain import (
    TORN,
    AuditBroken,
    Chain,
    Head,
    Record,
    Report,
    examine,
    is_sealed,
    split_lines,
)
from fairway_runtime.context import current
from fairway_runtime.redact import HIDDEN, is_secret_name

__all__ = ["AuditLog", "Event", "Ledger"]

_OURS = "audit."  # actions that only the log itself may take


@dataclass(frozen=True, slots=True)
class Event:
    """That `actor` did `action` to `target`; `detail` must be JSON.

    Without `actor` it is the user of the request that runs; without `correlation_id`, that
    request's.
    """

    action: str
    actor: str | None = None
    target: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict[str, object])
    correlation_id: str | None = None

    def __post_init__(self) -> None:
        if not self.action or self.action.startswith(_OURS):
            raise ValueError(
                f"an audit record's action is a word of the app's own: {self.action!r}"
            )


class Ledger(Protocol):
    """Keeps lines; many processes and threads may use one at the same time."""

    def extend(self, chain: Chain, write: Callable[[Head, bytes], bytes]) -> None:
        """Add the lines that `write(head, torn)` gives, with no other writer in between.

        `head` is that of the last record that `chain` can read, `torn` the bytes after it. When
        this returns, the lines are kept; when it raises, a part of them at most is.
        """
        ...

    def lines(self) -> Iterable[bytes]:
        """Every line there is now, its newline included; the last may lack one."""
        ...


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class AuditLog:
    """Adds records to a ledger, and tells whether they are still what they were.

    With `key` (32 bytes or more, the same in every process) nobody without it can make a record,
    or the chain anew.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        key: bytes | None = None,
        clock: Callable[[], dt.datetime] = _now,
    ) -> None:
        if key is not None and len(key) < 32:
            raise ValueError("the audit log's key must have 32 bytes or more")
        self._ledger = ledger
        self._clock = clock
        self.chain = Chain(key)

    def append(
        self,
        action: str,
        *,
        actor: str | None = None,
        target: str | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> Head:
        """Record that `actor` did `action` to `target`; kept when this returns.

        Without `actor` it is the user of the request that runs; its correlation id is recorded
        too. `detail` must be JSON; values of secret names (password, token, …) are hidden. The
        head that is returned proves the record to whoever keeps it. Raises `AuditBroken` where no
        record can follow the log's last line.
        """
        return self.append_all([Event(action, actor, target, detail or {})])[0]

    def append_all(self, events: Iterable[Event]) -> list[Head]:
        """Record several, in order, in one write; their heads.

        `events` is read when the log's turn is ours: a generator may look until then at what
        there is to record. Where this raises, a file has a part of them at most, and PostgreSQL
        none.
        """
        heads: list[Head] = []

        def write(head: Head, torn: bytes) -> bytes:
            time = self._clock().astimezone(dt.UTC).isoformat(timespec="microseconds")
            time = time.removesuffix("+00:00") + "Z"
            lines: list[bytes] = []
            for event in events:
                if torn:
                    account, head = self._mend(head, torn, time)
                    lines.append(account)
                    torn = b""
                line, head = self.chain.seal(head, time, _fields(event))
                lines.append(line)
                heads.append(head)
            return b"".join(lines)

        self._ledger.extend(self.chain, write)
        return heads

    async def append_async(
        self,
        action: str,
        *,
        actor: str | None = None,
        target: str | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> Head:
        """`append` in a thread: it waits for a disk or a database."""
        call = partial(self.append, action, actor=actor, target=target, detail=detail)
        return await asyncio.to_thread(call)

    def verify(self, holding: Head | None = None) -> Report:
        """Read everything and say what is wrong; `holding` is a head that was seen before."""
        return examine(self._ledger.lines(), self.chain, holding=holding)

    def lines(self) -> Iterable[bytes]:
        """The lines as they are kept."""
        return self._ledger.lines()

    def records(self) -> Iterator[Record]:
        """Every record that can be read, oldest first."""
        for line in self._ledger.lines():
            record = self.chain.read(line)
            if record is not None:
                yield record

    def _mend(self, head: Head, torn: bytes, time: str) -> tuple[bytes, Head]:
        """What must come first where an append was interrupted; the torn bytes stay.

        A record that lacks its newline alone gets it. Otherwise a record tells of the bytes.
        """
        lines = split_lines(torn)
        if any(map(is_sealed, lines)):
            raise AuditBroken
        end = b"" if torn.endswith(b"\n") else b"\n"
        whole = self.chain.read(lines[-1] + end)
        if whole is not None:
            return end, whole.head
        piece = torn + end
        told = {
            "actor": None,
            "action": TORN,
            "target": None,
            "correlation_id": None,
            "detail": {"bytes": len(piece), "sha256": hashlib.sha256(piece).hexdigest()},
        }
        line, head = self.chain.seal(head, time, told)
        return end + line, head


def _fields(event: Event) -> dict[str, object]:
    """What a record says, but for its place in the chain."""
    context = current()
    actor, request = event.actor, event.correlation_id
    if context is not None:
        actor = context.user_id if actor is None else actor
        request = context.correlation_id if request is None else request
    return {
        "actor": actor,
        "action": event.action,
        "target": event.target,
        "correlation_id": request,
        "detail": _hidden(event.detail),
    }


def _hidden(detail: Mapping[str, object]) -> dict[str, object]:
    return {
        name: HIDDEN if is_secret_name(name) else _hidden_within(value)
        for name, value in detail.items()
    }


def _hidden_within(value: object) -> object:
    if isinstance(value, Mapping):
        return _hidden(cast("Mapping[str, object]", value))
    if isinstance(value, list | tuple):
        return [_hidden_within(one) for one in cast("Iterable[Any]", value)]
    return value

"""The audit log's records, each sealed by the hash of the one before; pure, and without a store.

A record is a line of JSON. Its last field, `hash`, is SHA-256 over the bytes of the line up to
there, HMAC-SHA-256 where there is a key; `previous` is the hash of the line before. So no record
can be changed, taken out, put in or moved without breaking the chain. Without a key whoever can
write the log can also compute it anew; with or without one, records missing at its end are seen
only by who kept the head (`Head`).
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

__all__ = [
    "GENESIS",
    "TORN",
    "AuditBroken",
    "Chain",
    "Head",
    "Record",
    "Report",
    "Torn",
    "examine",
    "is_sealed",
    "split_lines",
]

TORN = "audit.torn"  # the action of a record that tells of bytes before it which are none
_SEAL = re.compile(rb',"hash":"([0-9a-f]{64})"\}\n?\Z')
_SEAL_BYTES = len(b',"hash":"') + 64 + len(b'"}\n')
_MOST_FAULTS = 100
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


class AuditBroken(Exception):
    """The log ends with a whole line that is no record under this key: nothing can follow it."""

    def __init__(self) -> None:
        super().__init__(
            "the audit log's last line is no record: another key was used, or it was changed;"
            " verify it, put it aside, and begin a new one"
        )


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain stands: its last record's number (from 1; 0: none yet), hash and time."""

    sequence: int
    hash: str
    time: str = ""


GENESIS = Head(0, "0" * 64)


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that somebody did; `time` is UTC, never earlier than the record before."""

    sequence: int
    time: str  # 2026-11-21T03:58:07.123456Z
    actor: str | None
    action: str
    target: str | None
    correlation_id: str | None
    detail: Mapping[str, Any]  # as JSON has it
    previous: str
    hash: str

    @property
    def head(self) -> Head:
        return Head(self.sequence, self.hash, self.time)

    @property
    def month(self) -> str:
        """`2026-11`."""
        return self.time[:7]

    def follows(self, head: Head) -> bool:
        is_next = self.sequence == head.sequence + 1 and self.previous == head.hash
        return is_next and self.time >= head.time


class Chain:
    """Seals records and reads them back; `key` makes the seal one that only its holder can set."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key

    def seal(self, head: Head, time: str, fields: Mapping[str, object]) -> tuple[bytes, Head]:
        """The line of `fields` after `head`, and the head that it makes.

        Raises `TypeError` or `ValueError` for what JSON can't say exactly. A clock that went back
        is held at the time of `head`: months stay together.
        """
        time = max(time, head.time)
        said = {"sequence": head.sequence + 1, "time": time, **fields, "previous": head.hash}
        body = json.dumps(said, separators=(",", ":"), allow_nan=False).encode()[:-1]
        digest = self._digest(body)
        line = body + b',"hash":"' + digest.encode() + b'"}\n'
        return line, Head(head.sequence + 1, digest, time)

    def read(self, line: bytes) -> Record | None:
        """The record that `line` holds, or None where it is none, or not as it was sealed."""
        found = _SEAL.search(line)
        if found is None or not line.endswith(b"\n"):
            return None
        if not hmac.compare_digest(self._digest(line[:-_SEAL_BYTES]).encode(), found[1]):
            return None
        try:
            said = cast("dict[str, Any]", json.loads(line))
            return Record(**said)
        except (ValueError, TypeError):
            return None

    def _digest(self, body: bytes) -> str:
        if self._key is None:
            return hashlib.sha256(body).hexdigest()
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Torn:
    """Bytes that an interrupted append left; `is_told` once a later record accounts for them."""

    line: int
    length: int
    is_told: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a chain: `faults` are sentences, at most 100; `torn` are no faults.

    Keep `head` somewhere else, and give it to the next verification as `holding`.
    """

    records: int
    head: Head
    torn: tuple[Torn, ...]
    faults: tuple[str, ...]

    @property
    def is_intact(self) -> bool:
        return not self.faults


def examine(
    lines: Iterable[bytes],
    chain: Chain,
    *,
    start: Head | None = GENESIS,
    holding: Head | None = None,
) -> Report:
    """Read a whole log once and say what is wrong with it; all of it, not the first.

    `start` is the head before the first line; None takes a piece of a log as it begins.
    `holding` must be among its records: a log that was cut or computed anew does not have it.
    """
    judge = _Judge(chain, start, holding)
    for line in lines:
        judge.take(line)
    return judge.report()


class _Judge:
    """The state of one examination."""

    def __init__(self, chain: Chain, start: Head | None, holding: Head | None) -> None:
        self._chain = chain
        self._head = start
        self._holding = holding
        self._holds = holding is None or holding == start or holding.sequence == 0
        self._line = 0
        self._records = 0
        self._stray: list[bytes] = []  # lines since the last record that are none
        self._torn: list[Torn] = []
        self._faults: list[str] = []

    def take(self, line: bytes) -> None:
        self._line += 1
        record = self._chain.read(line)
        if record is None:
            self._stray.append(line)
            return
        self._judge_stray(record)
        if self._head is not None and not record.follows(self._head):
            self._fault(
                f"line {self._line}: record {record.sequence} does not follow"
                f" record {self._head.sequence}"
            )
        self._head = record.head
        self._records += 1
        holding = self._holding
        if holding is not None and holding.sequence == record.sequence:
            self._holds = holding.hash == record.hash

    def report(self) -> Report:
        if self._stray:
            self._judge_last()
        if not self._holds and self._holding is not None:
            number = self._holding.sequence
            self._fault(f"record {number} was seen before, and is not there or not the same")
        return Report(self._records, self._head or GENESIS, tuple(self._torn), tuple(self._faults))

    def _judge_stray(self, record: Record) -> None:
        """Bytes before `record` that are no record must be what it tells of, and torn."""
        stray, self._stray = self._stray, []
        if record.action != TORN:
            self._blame(stray, self._line - len(stray))
            return
        first = self._line - len(stray)
        piece = b"".join(stray)
        told = (record.detail.get("bytes"), record.detail.get("sha256"))
        if told != (len(piece), hashlib.sha256(piece).hexdigest()):
            self._fault(f"line {first}: not the torn bytes that record {record.sequence} tells of")
        elif any(map(is_sealed, stray)):
            self._blame(stray, first)
        else:
            self._torn.append(Torn(first, len(piece), is_told=True))

    def _judge_last(self) -> None:
        """What stands after the last record: torn, if it is the beginning of one."""
        first = self._line - len(self._stray) + 1
        if any(map(is_sealed, self._stray)):
            self._blame(self._stray, first)
        else:
            length = sum(map(len, self._stray))
            self._torn.append(Torn(first, length, is_told=False))

    def _blame(self, stray: list[bytes], first: int) -> None:
        for number, _ in enumerate(stray, first):
            self._fault(f"line {number}: changed since it was written, or never a record")

    def _fault(self, text: str) -> None:
        if len(self._faults) < _MOST_FAULTS:
            self._faults.append(text)


def is_sealed(line: bytes) -> bool:
    """Whether this was once a whole line: an append that is cut short never leaves one."""
    return line.endswith(b"\n") and _SEAL.search(line) is not None


def split_lines(data: bytes) -> list[bytes]:
    """The lines of `data`, each with its newline; the last may lack one."""
    return _LINE.findall(data)

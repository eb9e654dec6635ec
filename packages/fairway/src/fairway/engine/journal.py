"""The journal: what the engine decided and what happened, one JSON object a line, append-only.

Two kinds of lines: `{"at", "ledger": {...}}`, synced to disk before anything is done about it,
and `{"at", "node", "text", "level"}`, what people read. The last whole ledger is what a new
engine goes on from; a line that a crash cut short is ignored. Readable with any tool.
"""

import json
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fairway.core import ledger as ledgers
from fairway.core.ledger import Ledger
from fairway.core.problem import Problem, Problems
from fairway.core.status import EventLine

__all__ = ["Journal"]

COMPACT_BYTES = 4 * 1024 * 1024
KEPT_EVENTS = 500


class Journal:
    """Opened once by the engine that holds the project's lock; others may only read it."""

    def __init__(self, path: Path, *, reads_only: bool = False) -> None:
        self.path = path
        self.ledger = Ledger()
        self.events: deque[EventLine] = deque(maxlen=KEPT_EVENTS)
        for entry in entries(path):
            if "ledger" in entry:
                self.ledger = ledgers.from_json(entry["ledger"])
            else:
                self.events.append(EventLine(**entry))
        if not reads_only:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.compact(0.0)

    def write(self, ledger: Ledger, at: float) -> None:
        """Make `ledger` what a restart goes on from. Raises `Problems` where it can't be kept."""
        if ledger == self.ledger:
            return
        self.append({"at": at, "ledger": ledgers.to_json(ledger)}, durable=True)
        self.ledger = ledger
        if self.path.stat().st_size > COMPACT_BYTES:
            self.compact(at)

    def tell(self, event: EventLine) -> None:
        """Keep an event. A full disk loses it from the file, not from the engine's memory."""
        self.events.append(event)
        try:
            self.append(event_to_json(event), durable=False)
        except Problems:
            return

    def append(self, entry: dict[str, Any], *, durable: bool) -> None:
        line = json.dumps(entry, sort_keys=True).encode() + b"\n"
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                end = os.lseek(descriptor, 0, os.SEEK_END)
                if os.write(descriptor, line) != len(line):
                    # Cut short by a full disk: take the half line away again.
                    os.ftruncate(descriptor, end)
                    raise OSError(28, os.strerror(28))
                if durable:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Problems([unwritable(self.path, error)], exit_code=1) from error

    def compact(self, at: float) -> None:
        """Rewrite the file as the last ledger and the kept events, in one rename."""
        if not self.path.exists():
            return
        temporary = self.path.with_suffix(".tmp")
        lines = [json.dumps(event_to_json(event), sort_keys=True) for event in self.events]
        lines.append(json.dumps({"at": at, "ledger": ledgers.to_json(self.ledger)}, sort_keys=True))
        try:
            with temporary.open("w") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write("\n".join(lines) + "\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise Problems([unwritable(self.path, error)], exit_code=1) from error


def event_to_json(event: EventLine) -> dict[str, Any]:
    return {"at": event.at, "node": event.node, "text": event.text, "level": event.level}


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of the file; one that is cut short ends it."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise Problems(
                    [
                        Problem(
                            where=f"{path}:{number}",
                            what=f"the journal is damaged: {error}",
                            mend="Move the file away; `fairway up` then starts afresh "
                            "and keeps all data.",
                        )
                    ],
                    exit_code=1,
                ) from error
            yield entry


def unwritable(path: Path, error: OSError) -> Problem:
    return Problem(
        where=str(path),
        what=f"the journal can't be written: {error.strerror}",
        mend="Nothing is changed until it can: make room on that disk.",
    )

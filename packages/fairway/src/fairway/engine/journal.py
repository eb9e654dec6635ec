"""The journal: what the engine decided and what happened, one JSON object a line, append-only.

Three kinds of lines: `{"at", "ledger": {...}}`, a whole ledger; `{"at", "change": {...}}`, what has
changed since (`core/ledger_change.py`), synced to disk before anything is done about it; and
`{"at", "node", "text", "level"}`, what people read. A new engine goes on from the last whole ledger
with the changes after it; a line that a crash cut short is ignored. Readable with any tool.

A write costs what has changed. The file is rewritten, as one whole ledger and the kept events, at a
start, once it has doubled since, and where it is not as this engine left it.
"""

import errno
import json
import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from fairway.core import ledger as ledgers
from fairway.core.ledger import Ledger
from fairway.core.ledger_change import Change, applied, difference
from fairway.core.problem import Problem, Problems
from fairway.core.status import EventLine

__all__ = ["Journal"]

COMPACT_BYTES = 4 * 1024 * 1024  # a smaller file is left as it is
COMPACT_GROWTH = 2  # how many times as large as after the last rewriting it may get
KEPT_EVENTS = 500


class Journal:
    """Opened once by the engine that holds the project's lock; others may only read it.

    `size` is the file's size as this engine left it, `whole_size` its size when the whole ledger
    was written last (0: it was not).
    """

    def __init__(self, path: Path, *, reads_only: bool = False) -> None:
        self.path = path
        self.ledger, self.events = read(path)
        self.size = self.whole_size = 0
        if not reads_only:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                self.rewrite(self.ledger, 0.0)

    def write(self, ledger: Ledger, at: float) -> None:
        """Make `ledger` what a restart goes on from. Raises `Problems` where it can't be kept."""
        change = difference(self.ledger, ledger)
        if not change:
            return
        if self.can_go_on():
            self.append({"at": at, "change": change}, durable=True)
        else:
            self.rewrite(ledger, at)
        self.ledger = ledger
        if self.size > max(COMPACT_BYTES, COMPACT_GROWTH * self.whole_size):
            with suppress(Problems):  # the ledger is kept; the next write tries again
                self.rewrite(ledger, at)

    def tell(self, event: EventLine) -> None:
        """Keep an event. A full disk loses it from the file, not from the engine's memory."""
        self.events.append(event)
        try:
            self.append(event_to_json(event), durable=False)
        except Problems:
            return

    def can_go_on(self) -> bool:
        """Whether a change can follow: the file has a whole ledger and is as this engine left it.

        It is not when somebody moved it away, or when what a full disk cut short stayed in it.
        """
        if self.whole_size == 0:
            return False
        try:
            return self.path.stat().st_size == self.size
        except OSError:
            return False

    def append(self, entry: dict[str, Any], *, durable: bool) -> None:
        line = json.dumps(entry, sort_keys=True).encode() + b"\n"
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                end = os.lseek(descriptor, 0, os.SEEK_END)
                if end != self.size:
                    self.whole_size = 0  # not the file that we wrote the ledger to
                self.size = end
                put(descriptor, line, durable=durable)
                self.size += len(line)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Problems([unwritable(self.path, error)], exit_code=1) from error

    def rewrite(self, ledger: Ledger, at: float) -> None:
        """Write the file anew as the kept events and a whole ledger, in one rename."""
        temporary = self.path.with_suffix(".tmp")
        entries = [event_to_json(event) for event in self.events]
        entries.append({"at": at, "ledger": ledgers.to_json(ledger)})
        text = "".join(f"{json.dumps(entry, sort_keys=True)}\n" for entry in entries)
        try:
            with temporary.open("w") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
            sync(self.path.parent)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise Problems([unwritable(self.path, error)], exit_code=1) from error
        self.size = self.whole_size = len(text)


def sync(folder: Path) -> None:
    """Have the disk keep the names in a folder: what follows is written to the renamed file."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put(descriptor: int, line: bytes, *, durable: bool) -> None:
    """Append a whole line or nothing."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    try:
        if os.write(descriptor, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if durable:
            os.fsync(descriptor)
    except OSError:
        # A change builds on the lines before it: one that was not kept must not be among them.
        os.ftruncate(descriptor, end)
        raise


def read(path: Path) -> tuple[Ledger, deque[EventLine]]:
    """The ledger as it was written last, and the last events."""
    whole: dict[str, Any] | None = None
    changes: list[Change] = []
    events: deque[EventLine] = deque(maxlen=KEPT_EVENTS)
    try:
        for entry in entries(path):
            if "ledger" in entry:
                whole, changes = entry["ledger"], []
            elif "change" in entry:
                changes.append(entry["change"])
            else:
                events.append(EventLine(**entry))
        ledger = Ledger() if whole is None else ledgers.from_json(whole)
        return applied(ledger, changes), events
    except (AttributeError, KeyError, TypeError) as error:
        # Whole lines of JSON, but not ours: edited, or a line was taken out.
        why = f"{type(error).__name__}: {error}"
        raise Problems([damaged(str(path), why)], exit_code=1) from error


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
                raise Problems([damaged(f"{path}:{number}", str(error))], exit_code=1) from error
            yield entry


def damaged(where: str, why: str) -> Problem:
    return Problem(
        where=where,
        what=f"the journal is damaged: {why}",
        mend="Move the file away; `fairway up` then starts afresh and keeps all data.",
    )


def unwritable(path: Path, error: OSError) -> Problem:
    return Problem(
        where=str(path),
        what=f"the journal can't be written: {error.strerror}",
        mend="Nothing is changed until it can: make room on that disk.",
    )

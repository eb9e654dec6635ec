"""One engine a project: a lock with its owner and age, released by the kernel if the owner dies."""

import fcntl
import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from fairway.core.problem import Problem, Problems

__all__ = ["Locked", "ProjectLock", "wait_until_free"]

LOOK_SECONDS = 0.01


class Locked(Problems):
    """Another engine holds the project."""


class ProjectLock:
    """Held from `with` to its end; raises `Locked`, naming the owner, if another holds it."""

    def __init__(self, path: Path, *, purpose: str) -> None:
        self.path = path
        self.purpose = purpose
        self.descriptor: int | None = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Locked([self.held()], exit_code=1) from None
        owner = {"pid": os.getpid(), "since": time.time(), "purpose": self.purpose}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(owner).encode() + b"\n", 0)
        self.descriptor = descriptor
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def held(self) -> Problem:
        """Who holds it, for how long, and what to do."""
        try:
            owner = json.loads(self.path.read_text())
            age = max(0.0, time.time() - owner["since"])
            who = f"`fairway {owner['purpose']}` (process {owner['pid']}, for {age:.0f} s)"
        except (ValueError, KeyError, TypeError):
            who = "another fairway"
        return Problem(
            where=str(self.path.parent.parent),
            what=f"{who} holds this project",
            mend="See it with `fairway status`, change it with `fairway deploy`, "
            "or end it with `fairway down`.",
        )


def wait_until_free(path: Path, seconds: float) -> bool:
    """Whether nobody holds the lock any more within the time: its owner has ended."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
        finally:
            os.close(descriptor)
        time.sleep(LOOK_SECONDS)

"""Compiles a revision's code once, before anything runs from it.

Else each replica that starts would compile it again for itself, all at the same time and, in a
release, beside those that serve. What goes wrong here goes wrong nowhere else: Python then
compiles as it imports, and says what it has to say there. Blocking; call in a thread.
"""

import os
import threading
from contextlib import suppress
from pathlib import Path

from fairway.core.problem import Problems
from fairway.programs.attended import Attended

__all__ = ["compile_ahead", "is_large"]

MOST_FILES = 1000  # of more than these a replica imports a part, and all would take seconds
DEADLINE_SECONDS = 20.0


def compile_ahead(
    python: Path,
    python_version: str,
    source: Path,
    *,
    most_files: int = MOST_FILES,
    stop: threading.Event | None = None,
    beside: bool = False,
) -> None:
    """Have the bytecode of all code under `source`, a revision's; it is done once.

    `beside`: others serve meanwhile, and get more of the processors.
    """
    minor = ".".join(python_version.split(".")[:2])
    done = source.parent / f"compiled-{minor}"
    if done.exists() or is_large(source, most_files):
        return
    attended = Attended(
        where="bytecode",
        what="Compiling ahead",
        mend="Python compiles as it imports.",
        deadline_seconds=DEADLINE_SECONDS,
        stop=stop,
        beside=beside,
    )
    words = ["nice", "-n", "19", str(python), "-I", "-m", "compileall", "-q", str(source)]
    with suppress(OSError, Problems):
        attended.run(words, source, {"PATH": os.environ.get("PATH", os.defpath)})
        done.touch()


def is_large(source: Path, most_files: int) -> bool:
    """Whether there is more code than is worth compiling ahead."""
    count = 0
    for _, _, files in os.walk(source):
        count += sum(file.endswith(".py") for file in files)
        if count > most_files:
            return True
    return False

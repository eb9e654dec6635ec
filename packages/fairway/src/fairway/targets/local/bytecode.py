"""Compiles a revision's code once, before anything runs from it.

Else each replica that starts would compile it again for itself, all at the same time and, in a
release, beside those that serve. What goes wrong here goes wrong nowhere else: Python then
compiles as it imports, and says what it has to say there. Blocking; call in a thread.
"""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from fairway.targets.local.priority import step_aside

__all__ = ["compile_ahead", "is_large"]

MOST_FILES = 1000  # of more than these a replica imports a part, and all would take seconds
DEADLINE_SECONDS = 20.0


def compile_ahead(
    python: Path,
    python_version: str,
    source: Path,
    *,
    most_files: int = MOST_FILES,
    beside: bool = False,
) -> None:
    """Have the bytecode of all code under `source`, a revision's; it is done once.

    `beside`: others serve meanwhile, and get more of the processors.
    """
    minor = ".".join(python_version.split(".")[:2])
    done = source.parent / f"compiled-{minor}"
    if done.exists() or is_large(source, most_files):
        return
    with suppress(OSError, subprocess.TimeoutExpired):
        with subprocess.Popen(
            ["nice", "-n", "19", str(python), "-I", "-m", "compileall", "-q", str(source)],
            cwd=source,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=beside,
        ) as process:
            if beside:
                step_aside(process.pid)
            try:
                process.wait(DEADLINE_SECONDS)
            finally:
                process.kill()
        done.touch()


def is_large(source: Path, most_files: int) -> bool:
    """Whether there is more code than is worth compiling ahead."""
    count = 0
    for _, _, files in os.walk(source):
        count += sum(file.endswith(".py") for file in files)
        if count > most_files:
            return True
    return False

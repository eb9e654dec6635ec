"""Records of processes: one small JSON file each, written by the process itself.

Place in the flow: `launch.py` has a process write its own record, `processes.py` reads them, in
this engine or in the one that comes after a crash. A record names its process for ever by pid,
start time and boot, so that a pid that was used again is never taken for it. It holds no
environment, hence no secret, and reads well without the tool.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

__all__ = [
    "Record",
    "everyone",
    "exit_code",
    "path_of",
    "read",
    "remove",
    "rest",
    "write_exit_code",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a process wrote of itself before it became the program."""

    name: str
    pid: int
    started: int  # clock ticks since boot
    boot: str
    token: str  # of this one start
    argv: tuple[str, ...]
    log: Path
    labels: Mapping[str, str]
    keeps_exit_code: bool


def path_of(folder: Path, name: str) -> Path:
    """Where the record of `name` stands: `web.1` -> `web.1.json`."""
    return folder / f"{quote(name, safe='#@=+ ')}.json"


def rest(  # the part that is known before the process is there
    *,
    name: str,
    token: str,
    argv: tuple[str, ...],
    log: Path,
    labels: Mapping[str, str],
    keeps: bool,
) -> str:
    """A record's JSON without its opening and the pid, start time and boot, which come first."""
    known: dict[str, object] = {
        "name": name,
        "token": token,
        "argv": argv,
        "log": str(log),
        "labels": dict(sorted(labels.items())),
        "keeps_exit_code": keeps,
    }
    return json.dumps(known)[1:]


def read(path: Path) -> Record | None:
    """The record at `path`; None where there is none, or none that can be believed."""
    try:
        return parsed(path.read_bytes())
    except OSError:
        return None


@lru_cache(maxsize=512)  # an engine reads each of its records many times a second
def parsed(text: bytes) -> Record | None:
    """The record that `text` is; None where it can't be believed."""
    try:
        loaded: Any = json.loads(text)
        known = cast("dict[str, Any]", loaded)
        return Record(
            name=str(known["name"]),
            pid=int(known["pid"]),
            started=int(known["started"]),
            boot=str(known["boot"]),
            token=str(known["token"]),
            argv=tuple(str(word) for word in known["argv"]),
            log=Path(str(known["log"])),
            labels={str(key): str(value) for key, value in known["labels"].items()},
            keeps_exit_code=bool(known["keeps_exit_code"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def everyone(folder: Path) -> list[Record]:
    """Every record that can be believed, sorted by name."""
    found = (read(path) for path in folder.glob("*.json"))
    return sorted((each for each in found if each is not None), key=lambda each: each.name)


def exit_file(path: Path) -> Path:
    return path.with_name(path.name + ".exit")


def exit_code(path: Path, pid: int) -> int | None:
    """How the process of that record ended; None where nobody was there to see it."""
    try:
        owner, code = exit_file(path).read_text().split()
    except (OSError, ValueError):
        return None
    return int(code) if owner == str(pid) else None


def write_exit_code(path: Path, pid: int, code: int) -> None:
    """Keep how a process ended beside its record, as its wrapper would have."""
    exit_file(path).write_text(f"{pid} {code}\n")


def remove(path: Path) -> None:
    """Drop a record; its exit code first, so that no record ever has another one's."""
    exit_file(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    for draft in path.parent.glob(f"{path.name}.*"):
        draft.unlink(missing_ok=True)

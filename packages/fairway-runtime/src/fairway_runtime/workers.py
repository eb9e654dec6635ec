"""Metrics that are right whichever of several workers is asked (uvicorn --workers, gunicorn).

Each worker writes what it would tell to a file of its own, once a second and at its end, from a
thread; the one that is asked reads the others' files and adds up. Files rather than shared memory:
a request pays nothing, a worker that is killed loses a second at most, and one that blocks its
event loop still tells. What ended workers counted is kept in one file, so counters never go back.
"""

import atexit
import fcntl
import os
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from fairway_runtime import contract

__all__ = ["Workers", "folder_for", "merge"]

_EVERY_SECONDS = 1.0
_ENDED = "ended.prom"
_ADD_UP = frozenset(
    (
        *(contract.IN_FLIGHT_METRIC, contract.WEBSOCKETS_METRIC, contract.MEMORY_METRIC),
        *("process_open_fds", "process_threads", "rate_limit_keys"),
    )
)

Families = dict[str, tuple[str, str, dict[str, float]]]  # name: about, kind, value by series


class Workers:
    """What the workers of one server know together; `folder` is theirs alone."""

    def __init__(self, folder: Path, tell: Callable[[], bytes]) -> None:
        self._folder = folder
        self._tell = tell
        self._file = folder / f"{os.getpid()}-{time.monotonic_ns()}.prom"

    def start(self) -> None:
        """Publish from now on, in a thread; raises `OSError` where the folder can't be had."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{self._folder} belongs to someone else")
        self.publish()
        threading.Thread(target=self._work, name="fairway-metrics", daemon=True).start()
        atexit.register(self.publish)

    def publish(self) -> None:
        """Write what this worker would tell; readers see the old or the new, never half."""
        with suppress(OSError):
            new = self._file.with_suffix(".new")
            new.write_bytes(self._tell())
            new.rename(self._file)

    def render(self) -> bytes:
        """What all of them tell, this one as it is now and the others as of the last second."""
        texts = [self._tell()]
        with self._locked(), suppress(OSError):
            self._bury()
            texts += [
                file.read_bytes() for file in self._folder.glob("*.prom") if file != self._file
            ]
        return merge(texts)

    def _work(self) -> None:
        while True:
            time.sleep(_EVERY_SECONDS)
            self.publish()

    def _bury(self) -> None:
        """Move what ended workers counted into one file; their gauges are no more."""
        gone = [
            file
            for file in self._folder.glob("*-*.prom")
            if file != self._file and not _is_alive(int(file.name.partition("-")[0]))
        ]
        if not gone:
            return
        ended = self._folder / _ENDED
        texts = [file.read_bytes() for file in (ended, *gone) if file.exists()]
        families = _families(merge(texts))
        kept = {name: one for name, one in families.items() if one[1] != "gauge"}
        new = ended.with_suffix(".new")
        new.write_bytes(_text(kept))
        new.rename(ended)
        for file in gone:
            file.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Generator[None]:
        with (self._folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def folder_for(named: str) -> Path | None:
    """Where this process meets its siblings; None for a process that is alone.

    `named` says where, or else the number of the server's process. uvicorn starts workers through
    `multiprocessing`; gunicorn says who it is in SERVER_SOFTWARE.
    """
    if named:
        return Path(named)
    processes = sys.modules.get("multiprocessing.process")
    is_child = processes is not None and processes.parent_process() is not None
    if not is_child and not os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn"):
        return None
    import tempfile

    home = Path(tempfile.gettempdir()) / f"fairway-metrics-{os.getuid()}"
    _clear(home)
    return home / str(os.getppid())


def _clear(home: Path) -> None:
    """Take away what servers that ended have left."""
    with suppress(OSError):
        for folder in home.iterdir():
            if folder.name.isdigit() and not _is_alive(int(folder.name)):
                for file in folder.iterdir():
                    file.unlink(missing_ok=True)
                folder.rmdir()


def merge(texts: list[bytes]) -> bytes:
    """Prometheus texts as one.

    Counters and histograms add up, and so do some gauges; of the other gauges the highest is told,
    of start times the first.
    """
    merged: Families = {}
    for text in texts:
        for name, (about, kind, samples) in _families(text).items():
            _, _, into = merged.setdefault(name, (about, kind, {}))
            for series, value in samples.items():
                before = into.get(series)
                if before is None:
                    into[series] = value
                elif kind != "gauge" or name in _ADD_UP:
                    into[series] = before + value
                elif name == contract.STARTED_METRIC:
                    into[series] = min(before, value)
                else:
                    into[series] = max(before, value)
    return _text(merged)


def _families(text: bytes) -> Families:
    found: Families = {}
    about, samples = "", dict[str, float]()
    for line in text.decode().splitlines():
        if line.startswith("# HELP "):
            about = line.split(" ", 3)[3]
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            samples = {}
            found[name] = (about, kind, samples)
        else:
            series, _, value = line.rpartition(" ")
            samples[series] = float(value)
    return found


def _text(families: Families) -> bytes:
    lines: list[str] = []
    for name, (about, kind, samples) in families.items():
        lines += (f"# HELP {name} {about}", f"# TYPE {name} {kind}")
        for series, value in samples.items():
            shown = str(int(value)) if value.is_integer() else repr(value)
            lines.append(f"{series} {shown}")
    return "\n".join([*lines, ""]).encode()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""How a kernel is compiled: once for these sources, kept on disk, without Python's lock.

Where they lie does not matter: a release puts the same sources into another folder, and would
compile for ten seconds in each of its replicas. A kernel holds what it calls, so what is kept
belongs to all sources of the engine together.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import caching, config

__all__ = ["KernelFolder", "compiled", "kernel_folder"]

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


@cache
def kernel_folder() -> Path | None:
    """Where kernels of these sources are kept: with the user's caches, else with what is passing.

    None where neither can be written. What lies there is run: it must be nobody else's.
    """
    sources = sorted(Path(__file__).parent.glob("*.py"))
    named = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
    passing = tempfile.gettempdir()
    caches = os.environ.get("XDG_CACHE_HOME") or Path(os.environ.get("HOME", passing), ".cache")
    for above in (Path(caches), Path(passing)):
        folder = above / f"longrun-{os.getuid()}" / named[:16]
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            mine = folder.parent.stat()
        except OSError:
            continue
        if mine.st_uid == os.getuid() and not mine.st_mode & 0o022:
            return folder
    return None


class KernelFolder(caching.UserProvidedCacheLocator):  # pyright: ignore[reportUntypedBaseClass]
    """Tells numba of that folder; named in its setting, as it asks for."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        self._py_file = py_file
        self._lineno = py_func.__code__.co_firstlineno
        self._cache_path = str(kernel_folder())

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "KernelFolder":
        return cls(py_func, py_file)


config.CACHE_LOCATOR_CLASSES = f"{__name__}.KernelFolder"  # pyright: ignore[reportAttributeAccessIssue] (numba makes it from its own list)


def compiled(function: Kernel) -> Kernel:
    """Compile `function` with numba when it is first called.

    Of fast-math only contraction (a * b + c in one step): a sum keeps its order, so that a seed
    gives the same numbers again on the same machine.
    """
    made: object = numba.njit(
        nogil=True,
        cache=kernel_folder() is not None,
        error_model="numpy",
        fastmath={"contract"},
    )(function)
    return cast("Kernel", made)

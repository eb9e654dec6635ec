"""Generated secrets: values that Fairway makes once and keeps under `.fairway/secrets/`.

One file a value, 0600 in a folder of 0700. A value is written whole beside its name and then
linked to it, which fails where another process was first: all get the same value, for good.
A value is a `Masked`: whatever prints it prints `***`.
"""

import os
import re
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from fairway.core.masked import Masked
from fairway.targets.local import disk

__all__ = ["generated", "kept", "renew"]

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
WHERE = "secrets"


def token() -> str:
    """A new secret: 256 bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def generated(folder: Path, name: str, make: Callable[[], str] = token) -> Masked:
    """The secret called `name`, made now if there is none."""
    found = kept(folder, name)
    if found:
        return found
    beside = _written(folder, make())
    try:
        (folder / name).hardlink_to(beside)
    except FileExistsError:
        pass  # Another process was first: its value is the one.
    except OSError:
        beside.rename(folder / name)  # A file system without links.
    finally:
        beside.unlink(missing_ok=True)
    value = kept(folder, name)
    assert value is not None, "a file that was linked can be read"
    return value


def renew(folder: Path, name: str, make: Callable[[], str] = token) -> Masked:
    """Another value under the same name (R74); who holds the old one is not told."""
    value = make()
    _written(folder, value).rename(folder / _checked(name))
    return Masked(value)


def kept(folder: Path, name: str) -> Masked | None:
    """The secret called `name`, or None where none was made."""
    path = folder / _checked(name)
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                os.fchmod(file.fileno(), 0o600)  # Someone else could read it.
            return Masked(file.read())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk.refused(WHERE, error, path) from error


def _written(folder: Path, value: str) -> Path:
    """A new file with the value, on disk, under a name of its own."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".making-", dir=folder)  # 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise disk.refused(WHERE, error, folder) from error
    return Path(name)


def _checked(name: str) -> str:
    """The name, which must stay a file's name."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a secret")
    return name

"""Lets an unprivileged program reach its files below a folder that only root may enter.

Place in the flow: PostgreSQL refuses to run as root, so root runs it as `nobody`; but a project
under `/root` can't be reached by anybody else. Then the program gets a view of the file system
of its own (a mount namespace, which ends with it): there the closed folder is an open, empty
one, which holds nothing but what the program needs, each under its usual path. Nothing changes
for anybody else, and the program sees less, not more. It needs CAP_SYS_ADMIN, which a container
may lack: `REFUSED` is how its output starts then.
"""

import os
import pwd
import shlex
import stat
from collections.abc import Sequence
from pathlib import Path

__all__ = ["REFUSED", "closed_folders", "unprivileged_user", "view"]

REFUSED = "unshare: unshare failed"


def unprivileged_user() -> int | None:
    """The uid to run as what must not run as root; None where we are not root anyway."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def closed_folders(user: int, paths: Sequence[Path]) -> tuple[Path, ...]:
    """The outermost folders on the way to `paths` that `user` may not enter, sorted."""
    found: set[Path] = set()
    for path in paths:
        closed = [each for each in path.parents if not may_enter(user, each)]
        found |= set(closed[-1:])
    return tuple(sorted(found))


def may_enter(user: int, folder: Path) -> bool:
    status = folder.stat()
    bit = stat.S_IXUSR if status.st_uid == user else stat.S_IXOTH
    return bool(status.st_mode & bit)


def view(user: int | None, paths: Sequence[Path]) -> tuple[str, ...]:
    """What to put before an argv so that `user` reaches `paths`; nothing where it can already."""
    closed = () if user is None else closed_folders(user, paths)
    if not closed:
        return ()
    numbered = [(number, shlex.quote(str(path))) for number, path in enumerate(paths, 3)]
    lines = [
        "set -e",
        # Held open, because the next mounts hide them.
        *(f"exec {number}<{path}" for number, path in numbered),
        *(f"mount -t tmpfs -o mode=755,size=64k none {shlex.quote(str(each))}" for each in closed),
        *(
            f"mkdir -p {path}; mount -c --bind /proc/self/fd/{number} {path}; exec {number}<&-"
            for number, path in numbered
        ),
        'exec "$@"',
    ]
    script = "\n".join(lines)
    return ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "fairway")

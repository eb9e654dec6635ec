"""Starts one process that records itself before it becomes the program.

Place in the flow: `processes.py` calls `spawn` and waits until the record is there. The order is
the point. The child first writes its record (a draft, then a hard link, which fails where
another process already has the name), and only then is it replaced by the program. So whatever
moment the engine is killed at, a program runs only if a record names it; and a straggler of a
dead engine gives way to the process that a new engine started under the same name.

The child is the leader of its own session. Its output goes straight to the log, without a pipe,
so that it goes on when the engine is gone; its standard input is the write end of a pipe until
the record is there, and `/dev/null` from then on.

The shell drops variables whose names no shell can hold (`a.b`); names of variables are checked
where `fairway.toml` is.
"""

import os
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fairway.core.problem import Problem, Problems
from fairway.targets.local import disk

__all__ = ["NAME_TAKEN", "NO_DIRECTORY", "NO_RECORD", "Command", "Spawned", "spawn"]

NAME_TAKEN = 73
NO_RECORD = 74
NO_DIRECTORY = 77

PREAMBLE = f"""set -f
record=$1 rest=$2 mode=$3 directory=$4
shift 4
read -r boot < /proc/sys/kernel/random/boot_id || exit {NO_RECORD}
read -r stat < /proc/self/stat || exit {NO_RECORD}
field() {{ started=${{22}}; }}
field $stat
draft=$record.$$
printf '{{"pid": %s, "started": %s, "boot": "%s", %s\\n' $$ "$started" "$boot" "$rest" > "$draft" \\
    || exit {NO_RECORD}
command -p ln "$draft" "$record" 2> /dev/null || {{
    test -e "$record" && exit {NAME_TAKEN}
    command -p mv "$draft" "$record" || exit {NO_RECORD}
}}
exec < /dev/null
cd "$directory" || exit {NO_DIRECTORY}
unset OLDPWD
if test "$mode" = keep; then
    trap : HUP INT QUIT TERM
    "$@"
    code=$?
    echo "$$ $code" > "$record.exit"
    exit $code
fi
exec "$@"
"""

# What the engine may have changed for itself and the program must find as it usually is.
DEFAULTS = (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP, signal.SIGXFSZ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program to run, and how.

    `user` is the uid and the gid to run it as; only root can give one. `before` is a program
    that replaces itself by the one named after it, and still has our own rights. `labels` are
    kept in the record, so that another engine knows what it finds. With `keeps_exit_code` a
    wrapper stays and writes down how the program ended, so that this is known even if no engine
    was there.
    With the label `told` = `leader` it alone is told to end, not all that it started.
    Nothing secret belongs in `argv` or `labels`: `ps` and the record show them.
    """

    name: str
    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]
    log: Path
    user: int | None = None
    before: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    keeps_exit_code: bool = False

    @property
    def where(self) -> str:
        """How a problem names this process."""
        return f"process {self.name}"


@dataclass(frozen=True, slots=True)
class Spawned:
    """A child on its way: `recorded` reads as ended once its record is there, or it is gone."""

    pid: int
    recorded: int  # a file descriptor, for the caller to close


def spawn(command: Command, *, record: Path, rest: str, marks: Mapping[str, str]) -> Spawned:
    """Start the child. Raises `Problems` where the program, the log or a folder can't be used."""
    argv = as_user(command)
    check(command, argv[0])
    log = open_log(command)
    read_end, write_end = os.pipe()
    try:
        mode = "keep" if command.keeps_exit_code else "exec"
        words = [str(record), rest, mode, str(command.directory), *argv]
        pid = os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", PREAMBLE, "fairway", *words],
            {**command.environment, **marks},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, write_end, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=DEFAULTS,
        )
    except (OSError, ValueError) as error:
        os.close(read_end)
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Problems(
            [Problem(command.where, f"it cannot be started: {reason}", "mend its command")],
            exit_code=1,
        ) from error
    finally:
        os.close(write_end)
        os.close(log)
    return Spawned(pid, read_end)


def as_user(command: Command) -> tuple[str, ...]:
    """The argv, behind what comes before it and what drops root's rights."""
    if command.user is None:
        return (*command.before, *command.argv)
    identity = str(command.user)
    return (
        *command.before,
        *("setpriv", "--reuid", identity, "--regid", identity, "--clear-groups", "--"),
        *command.argv,
    )


def check(command: Command, program: str) -> None:
    """See what would stop the child only later, and with fewer words."""
    if not command.directory.is_dir():
        what = f"its folder is missing: {command.directory}"
        raise Problems([Problem(command.where, what, "create it, or mend the path")], exit_code=1)
    path = command.environment.get("PATH", os.defpath)
    for each in {program, command.argv[0]}:
        if shutil.which(absolute(each, command.directory), path=path) is None:
            raise Problems([unusable(command, each)], exit_code=1)


def absolute(program: str, directory: Path) -> str:
    """A relative path to a program is relative to the folder that it is started in."""
    return str(directory / program) if "/" in program else program


def unusable(command: Command, program: str) -> Problem:
    path = command.directory / program
    if "/" in program and path.exists():
        what, mend = f"{program} may not be executed", f"chmod +x {program}"
    else:
        what = f"there is no program {program}"
        mend = "install it, or mend the command"
    return Problem(command.where, what, mend)


def open_log(command: Command) -> int:
    """The log, opened so that several writers only ever append."""
    try:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        return os.open(command.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise disk.refused(command.where, error, command.log) from error

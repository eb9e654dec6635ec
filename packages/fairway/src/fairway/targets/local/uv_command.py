"""Running `uv`: its output line by line while it works, and its failures as problems.

The one place that starts uv. It runs in its own process group and is always reaped. Pythons are
never downloaded behind the user's back: the interpreter is this machine's, and where none fits,
the problem says how to get one.
"""

import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fairway.core.problem import Problem, Problems
from fairway.targets.local.priority import step_aside

__all__ = ["Outcome", "Uv", "problem_of"]

Report = Callable[[str], None]

LAST_LINES = 14
PYENV = "pyenv: "
FAILING = (PYENV, "error: ", "\u00d7 ")  # what follows says why


def _silent(line: str) -> None:
    """Report nothing: what only looks has no progress."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How uv ended: its exit code, and what it said."""

    code: int
    lines: tuple[str, ...]

    def says(self, text: str) -> bool:
        """Whether a line holds `text`."""
        return any(text in line for line in self.lines)


@dataclass(frozen=True, slots=True)
class Uv:
    """How uv is run: the caller's variables, where its lines go, and what ends it early.

    `stop`, once set, ends uv and whoever waits for it with `Problems`. `beside`: others serve
    meanwhile, and get more of the processors.
    """

    variables: Mapping[str, str]
    report: Report = _silent
    stop: threading.Event | None = None
    deadline_seconds: float = 1800.0
    beside: bool = False

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        *,
        environment: Path | None = None,
        quiet: bool = False,
    ) -> Outcome:
        """Run `uv` with these arguments in `folder`; `environment` is where the project's goes."""
        variables = _variables(self.variables, environment)
        report: Report = _silent if quiet else self.report
        outcome = self._once(arguments, folder, variables, report)
        if outcome.code and outcome.says(PYENV):
            # A pyenv shim of a version that is not active is no Python, and ends uv's search.
            around = variables | {"PATH": _without_shims(variables)}
            outcome = self._once(arguments, folder, around, report)
        return outcome

    def _once(
        self, arguments: Sequence[str], folder: Path, variables: Mapping[str, str], report: Report
    ) -> Outcome:
        process = subprocess.Popen(
            [_binary(), *arguments],
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if self.beside:
            step_aside(process.pid)
        lines: list[str] = []
        try:
            for line in self._lines(process):
                lines.append(line)
                if line.lstrip().startswith(FAILING):
                    report = _silent  # told once, as a problem
                if line.strip() and not line.startswith("Activate with"):
                    report(line.strip())
            return Outcome(process.wait(), tuple(lines))
        finally:
            _end(process)

    def _lines(self, process: subprocess.Popen[bytes]) -> Iterator[str]:
        """The lines of uv's output as they come; raises where it must end early."""
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        ends_at = time.monotonic() + self.deadline_seconds
        pending = b""
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while True:
                self._go_on(ends_at)
                if not selector.select(timeout=0.1):
                    continue
                block = os.read(descriptor, 65536)
                *whole, pending = (pending + block).split(b"\n")
                yield from (line.decode(errors="replace").rstrip() for line in whole)
                if not block:
                    break
        if pending:
            yield pending.decode(errors="replace").rstrip()

    def check_stop(self) -> None:
        """Raise `Problems` once `stop` is set."""
        if self.stop and self.stop.is_set():
            raise Problems([Problem("uv", "The installation was stopped.", "Run it again.")])

    def _go_on(self, ends_at: float) -> None:
        self.check_stop()
        if time.monotonic() > ends_at:
            what = f"uv did not end within {self.deadline_seconds:.0f} seconds."
            raise Problems([Problem("uv", what, "Check the network, and run it again.")])


def problem_of(outcome: Outcome, where: str) -> Problem:
    """What uv's failure means, with its own last words, and how to mend it.

    `where` is the file that says what to install.
    """
    said = [line.rstrip() for line in outcome.lines if line.strip()]
    text = "\n".join(said)
    last = "\n".join(f"    {line}" for line in said[-LAST_LINES:])
    for pattern, what, mend in FAILURES:
        # uv breaks its sentences where the terminal ends.
        if found := re.search(pattern.replace(" ", r"\s+"), text, re.IGNORECASE):
            named = found.groupdict()
            return Problem(
                where,
                f"{what.format(**named)} uv says:\n{last}",
                mend.format(where=where, **named),
            )
    what = f"uv could not install what it names (exit code {outcome.code}). uv says:\n{last}"
    return Problem(where, what, f"Mend {where} until `uv` accepts it.")


NETWORK = (
    "Check the connection and the proxy (HTTPS_PROXY); for an index of your own set "
    "UV_DEFAULT_INDEX. What was installed once is installed again without a network."
)

# The first that fits decides: what a failure says on its way to another comes later.
FAILURES: tuple[tuple[str, str, str], ...] = (
    (
        r"no space left on device",
        "The disk is full.",
        "Make room (`uv cache prune` helps), and run it again.",
    ),
    (
        r"invalid peer certificate|certificate verify failed|unknownissuer",
        "The package index's certificate is not trusted.",
        "Set SSL_CERT_FILE to your company's CA bundle, or UV_SYSTEM_CERTS=1.",
    ),
    (
        r"network was disabled|error sending request|dns error|operation timed out",
        "The package index could not be reached.",
        NETWORK,
    ),
    (
        r"no interpreter found for (?P<python>[^\n]*?)(?: in [^\n]*)?(?:\n|$)",
        "This machine has no Python that fits ({python}).",
        "Install that Python, or let uv fetch one: `uv python install`.",
    ),
    (
        r"failed to inspect python interpreter|no python executable was found",
        "This machine has no Python that works here.",
        "Install the Python that the project asks for, or let uv fetch it: `uv python install`.",
    ),
    (
        r"current python version \([^)]*\) does not satisfy|python \S+, which is incompatible",
        "A package does not go with this Python.",
        "Change the Python that the project asks for (`requires-python`), or the package.",
    ),
    (
        r"because (?P<package>\S+) was not found in the package registry",
        "There is no package called {package}.",
        "Check its spelling in {where}. One from a private index needs that index: UV_INDEX.",
    ),
    (
        r"because there (?:is|are) no versions? of (?P<package>\S+)",
        "The version of {package} that is asked for does not exist.",
        "Check the version in {where}.",
    ),
    (
        r"hash mismatch",
        "A package is not the one that was locked.",
        "If the change is meant, lock again: `uv lock`.",
    ),
    (
        r"failed to parse[^\n]*uv\.lock|unable to find lockfile|lockfile[^\n]*needs to be updated",
        "The lock cannot be used.",
        "Make it anew: `uv lock`.",
    ),
    (
        r"failed to parse: `?(?P<file>[^`\n]*pyproject\.toml)",
        "uv cannot read {file} in the same folder.",
        "Mend {file} as uv says; {where} is not the cause.",
    ),
    (
        r"failed to build `(?P<package>[\w.-]+)==(?P<version>[^`]+)`",
        "{package} {version} does not come ready-built for this Python, and could not be built.",
        (
            "A newer version may come ready-built: raise {package} in {where}. Else install the "
            "compiler or library that it lacks, or name another Python in .python-version."
        ),
    ),
    (
        r"failed to (?:build|prepare|download and build)|build backend",
        "A package could not be built.",
        "It may lack a compiler or a system library; another version may come ready-built.",
    ),
    (
        r"no solution found",
        "The requirements contradict each other.",
        "Loosen one of them in {where}.",
    ),
)


@cache
def _binary() -> str:
    import uv

    return uv.find_uv_bin()


def _variables(caller: Mapping[str, str], environment: Path | None) -> dict[str, str]:
    """The variables for uv: the caller's own, without what would lead it to another environment."""
    leading = {"VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT"}
    variables = {name: value for name, value in caller.items() if name not in leading}
    variables.setdefault("UV_PYTHON_DOWNLOADS", "never")
    variables |= {"NO_COLOR": "1", "UV_NO_PROGRESS": "1"}
    variables.pop("FORCE_COLOR", None)
    if environment:
        variables["UV_PROJECT_ENVIRONMENT"] = str(environment)
    return variables


def _without_shims(variables: Mapping[str, str]) -> str:
    """PATH with pyenv's Pythons themselves instead of its shims."""
    root = Path(variables.get("PYENV_ROOT") or f"{variables.get('HOME', '')}/.pyenv")
    path = variables.get("PATH", "").split(os.pathsep)
    kept = [entry for entry in path if Path(entry) != root / "shims"]
    pythons = sorted(str(found) for found in root.glob("versions/3.[1-9][0-9]*/bin"))
    return os.pathsep.join([*kept, *pythons])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End uv and what it started, if they still run."""
    if process.stdout:
        process.stdout.close()
    if process.poll() is not None:
        return
    for number, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return

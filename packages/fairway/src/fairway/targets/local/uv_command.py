"""Running `uv`: its output line by line while it works, and its failures as problems.

The one place that starts uv. It runs in its own process group and is always reaped. Pythons are
never downloaded behind the user's back: the interpreter is this machine's, and where none fits,
the problem says how to get one.
"""

import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fairway.core.problem import Problem
from fairway.programs.attended import Attended, Outcome, Report, silent

__all__ = ["Outcome", "Uv", "problem_of"]

LAST_LINES = 14
PYENV = "pyenv: "
FAILING = (PYENV, "error: ", "\u00d7 ")  # what follows says why


@dataclass(frozen=True, slots=True)
class Uv:
    """How uv is run: the caller's variables, where its lines go, and what ends it early.

    `stop`, once set, ends uv and whoever waits for it with `Problems`. `beside`: others serve
    meanwhile, and get more of the processors.
    """

    variables: Mapping[str, str]
    report: Report = silent
    stop: threading.Event | None = None
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
        report: Report = silent if quiet else self.report
        outcome = self._once(arguments, folder, variables, report)
        if outcome.code and outcome.says(PYENV):
            # A pyenv shim of a version that is not active is no Python, and ends uv's search.
            around = variables | {"PATH": _without_shims(variables)}
            outcome = self._once(arguments, folder, around, report)
        return outcome

    def _once(
        self, arguments: Sequence[str], folder: Path, variables: Mapping[str, str], report: Report
    ) -> Outcome:
        is_failing = False

        def told(line: str) -> None:
            nonlocal is_failing
            is_failing = is_failing or line.lstrip().startswith(FAILING)
            # Why it failed is told once, as a problem.
            if line.strip() and not is_failing and not line.startswith("Activate with"):
                report(line.strip())

        return self._attended().run([_binary(), *arguments], folder, variables, told)

    def check_stop(self) -> None:
        """Raise `Problems` once `stop` is set."""
        self._attended().check_stop()

    def _attended(self) -> Attended:
        return Attended(
            where="uv",
            what="The installation",
            mend="Check the network, and run it again.",
            stop=self.stop,
            beside=self.beside,
        )


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
        "Name one that does in .python-version (or `requires-python`), or change the package.",
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

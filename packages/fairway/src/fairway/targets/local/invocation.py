"""How a replica or a job is called: its words and its environment variables.

Pure: the caller's variables and the search for a program come in as arguments. Nothing of the
developer's shell reaches the app but what stands in `PASSED_ON`: an app that needs more says so
in `fairway.toml`, and then has it in production too.
"""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from fairway.core.command_line import NAME, SHELL, needs_shell, pieces
from fairway.core.problem import Problem, Problems
from fairway.core.spec.model import Service
from fairway_runtime import contract

__all__ = ["PASSED_ON", "Find", "app_environment", "job_argv", "replica_argv"]

LOOPBACK = "127.0.0.1"

Find = Callable[[str, str], str | None]
"""`(program, PATH)` to the program's path, None where there is none."""

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
TRUST = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)
ACCOUNT = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TERM", "TZ", "LANG", "LANGUAGE")
PASSED_ON = frozenset({*ACCOUNT, *TRUST, *PROXIES, "NO_PROXY", "no_proxy"})
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


NODE = frozenset({"corepack", "node", "npm", "npx", "pnpm", "yarn"})


def app_environment(
    caller: Mapping[str, str],
    variables: Mapping[str, str],
    *,
    environment: str | None,
    code: Sequence[str],
) -> dict[str, str]:
    """The variables of a replica or a job, sorted by name.

    `variables` are those of the app, and win; `environment` is the folder of its Python
    environment, whose programs come first on PATH; `code` are the folders that Python imports
    from before the environment's own: with them a revision's code wins over an editable install.
    """
    made = {
        name: value for name, value in caller.items() if name in PASSED_ON or name.startswith("LC_")
    }
    if any(made.get(name) for name in PROXIES):
        made |= _without_proxy_here(made)
    made |= {**variables, "PYTHONUNBUFFERED": "1"}
    path = made.get("PATH") or DEFAULT_PATH
    made["PATH"] = f"{environment}/bin:{path}" if environment else path
    if environment:
        made["VIRTUAL_ENV"] = environment
    python_path = [*code, *filter(None, variables.get("PYTHONPATH", "").split(":"))]
    if python_path:
        made["PYTHONPATH"] = ":".join(dict.fromkeys(python_path))
    return dict(sorted(made.items()))


def replica_argv(
    service: Service,
    *,
    python: str,
    boot: str,
    port: int,
    environment: Mapping[str, str],
    find: Find,
) -> tuple[str, ...]:
    """The words that start a replica of `service` on a loopback port.

    An ASGI or WSGI app and a Streamlit script are served by the runtime (`boot` is its
    `boot.py`) in the app's own `python`; a `command` is the app's own server, which finds
    `$HOST` and `$PORT` in its words and among its variables.
    """
    targets: tuple[tuple[str | None, Literal["asgi", "wsgi", "script"]], ...] = (
        (service.asgi, "asgi"),
        (service.wsgi, "wsgi"),
        (service.script, "script"),
    )
    for target, kind in targets:
        if target:
            at = ("--host", LOOPBACK, "--port", str(port), "--kind", kind)
            factory = ("--factory",) if service.factory else ()
            return (python, "-P", boot, "run", target, *at, *factory)
    here = {**environment, contract.HOST: LOOPBACK, contract.PORT: str(port)}
    return job_argv(service.command or "", here, where=f"service.{service.name}", find=find)


def job_argv(
    command: str, environment: Mapping[str, str], *, where: str, find: Find
) -> tuple[str, ...]:
    """The words of a command, its program found on the environment's PATH.

    `$NAME` and `${NAME}` outside single quotes stand for the environment's variables, and for
    nothing where there is none, as in a shell. No shell reads the command unless it holds what
    only a shell understands. Raises `Problems` where the program is missing.
    """
    try:
        if needs_shell(command):
            return (SHELL, "-c", command)
    except ValueError:
        what = f"`{command}` has a quote that does not end."
        raise Problems([Problem(where, what, "Close it.")]) from None
    filled = (_filled(piece, environment) for piece in pieces(command))
    words = [word for each in filled for word in shlex.split(each)]
    if not words:
        raise Problems([Problem(where, "Its command is empty.", "Say what runs.")])
    program = find(words[0], environment.get("PATH", DEFAULT_PATH))
    if "/" not in words[0] and program is None:
        raise Problems([_missing(words[0], where)])
    return (program or words[0], *words[1:])


def _filled(raw: str, environment: Mapping[str, str]) -> str:
    """One raw word with its variables' values, quoted so that a value stays part of the word."""

    def value(found: re.Match[str]) -> str:
        return environment.get(found[1] or found[2], "")

    parts = re.split(r"('[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.)", raw, flags=re.DOTALL)
    filled: list[str] = []
    for part in parts:
        if part.startswith('"'):
            quoted = NAME.sub(lambda found: re.sub(r'(["\\])', r"\\\1", value(found)), part)
            filled.append(quoted)
        elif part.startswith(("'", "\\")):
            filled.append(part)
        else:
            filled.append(NAME.sub(lambda found: shlex.quote(value(found)), part))
    return "".join(filled)


def _without_proxy_here(made: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY with this machine: what the app uses runs here, and no proxy reaches that."""
    told = made.get("NO_PROXY") or made.get("no_proxy") or ""
    hosts = [*filter(None, told.split(",")), "localhost", LOOPBACK]
    value = ",".join(dict.fromkeys(hosts))
    return {"NO_PROXY": value, "no_proxy": value}


def _missing(program: str, where: str) -> Problem:
    what = f"There is no program `{program}`, neither in the app's environment nor on PATH."
    if program in NODE:
        return Problem(where, what, "Install Node.js, which brings it.")
    mend = (
        f"If it comes with a package, add that to the app's dependencies (`uv add {program}`, or "
        "a line in requirements.txt); else install it on this machine."
    )
    return Problem(where, what, mend)

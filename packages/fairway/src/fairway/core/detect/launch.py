"""What a command line starts: which server, worker or tool, and on which object and port.

Understands the lines that stand in a Dockerfile, a Procfile, a compose file, a shell script, a
Makefile or a README. A line that starts nothing known gives nothing.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from fairway.core.detect.sources import join

__all__ = ["Launch", "launches", "words_of"]

Kind = Literal["asgi", "wsgi", "script", "python", "worker", "beat", "migration", "step", "shell"]

SEPARATORS = {"&&", "||", ";", "|", "&"}
PREFIXES = {
    "exec", "env", "sudo", "time", "nohup", "tini", "dumb-init", "ddtrace-run", "--", "then", "do",
    "opentelemetry-instrument", "newrelic-admin", "run-program", "honcho", "@", "-@",
}  # fmt: skip
RUNNERS = {"poetry", "uv", "pipenv", "pdm", "hatch", "rye", "pixi"}
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
PYTHON = re.compile(r"(?:.*/)?python[\d.]*$")
ASGI_SERVERS = {"uvicorn", "hypercorn", "granian", "daphne"}
WSGI_SERVERS = {"gunicorn", "waitress-serve", "uwsgi", "mod_wsgi-express"}
SHELLS = {"sh", "bash", "/bin/sh", "/bin/bash", "ash", "dash", "/bin/ash"}
MIGRATIONS = {"alembic", "aerich"}
# Programs that take tasks from a queue, and the words by which they do; none: whatever is said.
WORKERS: Mapping[str, frozenset[str]] = {
    "arq": frozenset(),
    "dramatiq": frozenset(),
    "dramatiq-gevent": frozenset(),
    "huey_consumer": frozenset(),
    "huey_consumer.py": frozenset(),
    "procrastinate": frozenset({"worker"}),
    "rq": frozenset({"worker", "worker-pool"}),
    "rqworker": frozenset(),
    "saq": frozenset(),
    "taskiq": frozenset({"worker"}),
}
CLOCKS = {"rqscheduler"}
MANAGED_WORKERS = {  # of Django's manage.py
    "db_worker", "process_tasks", "procrastinate", "qcluster", "rqworker", "run_huey",
    "rundramatiq",
}  # fmt: skip
# Of manage.py and flask: what `init` writes by itself, or nobody does before a server; what deletes
# data stands in the entrypoints of developers.
NO_STEPS = {
    "check", "collectstatic", "compress", "db", "flush", "help", "makemigrations", "reset_db",
    "routes", "shell", "showmigrations", "sqlflush", "test", "version",
}  # fmt: skip
NEEDS_QUOTES = re.compile(r"[\s'\"\\();&|]")
OBJECT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(?:\(.*\))?$")
# Options that are followed by a value of their own, which is then no target.
VALUED = {
    "--host", "-h", "--port", "-p", "--workers", "-w", "--bind", "-b", "-k", "--worker-class",
    "--log-level", "--reload-dir", "--timeout", "-t", "--env-file", "--log-config", "--root-path",
    "--app-dir", "--chdir", "--interface", "--threads", "--access-logfile", "--error-logfile",
    "-c", "--config", "--name", "-n", "--ssl-keyfile", "--ssl-certfile", "--loop", "--http",
    "--limit-concurrency", "--keep-alive", "--graceful-timeout", "--max-requests", "--listen",
    "--forwarded-allow-ips", "--timeout-keep-alive", "--worker-tmp-dir", "--log-file", "-u",
    "--max-requests-jitter", "--ws", "--lifespan", "--uds", "--fd", "--worker-connections",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Launch:
    """One thing that a line starts.

    `target` is `module:object` for a server, a file for a script or shell file, a module or file
    for plain Python, what a framework's own tool is told for a step, which ends by itself.
    `folder` is where the line changes to first.
    """

    kind: Kind
    target: str
    factory: bool = False
    port: int | None = None
    folder: str = ""
    command: str = ""


def words_of(line: str) -> list[str]:
    """The words of a shell line; quotes are honoured, and a broken quote is no error."""
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        lexer.commenters = ""
        return list(lexer)
    except ValueError:
        return line.split()


def launches(line: str | list[str], depth: int = 0) -> Iterator[Launch]:
    """What a shell line or a list of words starts, in order."""
    folder = ""
    for words in _commands(words_of(line) if isinstance(line, str) else line):
        rest = _without_prefixes(words)
        if not rest:
            continue
        if rest[0] == "cd" and len(rest) > 1:
            folder = join(folder, rest[1])
        elif rest[0] in SHELLS and len(rest) > 1:
            yield from _shell(rest[1:], depth)
        else:
            launch = _launch(rest)
            if launch is not None:
                yield Launch(
                    launch.kind,
                    launch.target,
                    launch.factory,
                    launch.port,
                    join(folder, launch.folder),
                    _joined([_program(rest[0]), *rest[1:]]),
                )


def _program(word: str) -> str:
    """A program by its name: where an image has it, nothing else does."""
    return word.rpartition("/")[2] if word.startswith("/") and "/bin/" in word else word


def _joined(words: list[str]) -> str:
    """The line that is read as these words; what another command prints is left to a shell."""
    line = " ".join(words)
    return line if "$(" in line or "`" in line else " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    """A word as a line has it: in quotes where it would be read as several, or as a shell's.

    Variables stay ones: who wrote `"$NAME"` is not told from who wrote it bare.
    """
    if word and not NEEDS_QUOTES.search(word):
        return word
    if "$" not in word:
        return shlex.quote(word)
    return '"' + re.sub(r'(["\\])', r"\\\1", word) + '"'


def _commands(words: list[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in words:
        if word in SEPARATORS:
            yield command
            command = []
        else:
            command.append(word)
    yield command


def _without_prefixes(words: list[str]) -> list[str]:
    """`exec PORT=1 poetry run uvicorn …` -> `uvicorn …`."""
    index = 0
    while index < len(words):
        word = words[index]
        if word in RUNNERS and "run" in words[index + 1 : index + 3]:
            index = words.index("run", index) + 1
            while index < len(words) and words[index].startswith("--"):
                index += 1
        elif word in PREFIXES or ASSIGNMENT.match(word) or (index and word == "-g"):
            index += 1
        else:
            break
    return words[index:]


def _shell(words: list[str], depth: int) -> Iterator[Launch]:
    """`sh -c "…"`, or a shell file."""
    if depth > 3:
        return
    if words[0].startswith("-") and "c" in words[0] and len(words) > 1:
        yield from launches(words[1], depth + 1)
    elif not words[0].startswith("-"):
        yield Launch("shell", words[0])


def _launch(words: list[str]) -> Launch | None:
    program = words[0].rpartition("/")[2] if "/" in words[0] else words[0]
    if PYTHON.match(words[0]):
        return _python(words[1:])
    if program in ASGI_SERVERS or program in WSGI_SERVERS:
        return _server(program, words[1:])
    if program in {"fastapi", "flask", "streamlit", "celery", *WORKERS}:
        return _tool(program, words[1:])
    if program in CLOCKS:
        return Launch("beat", program)
    if program == "django-admin" and len(words) > 1:
        return _manage("django-admin", words[1:])
    if program in MIGRATIONS:
        return Launch("migration", " ".join(words)) if "upgrade" in words else None
    if words[0].endswith(".sh"):
        return Launch("shell", words[0])
    return None


def _python(words: list[str]) -> Launch | None:
    while words and words[0].startswith("-") and words[0] not in {"-m", "-c"}:
        words = words[1:]
    if len(words) < 2 and (not words or words[0].startswith("-")):
        return None
    if words[0] == "-m":
        known = _launch([words[1], *words[2:]])
        return known or Launch("python", words[1])
    if words[0] == "-c":
        return None
    if words[0].endswith("manage.py"):
        return _manage(words[0], words[1:])
    return Launch("python", words[0]) if words[0].endswith(".py") else None


def _manage(program: str, words: list[str]) -> Launch | None:
    if words and words[0] == "migrate":
        return Launch("migration", f"python {program} migrate")
    if words and words[0] in MANAGED_WORKERS:
        return Launch("worker", f"{program} {words[0]}")
    if words and (words[0] == "run" or words[0].startswith("runserver")):
        return Launch("python", program)
    return _step(words)


def _step(words: list[str]) -> Launch | None:
    """What the project's own command does, unless it only waits for others."""
    told = words[0] if words else ""
    known = not told or told in NO_STEPS or told.startswith(("-", "wait"))
    return None if known else Launch("step", told)


def _server(program: str, words: list[str]) -> Launch | None:
    """`uvicorn pkg.mod:app --factory --port 80`; an object may be named without `:app`."""
    options = _options(words)
    target = options.get("--wsgi-file", "") or _target(words)
    if not target:
        return None
    worker = options.get("-k", options.get("--worker-class", ""))
    asgi = program in ASGI_SERVERS or "uvicorn" in worker.lower() or "asgi" in worker.lower()
    asgi = asgi and options.get("--interface", "asgi") != "wsgi"
    module, _, name = target.partition(":")
    called = "(" in name
    return Launch(
        "asgi" if asgi else "wsgi",
        f"{module}:{name.partition('(')[0] or 'app'}" if name or program != "gunicorn" else module,
        factory=called or "--factory" in words or "--call" in words,
        port=_port(options),
        folder=options.get("--app-dir", options.get("--chdir", options.get("-d", ""))),
    )


def _tool(program: str, words: list[str]) -> Launch | None:
    options = _options(words)
    bare = [word for word in _bare(words) if word]
    if program == "streamlit" and bare[:1] == ["run"] and len(bare) > 1:
        return Launch("script", bare[1], port=_port(options))
    if program == "fastapi" and bare[:1] in (["run"], ["dev"]):
        target = bare[1] if len(bare) > 1 else options.get("--entrypoint", options.get("-e", ""))
        return Launch("asgi", target, port=_port(options))
    if program == "flask" and "run" in words:
        target = options.get("--app", options.get("-A", ""))
        return Launch("wsgi", target, port=_port(options))
    if program == "flask" and "upgrade" in words:
        return Launch("migration", " ".join([program, *words]))
    if program == "flask":
        return _step(bare)
    if program == "celery":
        kind = "beat" if "beat" in words else "worker" if "worker" in words else None
        return Launch(kind, options.get("-A", options.get("--app", ""))) if kind else None
    if program not in WORKERS:
        return None
    said = WORKERS[program]
    if program == "taskiq" and "scheduler" in words:
        return Launch("beat", program)
    return Launch("worker", program) if not said or said & set(words) else None


def _options(words: list[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word.startswith("-") and equals:
            options[name] = value
        elif word.startswith("-") and index + 1 < len(words):
            options[word] = words[index + 1]
    return options


def _bare(words: list[str]) -> Iterator[str]:
    """The words that are neither options nor values of options."""
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in VALUED or word in {"-A", "--app", "--server.port", "--server.address"}
        else:
            yield word


def _target(words: list[str]) -> str:
    bare = list(_bare(words))
    for word in bare:
        if OBJECT.match(word):
            return word
    module = bare[0] if bare else ""
    return module if re.fullmatch(r"[A-Za-z_][\w.]*", module) else ""


def _port(options: dict[str, str]) -> int | None:
    """The port of `--port 8000`, `--bind 0.0.0.0:8000`, `--server.port=8501`."""
    for name in ("--port", "-p", "--server.port", "--bind", "-b", "--listen"):
        digits = re.search(r"(?:^|:)(\d{2,5})$", options.get(name, ""))
        if digits:
            return int(digits[1])
    return None

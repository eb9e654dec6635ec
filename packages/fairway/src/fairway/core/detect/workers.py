"""Workers: processes that neither answer requests nor end, as the files around the code start them.

A Procfile's, a compose file's or an image's line that starts Celery, RQ, arq, Dramatiq and their
like is a worker, and so is a program that is called one there. A worker runs the code of a service,
with what that uses. Where nothing answers requests, what it uses is read as a service's would be.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

from fairway.core.detect.candidates import ASIDE, Candidate
from fairway.core.detect.findings import FoundService, FoundWorker, Note
from fairway.core.detect.frameworks import Framework
from fairway.core.detect.hints import SCRIPTED, Started
from fairway.core.detect.label import as_label
from fairway.core.detect.sayable import as_command, is_path
from fairway.core.detect.services import Project, ServiceUse, build_services
from fairway.core.detect.sources import Finding, join, within

__all__ = ["find_lone_worker", "find_workers", "step_notes", "worker_notes"]

CALLED_WORKER = re.compile(
    r"(?:^|[-_])(?:workers?|beat|clock|scheduler|consumers?|listener|queue|bot|background|celery|"
    r"poller|subscriber)(?:$|[-_\d])"
)
CALLED_CLOCK = re.compile(r"(?:^|[-_])(?:beat|clock|scheduler)(?:$|[-_])")
QUEUES = re.compile(r"(?:^|\s)(?:-Q|--queues)[ =](\S+)")
CELERY = re.compile(r"(?:^|\s)celery\s")
BEATS = re.compile(r"\s(?:beat|-B|--beat)(?:\s|$)")
SAYS_WHERE = re.compile(r"\s(?:-s|--schedule|-S|--scheduler)(?:[ =]|$)")
# What listens, or takes from a queue, by itself and without a server.
LISTENS = (
    "discord", "nextcord", "disnake", "telegram", "aiogram", "telebot", "pyrogram", "telethon",
    "kafka", "aiokafka", "confluent_kafka", "pika", "aio_pika", "nats", "faust",
)  # fmt: skip


def find_workers(project: Project, services: tuple[FoundService, ...]) -> Iterator[FoundWorker]:
    """The workers beside `services`, each once, though several files start it."""
    seen: set[tuple[str, ...]] = set()
    for one in _starting(project, alone=not any(each.framework != LONE for each in services)):
        found = _worker(project, one)
        if found is not None and _key(one) not in seen:
            seen.add(_key(one))
            yield _like(found, services)
    if not seen:
        yield from (_like(each, services) for each in _unstarted(project))


def find_lone_worker(project: Project) -> ServiceUse | None:
    """The first worker of a project in which nothing answers, with what it uses.

    A program that listens elsewhere (a bot, a consumer) and reads no PORT is one too.
    """
    for one in _starting(project, alone=True):
        worker = _worker(project, one)
        if worker is None:
            continue
        candidate = Candidate(
            path=join(worker.folder, "worker.py"),
            name="",
            framework=Framework(LONE, "command"),
            finding=worker.command,
            root=worker.folder,
            target=worker.command.value,
            project=worker.folder,
        )
        return build_services(project, ((worker.name, candidate),))[0]
    return None


LONE = "worker"  # the framework of a service that stands for a worker alone


def worker_notes(workers: tuple[FoundWorker, ...]) -> Iterator[Note]:
    """What is worth knowing of them."""
    for one in workers:
        command = one.command.value
        if CELERY.search(command) and BEATS.search(command) and not SAYS_WHERE.search(command):
            what = "Celery's beat keeps its times in a file; in a cloud only /tmp can be written."
            mend = "Add `--schedule /tmp/celerybeat-schedule` to its command."
            yield Note("advice", one.command.where, what, mend)


def step_notes(project: Project, services: tuple[FoundService, ...]) -> Iterator[Note]:
    """What is done before the server starts, which nothing here does yet."""
    steps: dict[str, str] = {}
    for one in project.hints.started:
        command = as_command(one.launch.command)
        if one.launch.kind == "step" and one.weight > SCRIPTED and command and not _is_worker(one):
            steps.setdefault(command, one.finding.where)
    for service in services[:1]:
        mend = (
            f"Under [service.{service.name}] add it to build where it writes files, "
            "to before where it writes data."
        )
        for command, where in steps.items():
            what = f"`{command}` runs before the server there, and nowhere here."
            yield Note("untold", where, what, mend)


def _starting(project: Project, *, alone: bool) -> Iterator[Started]:
    """The lines that start a worker, in the order of their weight."""
    for one in project.hints.started:
        if one.weight > SCRIPTED and (_is_worker(one) or (alone and _listens(project, one))):
            yield one


def _is_worker(one: Started) -> bool:
    """By what it starts, or by what a program of the project's own is called there."""
    if one.launch.kind in {"worker", "beat"}:
        return True
    own = one.launch.kind in {"python", "step"}
    return own and bool(CALLED_WORKER.search(one.service.lower()))


def _listens(project: Project, one: Started) -> bool:
    """Whether a program of the project's own waits for others, and not for requests."""
    if one.launch.kind != "python" or one.service not in {"", "app"}:
        return False
    if any(read.name == "PORT" for read in project.reads):
        return False
    trees = [tree for path, tree in project.trees.items() if not ASIDE.search(path)]
    return any(tree.uses(package) for tree in trees for package in LISTENS)


def _key(one: Started) -> tuple[str, ...]:
    """What two lines have in common that start the same."""
    command = one.launch.command
    if not CELERY.search(f" {command}"):
        return one.launch.kind, command
    queues = QUEUES.search(command)
    listed = ",".join(sorted(queues[1].split(","))) if queues else ""
    return one.launch.kind, one.launch.target, listed


def _worker(project: Project, one: Started) -> FoundWorker | None:
    """The worker that a line starts; None where the file could not say it.

    A folder that a line changes to may be one of its image, which nothing here is called.
    """
    command = as_command(one.launch.command)
    folder = join(one.folder, one.launch.folder)
    if not any(within(path, folder) for path in project.sources.paths):
        folder = one.folder
    if not command or (folder and not is_path(folder)):
        return None
    called = one.service.lower()
    return FoundWorker(
        name=as_label(called if called not in {"", "app", "web"} else "worker", "worker"),
        command=Finding(command, one.finding.where, one.finding.why),
        folder=folder,
        is_clock=one.launch.kind == "beat" or bool(CALLED_CLOCK.search(called)),
        is_sure=True,
    )


def _like(worker: FoundWorker, services: tuple[FoundService, ...]) -> FoundWorker:
    """The worker with what the service uses whose code it runs, and with its variables."""
    inside = [one for one in services if one.folder == worker.folder]
    main = next(iter(inside or services), None)
    if main is None:
        return worker
    before = main.before if main.framework == LONE else None
    return replace(worker, uses=main.uses, variables=main.variables, before=before)


def _unstarted(project: Project) -> Iterator[FoundWorker]:
    """A Celery app that no file starts: only suggested."""
    for path, tree in sorted(project.trees.items()):
        for call in tree.calls:
            made = tree.dotted(call.func) in {"celery.Celery", "celery.app.Celery"}
            if made and not ASIDE.search(path):
                module = project.layout.module_of(path)
                command = tree.finding(f"celery -A {shlex.quote(module)} worker", call)
                folder = project.layout.project_of(path)
                yield FoundWorker(name="worker", command=command, folder=folder)
                return

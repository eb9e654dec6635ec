"""Notes: what works but may be unwanted, said once and stopping nothing.

Run by `parse.py` beside `check.py`. A note names a consequence that the file does not show.
"""

import re
from collections.abc import Mapping

from fairway.core.spec.checked import Checked
from fairway.core.spec.entry import show
from fairway.core.spec.mentions import mentions
from fairway.core.spec.model import App, Blue, Job, Rolling, Service
from fairway.core.spec.report import Report
from fairway_runtime import contract

__all__ = ["advise"]

# A stock PostgreSQL; db.t3.micro allows about as many (C5).
POSTGRES_CONNECTIONS = 100
LOOKS_SECRET = re.compile(
    r"PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL", re.IGNORECASE
)
# Celery's beat, by itself or inside a worker (-B), and rq's scheduler.
KEEPS_TIME = re.compile(r"\bcelery\b.*\s(beat|-B|--beat)(\s|$)|\brqscheduler\b")
IN_A_SHELL = re.compile(r"(?:\S*/)?(?:ba|da|a)?sh\s+-\w*c\b")
EXEC = re.compile(r"\bexec\s")
WHY_UNUSED: Mapping[str, str] = {
    "secret": "No node receives it.",
    "database": "No node receives its address.",
    "cache": "No node receives its address.",
    "bucket": "No node receives its name.",
}


def advise(checked: Checked, report: Report) -> None:
    """Report what may be unwanted."""
    _unused(checked, report)
    if checked.app.environment != "local":  # whose PostgreSQL Fairway itself configures
        _connections(checked, report)
    _plain_secrets(checked, report)
    _services(checked, report)
    _workers(checked, report)


def _used(app: App) -> set[str]:
    nodes: list[Service | Job] = [*app.programs.values(), *app.jobs.values()]
    used = {name for node in nodes for name in node.uses}
    places = [
        place for job in app.jobs.values() for place in (job.only_if_new, job.on_new) if place
    ]
    places += [stream.into for stream in app.streams.values()]
    places += [model.artifact for model in app.models.values()]
    return used | {place.split("/", 1)[0] for place in places}


def _unused(checked: Checked, report: Report) -> None:
    used = _used(checked.app)
    for kind, name, entry in checked.nodes():
        if kind in WHY_UNUSED and name not in used:
            what = f"Nothing uses the {kind} {show(name)}. {WHY_UNUSED[kind]}"
            report.note(entry, what, f'Name it where it is needed: uses = ["{name}"].')


def _connections(checked: Checked, report: Report) -> None:
    """Pools of all replicas at their most against what PostgreSQL allows (C5)."""
    app = checked.app
    for name, database in app.databases.items():
        if not database.is_server or database.serverless:
            continue
        using = [program for program in app.programs.values() if name in program.uses]
        wanted = sum(_pool(app, service) * _most(service) for service in using)
        if wanted > POSTGRES_CONNECTIONS:
            report.note(
                checked.root.find("database", name),
                f"{wanted} connections may be opened at once during a release; PostgreSQL "
                f"allows {POSTGRES_CONNECTIONS} unless it is told otherwise.",
                "Lower replicas or variables.DB_POOL_SIZE, or put a pooler in front.",
            )


def _pool(app: App, service: Service) -> int:
    own = service.variables.get(contract.DB_POOL_SIZE, "")
    return (
        int(own) if own.isascii() and own.isdigit() and len(own) < 6 else app.profile.db_pool_size
    )


def _most(service: Service) -> int:
    """The most replicas that run at once, the new ones of a release counted."""
    most = service.replicas.maximum
    if service.runs_alone:
        return most
    match service.release:
        case Rolling(surge=surge):
            return most + min(surge, most)
        case Blue():
            return 2 * most
        case _:
            return most + 1


def _plain_secrets(checked: Checked, report: Report) -> None:
    app = checked.app
    nodes: list[tuple[str, Service | Job]] = [
        *((program.node_kind, program) for program in app.programs.values()),
        *(("job", job) for job in app.jobs.values()),
    ]
    for kind, node in nodes:
        for variable in node.variables:
            at = checked.root.find(kind, node.name, "variables", variable)
            is_text = isinstance(at.value, str) and at.value and not mentions(at.value)
            if is_text and LOOKS_SECRET.search(variable):
                what = f"{variable} looks like a secret, and this file is in Git."
                mend = f"Declare [secret.{variable.upper()}] and name it in uses."
                report.note(at, what, mend)


def _services(checked: Checked, report: Report) -> None:
    for name, service in checked.app.services.items():
        entry = checked.root.find("service", name)
        if service.port is not None and not service.public:
            mend = "Write public = true, or leave `port` out."
            report.note(entry.find("port"), "Nobody reaches this port: it is not public.", mend)
        if service.probe is not None and not service.command:
            mend = "Leave it out: /ready is there by itself."
            report.note(entry.find("probe"), "`probe` is for `command` only.", mend)
        if service.warmup and service.command:
            mend = "Leave it out, and have the command ask its own pages before `probe` answers."
            report.note(entry.find("warmup"), "`warmup` is not for `command`.", mend)
    for name, program in checked.app.programs.items():
        at = checked.root.find(program.node_kind, name, "replicas")
        for used in program.uses:
            database = checked.app.databases.get(used)
            if database and database.engine == "sqlite" and program.replicas.maximum > 1:
                what = f"{show(name)} runs more than once, all on one SQLite file."
                report.note(at, what, 'Write replicas = 1, or engine = "postgres".')


def _workers(checked: Checked, report: Report) -> None:
    """Report those that keep time more than once, and shells that would take SIGTERM themselves."""
    for name, worker in checked.app.workers.items():
        if IN_A_SHELL.match(worker.command) and not EXEC.search(worker.command):
            what = "At its end the shell is told, and ends what it started at once."
            mend = "Begin the last command with `exec`: sh -c 'prepare && exec celery …'."
            report.note(checked.root.find("worker", name, "command"), what, mend)
        if worker.replicas.maximum > 1 and KEEPS_TIME.search(worker.command):
            what = f"{show(name)} keeps time, and more than one of it would send each task again."
            mend = "Write replicas = 1, and what takes the tasks as another worker."
            report.note(checked.root.find("worker", name, "replicas"), what, mend)

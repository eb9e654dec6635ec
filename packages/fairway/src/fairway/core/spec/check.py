"""What no single key can tell: names that must exist, alternatives, circles, clashes.

Last stage of `parse.py`, run for every environment on what could be read. Reports problems only;
what may be unwanted but works is said by `advice.py`. Must not: change the app.
"""

import re

from fairway.core import names
from fairway.core.spec.checked import Checked
from fairway.core.spec.edges import check_edges
from fairway.core.spec.entry import Entry, show
from fairway.core.spec.foreign import COMMAND
from fairway.core.spec.mentioned import check_mentions
from fairway.core.spec.model import Service, Site
from fairway.core.spec.networks import check_networks
from fairway.core.spec.overlay import ENTRY_POINTS
from fairway.core.spec.readers.text import likely_label
from fairway.core.spec.readers.variables import why_reserved
from fairway.core.spec.report import Report
from fairway_runtime import contract

__all__ = ["check"]

SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
SET_BY_ENVIRONMENT = frozenset(
    {
        contract.ENVIRONMENT, contract.DEBUG, contract.LOG_LEVEL, contract.CACHE_TTL,
        contract.RATE_LIMIT, contract.DB_POOL_SIZE, contract.REDIS_ENABLED,
    }
)  # fmt: skip


def check(checked: Checked, report: Report) -> None:
    """Report every problem of an app that its keys alone do not have."""
    _names(checked, report)
    check_edges(checked, report)
    check_mentions(checked, report)
    for kind, name, entry in checked.nodes():
        if kind == "service":
            _entry_point(name, entry, report)
    _ports(checked, report)
    for name, program in checked.app.programs.items():
        _program(checked.root.find(program.node_kind, name), program, report)
    _jobs(checked, report)
    _databases(checked, report)
    _accounts(checked, report)
    check_networks(checked, report)
    _pipeline(checked, report)


def _names(checked: Checked, report: Report) -> None:
    taken: dict[str, tuple[str, Entry]] = {}
    for kind, name, entry in sorted(checked.nodes(), key=lambda node: node[2].line):
        if name in taken:
            first, at = taken[name]
            report.problem(
                entry,
                f"{show(name)} already names a {first}, on line {at.line}.",
                "Names are unique over all kinds: `uses` says the name alone.",
            )
        taken.setdefault(name, (kind, entry))
        if kind == "secret":
            _secret_name(name, entry, report)
        elif not names.is_label(name):
            likely = likely_label(name)
            write = f"Write [{kind}.{likely}]: at" if likely else "Use at"
            mend = f"{write} most 40 small letters, digits and hyphens, a letter first."
            report.problem(entry, f"{show(name)} cannot name a {kind}.", mend)


def _secret_name(name: str, entry: Entry, report: Report) -> None:
    if SECRET_NAME.fullmatch(name) is None:
        likely = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_0123456789")
        write = f"Write [secret.{likely}]: a" if SECRET_NAME.fullmatch(likely) else "A"
        mend = f"{write} secret is named as its variable, in capitals, digits and _."
        report.problem(entry, f"{show(name)} cannot name a secret.", mend)
    elif reason := why_reserved(name):
        report.problem(entry, f"{name} is set by Fairway: {reason}.", "Choose another name.")
    elif name in SET_BY_ENVIRONMENT:
        mend = f'It is no secret; to change it: variables = {{ {name} = "…" }}.'
        report.problem(entry, f"{name} is set by the environment.", mend)


def _entry_point(name: str, entry: Entry, report: Report) -> None:
    said = [key for key in entry.table if key in ENTRY_POINTS]
    if not said:
        report.problem(entry, f"Nothing says how {show(name)} runs.", COMMAND)
    elif len(said) > 1:
        listed = " and ".join(f"`{key}`" for key in said)
        mend = "Keep one of them; two programs are two services."
        report.problem(entry.find(said[1]), f"{listed} both say how {show(name)} runs.", mend)
    if "factory" in entry.table and not {"asgi", "wsgi"} & set(said):
        mend = "Leave it out; it belongs to asgi and wsgi."
        report.problem(entry.find("factory"), "`factory` has nothing to call.", mend)


def _ports(checked: Checked, report: Report) -> None:
    ports: dict[int, str] = {}
    for name, service in checked.app.services.items():
        if service.port in ports:
            at = checked.root.find("service", name, "port")
            what = f"Port {service.port} is already that of {show(ports[service.port])}."
            report.problem(at, what, "Give it another port, or none.")
        elif service.port is not None:
            ports[service.port] = name


def _program(entry: Entry, service: Service, report: Report) -> None:
    if service.script and not service.sticky and service.replicas.maximum > 1:
        report.problem(
            entry.find("sticky"),
            "A Streamlit session lives in one replica, so visitors must stay with it.",
            "Leave `sticky` out (it is true for a script), or write replicas = 1.",
        )
    scale, down = service.scale, service.scale.down
    for key, up_percent, down_percent in (
        ("cpu", scale.cpu_percent, down.cpu_percent),
        ("memory", scale.memory_percent, down.memory_percent),
    ):
        if down_percent >= up_percent:
            report.problem(
                entry.find("scale", "down", key),
                f"Capacity would be taken at {down_percent:g}% and added at {up_percent:g}%.",
                "Take it away well below the share at which it is added.",
            )
    hours = service.off_hours
    if hours and hours.start_minute == hours.end_minute:
        mend = "For the whole day, change `replicas` instead."
        report.problem(entry.find("off_hours"), "These hours end when they start.", mend)


def _jobs(checked: Checked, report: Report) -> None:
    app = checked.app
    started = {name for job in app.jobs.values() for name in job.then}
    started.update(name for workflow in app.workflows.values() for name in workflow.steps)
    for name, job in app.jobs.items():
        if job.only_if_new and job.schedule is None and name not in started:
            report.problem(
                checked.root.find("job", name, "only_if_new"),
                "It looks for new objects at its time, but has no `schedule`.",
                "Add schedule, or write on_new to run as soon as objects are new.",
            )
    for name, workflow in app.workflows.items():
        if not workflow.steps and not checked.root.find("workflow", name, "steps").array:
            at = checked.root.find("workflow", name, "steps")
            report.problem(at, "A workflow has at least one step.", 'Write steps = ["transform"].')


def _databases(checked: Checked, report: Report) -> None:
    for name, database in checked.app.databases.items():
        entry = checked.root.find("database", name)
        for key in ("zones", "read_replicas", "replica_zones", "serverless", "url"):
            if database.engine == "sqlite" and key in entry.table:
                mend = 'Leave it out here, or write engine = "postgres".'
                report.problem(entry.find(key), f"A SQLite file has no `{key}`.", mend)


def _accounts(checked: Checked, report: Report) -> None:
    app, written = checked.app, checked.root.below("accounts")
    for name in app.accounts:
        if not names.is_label(name):
            mend = "Use at most 40 small letters, digits and hyphens, a letter first."
            report.problem(
                checked.root.find("accounts", name), f"{show(name)} cannot name an account.", mend
            )
    nodes: list[tuple[str, Service | Site]] = [
        *(("service", service) for service in app.services.values()),
        *(("site", site) for site in app.sites.values()),
    ]
    for kind, node in nodes:
        if node.account and written and node.account not in written:
            at = checked.root.find(kind, node.name, "account")
            what = f"There is no account {show(node.account)}."
            report.problem(at, what, f"Known: {', '.join(sorted(written))}.")


def _pipeline(checked: Checked, report: Report) -> None:
    pipeline = checked.app.pipeline
    if pipeline is None:
        return
    named = [("on_push", branch, name) for branch, name in pipeline.on_push.items()]
    named += [("promote", name, name) for name in pipeline.promote]
    for key, below, environment in named:
        if environment not in checked.environments:
            at = checked.root.find("pipeline", key, below)
            what = f"There is no environment {show(environment)}."
            report.problem(at, what, f"Known: {', '.join(checked.environments)}.")

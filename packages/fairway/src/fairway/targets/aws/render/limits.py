"""AWS's limits that can be known before a deploy: each is a problem now, not a failure then.

Figures are the service quotas and schemas of 2026-11; those that AWS raises when asked are the
ones that every account has at first. Pure.
"""

from collections.abc import Iterator, Sequence

from fairway.core import names
from fairway.core.problem import Problem
from fairway.core.spec.model import App, Blue, Canary, Database, Job, Service
from fairway.core.spec.renewal import renewed_databases, renewed_secrets
from fairway.targets.aws.render import Stack, stacks
from fairway.targets.aws.render.accounts import account_of_home
from fairway.targets.aws.render.addresses import room
from fairway.targets.aws.render.choices import Choices
from fairway.targets.aws.render.deployment import (
    KEEP_MINUTES,
    LONGEST_HOURS,
    LONGEST_STEP_MINUTES,
    hold_minutes,
    is_linear,
)
from fairway.targets.aws.render.function_limits import function_limits
from fairway.targets.aws.render.function_release import is_shifted
from fairway.targets.aws.render.hosts import balanced
from fairway.targets.aws.render.parts import part_limits
from fairway.targets.aws.render.renewal import MOST_DAYS
from fairway.targets.aws.render.service import rule_priority
from fairway.targets.aws.render.sizes import fitting
from fairway.targets.aws.render.tasks import LONGEST_STOP_SECONDS, MARGIN_SECONDS
from fairway.targets.aws.render.template import said, text

__all__ = ["limits", "of_stacks"]

MOST_RESOURCES = 500
MOST_PARAMETERS = 200
LARGEST_TEMPLATE_BYTES = 1_000_000
MOST_GROUP_RULES = 60  # in one direction, of one security group
MOST_LISTENER_RULES = 100
LONGEST_IDLE_SECONDS = 4000
LONGEST_DATABASE_NAME = 63
LEAST_STORAGE_GIB = 20
LARGEST_STORAGE_GIB = 65_536
LONGEST_BACKUP_SECONDS = 35 * 86_400
LONGEST_ROTATION_SECONDS = MOST_DAYS * 86_400
MOST_TASKS = 5000
MOST_GATEWAYS = 5
MOST_PEERINGS = 50


def limits(app: App, choices: Choices) -> list[Problem]:
    """Every limit that the app would run into."""
    found = [
        *(problem for each in app.programs.values() for problem in _of_program(app, each)),
        *(problem for job in app.jobs.values() for problem in _of_size(f"job.{job.name}", job)),
        *(problem for each in app.databases.values() for problem in _of_database(app, each)),
        *_of_renewal(app),
        *_of_balancer(app),
        *_of_groups(app),
        *_of_networks(app),
        *_of_addresses(app, choices),
        *_of_accounts(app),
        *_of_choices(choices),
        *part_limits(app),
    ]
    if found:
        return found  # a template of what is already too large says nothing new
    rendered = stacks(app, choices)
    return _of_patches(app, rendered) or list(of_stacks(rendered))


def _of_patches(app: App, rendered: Sequence[Stack]) -> list[Problem]:
    """Patches that cannot be done."""
    if not app.patch.aws:
        return []
    from fairway.targets.aws.render.patches import patch_problems  # few files have any

    return list(patch_problems(app, {stack.path: said(stack) for stack in rendered}))


def of_stacks(found: Sequence[Stack]) -> Iterator[Problem]:
    """Limits of CloudFormation itself."""
    for stack in found:
        size = len(text(stack).encode())
        for count, most, noun in (
            (len(stack.resources), MOST_RESOURCES, "resources"),
            (len(stack.parameters), MOST_PARAMETERS, "parameters"),
            (size, LARGEST_TEMPLATE_BYTES, "bytes"),
        ):
            if count > most:
                what = f"its template would have {count:,} {noun}, CloudFormation takes {most:,}"
                yield Problem(stack.path, what, "Make two apps of it.")


def _of_program(app: App, service: Service) -> Iterator[Problem]:
    if service.kind == "function":
        yield from function_limits(app, service)
        if is_shifted(service):
            yield from _of_release(f"service.{service.name}.release", service)
        return
    at = f"{service.node_kind}.{service.name}"
    yield from _of_size(at, service)
    timeouts = service.timeouts
    if timeouts.drain_seconds + MARGIN_SECONDS > LONGEST_STOP_SECONDS:
        most = LONGEST_STOP_SECONDS - MARGIN_SECONDS
        what = f"Fargate ends a task {LONGEST_STOP_SECONDS} s after it asked it to"
        yield Problem(f"{at}.timeouts.drain", what, f"Write at most {most}s.")
    if service.public and timeouts.request_seconds + MARGIN_SECONDS > LONGEST_IDLE_SECONDS:
        what = f"the balancer gives up after {LONGEST_IDLE_SECONDS} s"
        mend = "Answer at once, and let a job do the work."
        yield Problem(f"{at}.timeouts.request", what, mend)
    if _most(service) > MOST_TASKS:
        what = f"an ECS service has at most {MOST_TASKS} tasks"
        yield Problem(f"{at}.replicas", what, "Write fewer.")
    yield from _of_release(f"{at}.release", service)


def _most(service: Service) -> int:
    """The tasks that the file lets run of it, at whatever hour."""
    hours = service.off_hours
    return max(service.replicas.maximum, hours.replicas.maximum if hours else 0)


def _of_release(at: str, service: Service) -> Iterator[Problem]:
    match service.release:
        case Blue(keep_seconds=keep) if hold_minutes(keep) > LONGEST_STEP_MINUTES:
            yield Problem(f"{at}.blue_green.keep", "ECS keeps the old revision at most 24 hours")
        case Canary(steps=steps) if steps:
            counted = len(steps) if is_linear(steps) else 1
            step = hold_minutes(steps[0].hold_seconds)
            if step > LONGEST_STEP_MINUTES:
                yield Problem(f"{at}.canary", "a step lasts at most 24 hours")
            if counted * step + KEEP_MINUTES > LONGEST_HOURS * 60:
                what = f"CloudFormation refuses releases longer than {LONGEST_HOURS} hours"
                yield Problem(f"{at}.canary", what, "Shorten its steps.")
        case _:
            pass


def _of_size(at: str, node: Service | Job) -> Iterator[Problem]:
    if fitting(node.cpu, node.memory_mib) is None:
        what = f"Fargate has no task with {node.cpu:g} processors and {node.memory_mib} MiB"
        yield Problem(f"{at}.memory", what, "It has at most 16 processors and 120 GiB.")


def _of_database(app: App, database: Database) -> Iterator[Problem]:
    at = f"database.{database.name}"
    if not database.is_made:
        return
    name = names.database_name(app.name, database.name)
    if len(name) > LONGEST_DATABASE_NAME:
        what = f"PostgreSQL would call it {name}, longer than {LONGEST_DATABASE_NAME} characters"
        yield Problem(at, what, "Give it, or the app, a shorter name.")
    if not LEAST_STORAGE_GIB <= database.storage_gib <= LARGEST_STORAGE_GIB // 2:
        what = f"RDS has disks from {LEAST_STORAGE_GIB} GiB to {LARGEST_STORAGE_GIB:,} GiB"
        mend = "It grows by itself to twice what is written."
        yield Problem(f"{at}.storage", what, mend)
    if database.backups_seconds > LONGEST_BACKUP_SECONDS:
        yield Problem(f"{at}.backups", "RDS keeps backups at most 35 days", 'Write "35d".')
    if database.read_replicas and database.backups_seconds == 0:
        yield Problem(f"{at}.backups", "a read replica needs backups of its source")
    if database.read_replicas > 15:
        yield Problem(f"{at}.read_replicas", "RDS has at most 15 of one database")


def _of_renewal(app: App) -> Iterator[Problem]:
    """How seldom a secret is renewed."""
    turns = {f"secret.{each.name}": each.rotate_seconds for each in renewed_secrets(app)}
    turns |= {f"database.{each.name}": each.rotate_seconds for each in renewed_databases(app)}
    for at, seconds in turns.items():
        if (seconds or 0.0) > LONGEST_ROTATION_SECONDS:
            what = "Secrets Manager renews at least every 1,000 days"
            yield Problem(f"{at}.rotate", what, f'Write "{MOST_DAYS}d", or less.')


def _of_networks(app: App) -> Iterator[Problem]:
    """Routes are bounded by the stack's resources, long before a table is full (500)."""
    gateways = sum(each.transit is not None for each in app.networks.values())
    for count, most, noun in (
        (gateways, MOST_GATEWAYS, "transit gateways"),
        (len(app.networks) - gateways, MOST_PEERINGS, "peerings"),
    ):
        if count > most:
            what = f"{count} {noun}; AWS lets a network have {most}"
            yield Problem("network", what, "Let one transit gateway lead to several networks.")


def _of_addresses(app: App, choices: Choices) -> Iterator[Problem]:
    """Each task has an address; functions share theirs."""
    most = sum(_most(each) for each in app.programs.values() if each.kind == "container")
    has = room(app.addresses, choices.zones)
    if most > has:
        what = f"{app.addresses} has addresses for {has:,} tasks, and {most:,} may run"
        mend = "Write a larger block, up to /16, or fewer `replicas`."
        yield Problem("addresses", what, mend)


def _of_accounts(app: App) -> Iterator[Problem]:
    """Services share a network, and a network is in one account."""
    own = account_of_home(app)
    for name, service in app.services.items():
        number = app.accounts.get(service.account or "")
        if number not in {None, app.accounts.get(own or "")}:
            what = f"services share a network, and others stand in {own}"
            yield Problem(f"service.{name}.account", what, "Make two apps of it.")


def _of_choices(choices: Choices) -> Iterator[Problem]:
    if choices.traces == "xray" and choices.egress == "endpoints":
        what = "its collector is an image of AWS's public registry, which no endpoint leads to"
        yield Problem("--traces xray", what, "Choose another way out than endpoints.")


def _of_balancer(app: App) -> Iterator[Problem]:
    public = [service.name for service in balanced(app)]
    most = min(MOST_LISTENER_RULES, MOST_GROUP_RULES)
    if len(public) > most:
        what = f"{len(public)} services are public; a balancer leads to {most}"
        yield Problem("service", what, "Make fewer public, or two apps of it.")
    taken: dict[int, str] = {}
    for name in public:
        other = taken.setdefault(rule_priority(name), name)
        if other != name:
            what = f"its rule would have the place of that of {other}"
            yield Problem(f"service.{name}", what, "Give one of them another name.")


def _of_groups(app: App) -> Iterator[Problem]:
    """Rules into the group of what is used: one a node that uses it, a migration, a renewal."""
    users = {each.name: 1 for each in renewed_databases(app)}
    for node in (*app.programs.values(), *app.jobs.values()):
        rules = 2 if isinstance(node, Service) and node.before else 1
        for name in node.uses:
            users[name] = users.get(name, 0) + rules
    for name, count in users.items():
        grouped = name in app.databases or name in app.caches or name in app.services
        if grouped and count > MOST_GROUP_RULES:
            what = f"{count} nodes and migrations use it; a security group has {MOST_GROUP_RULES}"
            yield Problem(name, what, "Let services of one kind share it through one of them.")

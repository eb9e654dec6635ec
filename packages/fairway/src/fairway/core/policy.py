"""What a plan advises against: rules with codes, each saying where, what, and how to mend it.

Place in the flow: `fairway plan ENV` shows the findings of an environment before anything is made;
nothing is stopped by one. Pure. A rule is for production unless it says otherwise; the checks that
read an app's code are others.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.load import busiest
from fairway.core.problem import Problem
from fairway.core.spec.model import App

__all__ = ["RULES", "Finding", "Rule", "findings"]

BEFORE_PRODUCTION = frozenset({"local", "dev", "staging"})
DAY = 86_400.0
WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Rule:
    """A code that stays, what it is about in a sentence, and what finds it."""

    code: str
    doc: str
    find: Callable[[App, Assumptions], Iterator[Problem]]
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with the code of the rule that found it."""

    code: str
    problem: Problem


def findings(app: App, assumed: Assumptions) -> tuple[Finding, ...]:
    """Everything that is found, by code and then by place."""
    is_production = app.environment not in BEFORE_PRODUCTION
    found = [
        Finding(rule.code, problem)
        for rule in RULES
        if is_production or rule.everywhere
        for problem in rule.find(app, assumed)
    ]
    return tuple(sorted(found, key=lambda each: (each.code, each.problem)))


def one_zone(app: App, assumed: Assumptions) -> Iterator[Problem]:
    del assumed
    for name, database in app.databases.items():
        if database.is_made and database.zones < 2:
            what = "it stands in one zone, and is away while that zone is"
            yield Problem(f"database.{name}.zones", what, "Write zones = 2.")


def one_replica(app: App, assumed: Assumptions) -> Iterator[Problem]:
    del assumed
    for name, service in app.services.items():
        if service.kind == "function":
            continue
        if service.replicas.minimum < 2:
            what = f"{service.replicas} may leave one replica: whatever ends it ends the service"
            yield Problem(f"service.{name}.replicas", what, 'Write "2..10", or another range.')
        elif service.off_hours is not None and service.off_hours.replicas.minimum < 2:
            what = f"off hours may leave {service.off_hours.replicas.minimum}"
            mend = "Write 2 as the fewest, unless nobody is there at those hours."
            yield Problem(f"service.{name}.off_hours", what, mend)


def few_backups(app: App, assumed: Assumptions) -> Iterator[Problem]:
    del assumed
    for name, database in app.databases.items():
        days = database.backups_seconds / DAY
        if database.is_made and days < WEEK_DAYS:
            what = f"backups are kept {days:g} days" if days else "nothing is backed up"
            yield Problem(f"database.{name}.backups", what, 'Write backups = "7d".')


def nobody_told(app: App, assumed: Assumptions) -> Iterator[Problem]:
    del assumed
    if app.alarm is None:
        mend = 'Write [alarm] with notify = ["mailto:…"].'
        yield Problem("alarm", "nobody is told when it fails", mend)
    elif not app.alarm.notify:
        what = "there are alarms, and nobody hears them"
        yield Problem("alarm.notify", what, 'Write notify = ["mailto:…"].')


def no_limit(app: App, assumed: Assumptions) -> Iterator[Problem]:
    del assumed
    for name, service in app.services.items():
        if service.public and service.limits.per_ip is None and not service.firewall:
            what = "one address may ask as often as it likes"
            mend = 'Write limits.per_ip = "60/min", or firewall = true.'
            yield Problem(f"service.{name}.limits", what, mend)


def old_secrets(app: App, assumed: Assumptions) -> Iterator[Problem]:
    del assumed
    for name, secret in app.secrets.items():
        if secret.generate and secret.rotate_seconds is None:
            mend = 'Write rotate = "90d".'
            yield Problem(f"secret.{name}.rotate", "it is made once and never renewed", mend)


def no_versions(app: App, assumed: Assumptions) -> Iterator[Problem]:
    del assumed
    for name, bucket in app.buckets.items():
        if not bucket.versions and bucket.keep_seconds is None:
            what = "what is overwritten or deleted is not kept for good"
            yield Problem(f"bucket.{name}.versions", what, "Write versions = true.")


def too_few(app: App, assumed: Assumptions) -> Iterator[Problem]:
    for name, service in app.services.items():
        if service.kind == "function":
            continue
        count, most = busiest(service, assumed), service.replicas.maximum
        if count > most:
            what = f"the busiest hours need {count:,} replicas, and {most} are the most"
            mend = "Allow more replicas, give each more cpu, or answer from the edge (cache)."
            yield Problem(f"service.{name}.replicas", what, mend)


RULES = (
    Rule("AVL1", "A database in one zone.", one_zone),
    Rule("AVL2", "A service that may run as one replica.", one_replica),
    Rule(
        "CAP1", "Fewer replicas allowed than the assumed traffic needs.", too_few, everywhere=True
    ),
    Rule("DAT1", "Backups kept for less than a week (R246).", few_backups),
    Rule("DAT2", "A bucket that keeps no old versions and forgets nothing.", no_versions),
    Rule("SEC1", "A public service without a limit for one address.", no_limit),
    Rule("SEC2", "A generated secret that is never renewed (R74).", old_secrets),
    Rule("WAT1", "Nobody is told of alarms (R193).", nobody_told),
)

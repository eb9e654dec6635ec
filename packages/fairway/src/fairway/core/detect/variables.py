"""Secrets, and the other variables that a service cannot do without."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fairway.core.detect.data import ADDRESS, PARTS
from fairway.core.detect.environment import VariableRead
from fairway.core.detect.evidence import Evidence
from fairway.core.detect.findings import FoundNode, Note
from fairway.core.detect.own_names import CACHE_HOST
from fairway.core.detect.sayable import is_secret, is_variable
from fairway.core.detect.sources import Finding, Sources, join, quote
from fairway.core.detect.stores import BUCKET_READS, REDIS_READS
from fairway_runtime import contract

__all__ = ["VariableUse", "example_values", "find_variables"]

SECRET = re.compile(
    r"(?:\w+_)?(?:SECRET|PASSWORD|PASSWD|TOKEN|API_?KEY|PRIVATE_KEY|ACCESS_KEY|SALT|CREDENTIALS?|"
    r"SECRET_KEY|SIGNING_KEY|SESSION_KEY|WEBHOOK_SECRET)(?:_\w+)?|\w+_KEY|"
    # Addresses of services that people log in to carry a password.
    r"(?:\w+_)?(?:MONGO\w*|MYSQL\w*|AMQP|RABBITMQ|SENTRY|ELASTIC\w*|CLICKHOUSE)_(?:URL|URI|DSN)"
)
ABOUT = re.compile(
    r"_(?:ALGORITHM|AUDIENCE|DAYS?|EXPIR\w*|HEADER|HOURS?|ISSUER|LENGTH|LIFETIME|MIN(?:UTES?)?|NAME|"
    r"PREFIX|SECONDS?|TTL|TYPE)$"
)
# What only the app itself must know can be made up; what another company issued cannot.
MADE_UP = re.compile(
    r"(?:(?:APP|DJANGO|FLASK|FASTAPI|JWT|AUTH|SESSION|COOKIE|CSRF|TOKEN)_)?"
    r"(?:SECRET|SECRET_KEY|SECRET_KEY_BASE|SESSION_KEY|SIGNING_KEY|COOKIE_SECRET|SECURITY_PASSWORD_SALT)"
)
PROVIDED = frozenset(
    value
    for name, value in vars(contract).items()
    if name.isupper() and isinstance(value, str) and value.isupper()
)
ORDINARY = re.compile(
    r"HOME|PATH|USER|USERNAME|PWD|TZ|LANG|LC_\w+|PYTHON(?!_VERSION)\w+|CI|HOSTNAME|TMPDIR|TEMP|SHELL|TERM|"
    r"VIRTUAL_ENV|GITHUB_\w+|DJANGO_SETTINGS_MODULE|AWS_\w+|FLASK_(?:APP|DEBUG|ENV|RUN_\w+)|WEB_CONCURRENCY|EDITOR"
)
# References, addresses of other machines, and values that ask to be replaced.
UNUSABLE = re.compile(r"\$|://|<|chang|your|xxx|example", re.IGNORECASE)
OF_IMAGES = re.compile(r"(?:^|_)(?:DOCKER|CONTAINER)(?:_|$)")  # here there is none
MOST_VARIABLES = 12


@dataclass(frozen=True, slots=True)
class VariableUse:
    """The secrets of a service, the variables to set for it, and what must be said of others."""

    secrets: tuple[FoundNode, ...]
    variables: Mapping[str, Finding[str]]
    notes: tuple[Note, ...]


def find_variables(
    evidence: Evidence, examples: Mapping[str, Finding[str]], service: str, others: frozenset[str]
) -> VariableUse:
    """What must be set for `service` to start.

    `examples` are values of `.env.example`; `others` are variables that edges to other services
    bring.
    """
    secrets: list[FoundNode] = []
    values: dict[str, Finding[str]] = {}
    missing: list[VariableRead] = []
    for read in _first_reads(evidence):
        if read.name in others or not is_variable(read.name, "") or _is_provided(read.name):
            continue
        if MADE_UP.fullmatch(read.name):
            secrets.append(FoundNode("secret", read.name, read.finding, (("generate", "true"),)))
        elif not read.required:
            if (value := _of_image(read, evidence)) is not None:
                values[read.name] = value
        elif _is_secret(read):
            secrets.append(FoundNode("secret", read.name, read.finding))
        elif (value := _value(read, evidence, examples)) is not None:
            values[read.name] = value
        else:
            missing.append(read)
    return VariableUse(
        tuple(secrets), values, tuple(_missing(read, service) for read in missing[:MOST_VARIABLES])
    )


def _is_secret(read: VariableRead) -> bool:
    """By its name; a number or a flag is none, nor what says how a secret is made or named."""
    named = SECRET.fullmatch(read.name) and not ABOUT.search(read.name)
    return bool(named) and not read.plain and is_secret(read.name)


def example_values(sources: Sources, folder: str) -> Mapping[str, Finding[str]]:
    """The values in `.env.example` and its like. `.env` itself is never read: it holds secrets."""
    found: dict[str, Finding[str]] = {}
    for name in (".env.example", ".env.sample", ".env.template", "env.example", ".env.dist"):
        path = join(folder, name)
        for number, line in enumerate(sources.texts.get(path, "").splitlines(), 1):
            entry = re.match(r"\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=\s*(.*?)\s*$", line)
            if entry and entry[2].strip("\"'"):
                value = entry[2].strip("\"'")
                found.setdefault(entry[1], Finding(value, f"{path}:{number}", quote(entry[1])))
    return found


def _first_reads(evidence: Evidence) -> Iterator[VariableRead]:
    """One read a name, a required one if there is any, by name."""
    best: dict[str, VariableRead] = {}
    for read in evidence.reads:
        known = best.get(read.name)
        if known is None or (read.required and not known.required):
            best[read.name] = read
    yield from (best[name] for name in sorted(best))


def _is_provided(name: str) -> bool:
    """Whether Fairway or the machine sets it, or another finding speaks of it."""
    if name in PROVIDED or ORDINARY.fullmatch(name):
        return True
    patterns = (ADDRESS, PARTS, REDIS_READS, CACHE_HOST, BUCKET_READS)
    return any(re.fullmatch(pattern, name) for pattern in patterns)


def _value(
    read: VariableRead, evidence: Evidence, examples: Mapping[str, Finding[str]]
) -> Finding[str] | None:
    """A value that another file states and that means the same everywhere."""
    for found in (evidence.given.get(read.name), examples.get(read.name)):
        usable = found is not None and is_variable(read.name, found.value)
        if usable and found and found.value and UNUSABLE.search(found.value) is None:
            return found
    return None


def _of_image(read: VariableRead, evidence: Evidence) -> Finding[str] | None:
    """What the image says to the code, beside its default; a path there is none here."""
    found = evidence.built.get(read.name)
    if found is None or _is_secret(read) or OF_IMAGES.search(read.name):
        return None
    if found.value == read.default:
        return None
    is_usable = found.value and not found.value.startswith("/") and not UNUSABLE.search(found.value)
    return found if is_usable and is_variable(read.name, found.value) else None


def _missing(read: VariableRead, service: str) -> Note:
    return Note(
        "untold",
        read.finding.where,
        f"The code needs the variable {read.name}, and nothing says its value.",
        f'Write {read.name} = "…" under [service.{service}.variables].',
    )

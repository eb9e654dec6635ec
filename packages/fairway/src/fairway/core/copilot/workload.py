"""A workload's values as keys of fairway.toml: of a service, a worker, a job or a site. Pure.

Each function uses up what it can say; what it cannot stays in `Values`, and is told.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fairway.core.copilot.document import Leaf
from fairway.core.copilot.manifest import Manifest, Values
from fairway.core.copilot.schedule import as_cron
from fairway.core.detect.sayable import is_path, is_port, is_replicas, is_secret, is_variable
from fairway.core.detect.sources import join, parent_of
from fairway.core.spec.mentions import escaped
from fairway.core.spec.readers.times import seconds_of
from fairway.core.toml_text import as_key, as_text

__all__ = [
    "Names",
    "Said",
    "folder_of",
    "job_keys",
    "port",
    "root",
    "secrets",
    "service_keys",
    "variables",
    "words",
    "worker_keys",
]

APPLICATION = "${COPILOT_APPLICATION_NAME}"
ENVIRONMENT = "${COPILOT_ENVIRONMENT_NAME}"
LEAST_CPU = 64
LEAST_PORT = 1024


@dataclass(frozen=True, slots=True)
class Said:
    """A key, its value as TOML, and the manifest's line."""

    key: str
    value: str
    where: str


@dataclass(frozen=True, slots=True)
class Names:
    """What Copilot fills into values: the app's name and the environments'."""

    app: str
    environments: tuple[str, ...]


def words(values: Values) -> str:
    """`entrypoint` and `command` as one line."""
    parts = [values.take("entrypoint"), values.take("command")]
    return " ".join(
        shlex.join(leaf.value) if isinstance(leaf.value, tuple) else leaf.value
        for leaf in parts
        if leaf is not None
    )


def folder_of(values: Values, project: str) -> tuple[str, str]:
    """The Dockerfile's path and the folder that it is built from."""
    file = values.take("image.build", "image.build.dockerfile")
    context = values.take("image.build.context")
    dockerfile = join(project, file.text if file else "Dockerfile")
    return dockerfile, join(project, context.text) if context else parent_of(dockerfile)


def service_keys(manifest: Manifest, values: Values, *, probed: bool) -> Iterator[Said]:
    """Size, replicas, scaling and deadlines. `probed`: the service says its own probe's path."""
    yield from _size(manifest, values)
    spot = values.take("count.spot")
    if spot is not None:
        why = "services do not run on spot capacity; jobs and workers do: `interruptible`"
        manifest.leave(spot, why)
    yield from _count(manifest, values, spot)
    yield from _scale(manifest, values, asked=True)
    sticky = values.take("http.stickiness")
    if sticky is not None:
        yield Said("sticky", _boolean(sticky), _at(manifest, sticky))
    yield from _deadlines(manifest, values)
    probe = values.take("http.healthcheck", "http.healthcheck.path")
    if probe is not None and probed and probe.text.startswith("/"):
        yield Said("probe", as_text(probe.text), _at(manifest, probe))


def worker_keys(manifest: Manifest, values: Values) -> Iterator[Said]:
    """Size, replicas and scaling of what nobody asks; spot capacity does for it."""
    yield from _size(manifest, values)
    spot = values.take("count.spot")
    yield from _count(manifest, values, spot)
    if spot is not None:
        yield Said("interruptible", "true", _at(manifest, spot))
    yield from _scale(manifest, values, asked=False)


def _count(manifest: Manifest, values: Values, spot: Leaf | None) -> Iterator[Said]:
    """How many run."""
    count = values.take("count", "count.range") or spot
    low, high = values.take("count.range.min"), values.take("count.range.max")
    if (said := _replicas(count, low, high)) is not None:
        yield Said("replicas", said[0], f"{manifest.path}:{said[1].line}")
    elif count is not None and count is not spot:
        manifest.leave(count, "it is no number of replicas, and no range")


def job_keys(manifest: Manifest, values: Values) -> Iterator[Said]:
    """When a job runs, how long, how often it is tried."""
    yield from _size(manifest, values)
    schedule = values.take("on.schedule")
    if schedule is not None and (cron := as_cron(schedule.text)) is not None:
        yield Said("schedule", as_text(cron), _at(manifest, schedule))
    elif schedule is not None and schedule.text == "none":
        manifest.leave(schedule, "leave `schedule` out; it is run by hand: `fairway run`")
    elif schedule is not None:
        manifest.leave(schedule, "cron cannot say it; write `schedule` yourself")
    timeout = values.take("timeout")
    if timeout is not None and seconds_of(timeout.text):
        yield Said("timeout", as_text(timeout.text), _at(manifest, timeout))
    elif timeout is not None:
        manifest.leave(timeout, "it is no duration")
    retries = values.take("retries")
    if retries is not None and re.fullmatch(r"\d{1,3}", retries.text, re.ASCII):
        yield Said("retries", str(int(retries.text)), _at(manifest, retries))
    values.take("count")  # a job runs once


def variables(manifest: Manifest, values: Values, scope: str, names: Names) -> Mapping[str, Said]:
    """`environment/NAME` -> the variable; one that names its environment is said in each."""
    found: dict[str, Said] = {}
    for leaf in values.below("variables"):
        name = leaf.path[-1]
        value = leaf.text.replace(APPLICATION, names.app)
        if re.search(r"\$\{(?!COPILOT_ENVIRONMENT_NAME\})\w+\}", value):
            manifest.leave(leaf, "it is filled in from the shell that deploys; write its value")
            continue
        if not is_variable(name, value):
            manifest.leave(leaf, "Fairway sets it, or no variable is called so")
            continue
        scopes: Sequence[str] = (scope,)
        if ENVIRONMENT in value:
            scopes = (scope,) if scope else names.environments
            if not scopes:
                manifest.leave(leaf, "it names the environment, and there is none yet")
        for each in scopes:
            text = as_text(escaped(value.replace(ENVIRONMENT, each)))
            found[f"{each}/{name}"] = Said(as_key(name), text, _at(manifest, leaf))
    return found


def secrets(manifest: Manifest, values: Values, app: str) -> Iterator[Said]:
    """The secrets' names; the value says where Copilot had it, which is for people to look up."""
    for leaf in values.below("secrets"):
        name = leaf.path[-2] if leaf.path[-1] == "secretsmanager" else leaf.path[-1]
        if is_secret(name):
            place = leaf.text.replace(APPLICATION, app).replace(ENVIRONMENT, "ENVIRONMENT")
            yield Said(name, place, _at(manifest, leaf))
        else:
            manifest.leave(leaf, "a secret's name has capitals, digits and _")


def _size(manifest: Manifest, values: Values) -> Iterator[Said]:
    cpu = values.take("cpu")
    if cpu is not None and (units := _number(cpu)) and units >= LEAST_CPU:
        yield Said("cpu", f"{units / 1024:g}", _at(manifest, cpu))
    elif cpu is not None:
        manifest.leave(cpu, "it is no number of CPU units")
    memory = values.take("memory")
    if memory is not None and (mebibytes := _number(memory)):
        yield Said("memory", as_text(f"{mebibytes} MiB"), _at(manifest, memory))
    elif memory is not None:
        manifest.leave(memory, "it is no number of MiB")


def _replicas(count: Leaf | None, low: Leaf | None, high: Leaf | None) -> tuple[str, Leaf] | None:
    """`3` or `"2..10"`, as one value or as two."""
    if low is not None and high is not None:
        text, leaf = f"{low.text}-{high.text}", low
    elif count is not None:
        text, leaf = count.text, count
    else:
        return None
    found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", text, re.ASCII)
    if found is None or not is_replicas(int(found[1]), int(found[2] or found[1])):
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return (str(first) if first == last else as_text(f"{first}..{last}")), leaf


def _scale(manifest: Manifest, values: Values, *, asked: bool) -> Iterator[Said]:
    """When there are more; `asked`: by requests too."""
    parts: list[str] = []
    leaves: list[Leaf] = []
    for key in ("cpu", "memory"):
        name = f"count.{key}_percentage"
        leaf = values.take(name, f"{name}.value")
        if leaf is not None and (percent := _number(leaf)) and percent <= 100:
            parts.append(f'{key} = "{percent}%"')
            leaves.append(leaf)
        elif leaf is not None:
            manifest.leave(leaf, "it is no share")
    requests = values.take("count.requests", "count.requests.value") if asked else None
    if requests is not None and (a_minute := _number(requests)):
        parts.append(f"requests = {a_minute / 60:.4g}")
        leaves.append(requests)
    elif requests is not None:
        manifest.leave(requests, "it is no number of requests")
    if parts:
        yield Said("scale", f"{{ {', '.join(parts)} }}", _at(manifest, *leaves))


def _deadlines(manifest: Manifest, values: Values) -> Iterator[Said]:
    parts: list[str] = []
    leaves: list[Leaf] = []
    for key, name in (
        ("drain", "http.deregistration_delay"),
        ("startup", "http.healthcheck.grace_period"),
    ):
        leaf = values.take(name)
        if leaf is not None and seconds_of(leaf.text):
            parts.append(f"{key} = {as_text(leaf.text)}")
            leaves.append(leaf)
        elif leaf is not None:
            manifest.leave(leaf, "it is no duration")
    if parts:
        yield Said("timeouts", f"{{ {', '.join(parts)} }}", _at(manifest, *leaves))


def port(manifest: Manifest, values: Values) -> Said | None:
    """The container's port, which is the one that people name."""
    leaf = values.take("image.port")
    if leaf is None:
        return None
    number = _number(leaf)
    if number is None or not is_port(number):
        manifest.leave(leaf, "it is no port")
        return None
    if number < LEAST_PORT:
        manifest.leave(leaf, "a user without rights cannot take it; Fairway chooses one")
        return None
    return Said("port", str(number), _at(manifest, leaf))


def root(manifest: Manifest, values: Values, project: str) -> Said | None:
    """A site's folder."""
    leaf = values.take("files[0].source")
    if leaf is None:
        return None
    path = join(project, leaf.text)
    if not is_path(path):
        manifest.leave(leaf, "it is no folder of the project")
        return None
    return Said("root", as_text(path), _at(manifest, leaf))


def _number(leaf: Leaf) -> int | None:
    return int(leaf.text) if re.fullmatch(r"[1-9]\d{0,6}", leaf.text, re.ASCII) else None


def _boolean(leaf: Leaf) -> str:
    return "true" if leaf.text.lower() in {"true", "yes", "on"} else "false"


def _at(manifest: Manifest, *leaves: Leaf) -> str:
    """`copilot/web/manifest.yml:29, 31`."""
    lines = sorted({leaf.line for leaf in leaves})
    return f"{manifest.path}:{', '.join(str(line) for line in lines)}"

"""AWS Copilot's manifests (`copilot/<name>/manifest.yml`): the service or job that each states.

Copilot ended on 12 June 2026; what it said about an app is taken over as far as Fairway has a
word for it. What has none is told, never dropped.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fairway.core.detect.sayable import as_command, as_schedule, is_replicas, is_variable
from fairway.core.detect.sources import Finding, Sources, join, parent_of, quote
from fairway.core.detect.yaml_reader import Node, read_yaml

__all__ = ["CopilotManifest", "copilot_manifests"]

KNOWN = frozenset({
    "name", "type", "image", "http", "cpu", "memory", "count", "exec", "variables", "secrets",
    "environments", "platform", "network", "on", "command", "entrypoint", "retries", "timeout",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class CopilotManifest:
    """One manifest. `cpu` is in Copilot's units, 1024 a processor; `memory` in MiB."""

    name: str
    kind: str
    where: str
    dockerfile: str
    context: str
    port: Finding[int] | None
    replicas: Finding[str] | None
    cpu: Finding[int] | None
    memory: Finding[int] | None
    command: Finding[str] | None
    schedule: Finding[str] | None
    variables: Mapping[str, Finding[str]]
    secrets: Mapping[str, Finding[str]]
    unknown: tuple[Finding[str], ...]  # keys that Fairway has no word for

    @property
    def is_job(self) -> bool:
        """Whether it runs to an end."""
        return self.kind == "Scheduled Job"

    @property
    def is_public(self) -> bool:
        """Whether the internet reaches it."""
        return self.kind in {"Load Balanced Web Service", "Request-Driven Web Service"}


def copilot_manifests(sources: Sources) -> Iterator[CopilotManifest]:
    """Every service and job that Copilot was told of."""
    for path, text in sources.named("manifest.yml", "manifest.yaml"):
        folder = parent_of(parent_of(path))
        if folder != "copilot" and not folder.endswith("/copilot"):
            continue
        node = read_yaml(text)
        if node.at("type").text in {"", "Environment"}:
            continue
        yield _manifest(path, parent_of(folder), node)


def _manifest(path: str, project: str, node: Node) -> CopilotManifest:
    build = node.at("image", "build")
    file = build.text or build.at("dockerfile").text
    dockerfile = join(project, file) if file else ""
    inner = build.at("context").text
    context = join(project, inner) if inner else parent_of(dockerfile)
    count = node.at("count")
    command = node.at("command")
    unknown = [
        Finding(key, f"{path}:{value.line}", key) for key, value in node.pairs() if key not in KNOWN
    ]
    return CopilotManifest(
        name=node.at("name").text or parent_of(path).rpartition("/")[2],
        kind=node.at("type").text,
        where=f"{path}:{node.at('type').line}",
        dockerfile=dockerfile,
        context=context,
        port=_number(path, "image.port", node.at("image", "port")),
        replicas=_replicas(path, count if count.text else count.at("range")),
        cpu=_number(path, "cpu", node.at("cpu")),
        memory=_number(path, "memory", node.at("memory")),
        command=_text(path, "command", command, as_command(_joined(command))),
        schedule=_schedule(path, node.at("on", "schedule")),
        variables=dict(_values(path, node.at("variables"))),
        secrets=dict(_values(path, node.at("secrets"))),
        unknown=tuple(unknown),
    )


def _joined(command: Node) -> str:
    """A command's words as one line; words of a list are quoted where they need it."""
    return shlex.join(command.texts()) if command.items else command.text


def _text(path: str, key: str, node: Node, text: str) -> Finding[str] | None:
    return Finding(text, f"{path}:{node.line}", quote(f"{key}: {text}")) if text else None


def _number(path: str, key: str, node: Node) -> Finding[int] | None:
    if not re.fullmatch(r"[1-9]\d{0,5}", node.text, re.ASCII):
        return None
    return Finding(int(node.text), f"{path}:{node.line}", f"{key}: {node.text}")


def _replicas(path: str, node: Node) -> Finding[str] | None:
    """`3`, or `2-10`, which Fairway writes `2..10`."""
    found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", node.text, re.ASCII)
    low, high = node.at("min").text, node.at("max").text
    if found:
        low, high = found[1], found[2] or found[1]
    if not re.fullmatch(r"\d+-\d+", f"{low}-{high}", re.ASCII):
        return None
    if not is_replicas(int(low), int(high)):
        return None
    value = low if low == high else f"{low}..{high}"
    return Finding(value, f"{path}:{node.line}", f"count: {low}-{high}")


def _schedule(path: str, node: Node) -> Finding[str] | None:
    """Cron of five fields or `@daily`; `@every 1h` has no like in cron."""
    text = node.text
    value = as_schedule("@daily" if text == "@midnight" else text)
    return Finding(value, f"{path}:{node.line}", quote(f"schedule: {text}")) if value else None


def _values(path: str, node: Node) -> Iterator[tuple[str, Finding[str]]]:
    for name, value in node.pairs():
        if is_variable(name, value.text):
            yield name, Finding(value.text, f"{path}:{value.line}", name)

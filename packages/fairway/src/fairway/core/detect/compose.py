"""The services of a compose file: what is built, what it runs, which images stand beside it."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fairway.core.detect.sources import Finding, Sources, join, parent_of, quote
from fairway.core.detect.yaml_reader import Node, read_yaml

__all__ = ["ComposeService", "compose_services"]

FILES = ("docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml")


@dataclass(frozen=True, slots=True)
class ComposeService:
    """One service of a compose file; `context` is the folder that its image is built from."""

    name: str
    where: str
    image: str
    builds: bool
    context: str
    dockerfile: str
    command: Finding[str] | None
    port: Finding[int] | None
    variables: Mapping[str, Finding[str]]


def compose_services(sources: Sources) -> Iterator[ComposeService]:
    """The services of the shallowest compose file (one a folder), in the order of the file."""
    seen: set[str] = set()
    for path, text in sources.named(*FILES):
        folder = parent_of(path)
        if folder in seen:
            continue
        seen.add(folder)
        for name, node in read_yaml(text).at("services").pairs():
            yield _service(path, name, node)


def _service(path: str, name: str, node: Node) -> ComposeService:
    folder = parent_of(path)
    build = node.at("build")
    inner = build.text or build.at("context").text
    builds = bool(inner or build.entries)
    context = join(folder, inner)
    file = build.at("dockerfile").text or "Dockerfile"
    command = node.at("command")
    return ComposeService(
        name=name,
        where=f"{path}:{node.line}",
        image=node.at("image").text,
        builds=builds,
        context=context if builds else folder,
        dockerfile=join(context, file) if builds else "",
        command=_command(path, command) if command.texts() else None,
        port=_port(path, node.at("ports")),
        variables=dict(_variables(path, node.at("environment"))),
    )


def _command(path: str, node: Node) -> Finding[str]:
    text = shlex.join(node.texts()) if node.items else node.text
    return Finding(text, f"{path}:{node.line}", quote(f"command: {text}"))


def _port(path: str, node: Node) -> Finding[int] | None:
    """The published port of the first entry: `"8080:80"` gives 8080."""
    for item in node.items:
        text = item.text or item.at("published").text
        found = re.match(r"(?:\d+\.\d+\.\d+\.\d+:)?(?:\$\{\w+:?-)?(\d{1,5})\}?(?::|$|/)", text)
        if found:
            return Finding(int(found[1]), f"{path}:{item.line}", quote(f"ports: {text}"))
    return None


def _variables(path: str, node: Node) -> Iterator[tuple[str, Finding[str]]]:
    for name, value in node.pairs():
        yield name, Finding(value.text, f"{path}:{value.line}", name)
    for item in node.items:
        name, _, value = item.text.partition("=")
        yield name, Finding(value, f"{path}:{item.line}", name)

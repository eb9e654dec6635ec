"""What the files around the code say about how an app is started.

Dockerfile, compose file, Procfile, Copilot manifest, Makefile, shell scripts, README, and the
code's own `uvicorn.run(…)`. Each hint carries a weight: what runs in production says more than
what a README shows. Choosing among apps by these hints is `choose.py`'s.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from fairway.core.detect.compose import ComposeService, compose_services
from fairway.core.detect.copilot import CopilotManifest, copilot_manifests
from fairway.core.detect.dockerfile import Dockerfile, read_dockerfile, variables_of
from fairway.core.detect.launch import Launch, launches
from fairway.core.detect.sources import Finding, Sources, join, name_of, parent_of, quote
from fairway.core.detect.syntax import Tree, is_entry_guard, text_value
from fairway.core.detect.tables import as_text, at, read_toml

__all__ = ["Hints", "Image", "Port", "Started", "read_hints"]

DEPLOYED, COMPOSED, CONFIGURED, RUN_BY_CODE, SCRIPTED, SHOWN = 100, 95, 90, 60, 50, 30
SHELL_DEPTH = 3
DJANGO_APPLICATIONS: Mapping[str, Literal["asgi", "wsgi"]] = {
    "ASGI_APPLICATION": "asgi",
    "WSGI_APPLICATION": "wsgi",
}


@dataclass(frozen=True, slots=True)
class Started:
    """A launch, where it stands, and the folder that its paths are relative to."""

    launch: Launch
    finding: Finding[str]
    folder: str
    weight: int
    service: str = ""  # the name that a compose file, a Procfile or a manifest gives it


@dataclass(frozen=True, slots=True)
class Port:
    """A port, the folder that it speaks of, and the service's name where one is given."""

    folder: str
    service: str
    finding: Finding[int]


@dataclass(frozen=True, slots=True)
class Image:
    """What an image's Dockerfile sets, the folder it is built from, and the service it is for."""

    folder: str
    service: str
    variables: Mapping[str, Finding[str]]


@dataclass(frozen=True, slots=True)
class Hints:
    """Everything that the files around the code say."""

    started: tuple[Started, ...]
    ports: tuple[Port, ...]  # those that are stated for deployment first
    compose: tuple[ComposeService, ...]
    copilot: tuple[CopilotManifest, ...]
    images: tuple[Image, ...]


def read_hints(sources: Sources, trees: Mapping[str, Tree]) -> Hints:
    """All hints of a project, the weightiest first."""
    compose = tuple(compose_services(sources))
    copilot = tuple(copilot_manifests(sources))
    dockerfiles = tuple(_dockerfiles(sources, compose, copilot))
    started = [
        *_built(dockerfiles),
        *_composed(compose),
        *_procfile(sources),
        *_configured(sources),
        *_run_by_code(trees),
        *_named_by_settings(trees),
        *_scripts(sources),
    ]
    started = [inner for one in started for inner in _followed(sources, one, 0)]
    started.sort(key=lambda one: (-one.weight, one.finding.where))
    ports = [
        *_exposed(sources, compose),
        *_composed_ports(compose),
        *_configured_ports(sources),
        *_copilot_ports(copilot),
        *(
            Port(one.folder, one.service, _port_of(one))
            for one in started
            if one.launch.port and one.weight > SHOWN
        ),
    ]
    images = tuple(_image(one) for one in dockerfiles)
    return Hints(tuple(started), tuple(ports), compose, copilot, images)


def _port_of(one: Started) -> Finding[int]:
    return Finding(one.launch.port or 0, one.finding.where, one.finding.why)


@dataclass(frozen=True, slots=True)
class _Found:
    """A Dockerfile, its path, the folder it is built from, and the service that builds it."""

    file: Dockerfile
    path: str
    folder: str
    service: str


def _dockerfiles(
    sources: Sources, compose: tuple[ComposeService, ...], copilot: tuple[CopilotManifest, ...]
) -> Iterator[_Found]:
    contexts = _contexts(compose)
    for manifest in copilot:
        if manifest.dockerfile:
            contexts.setdefault(manifest.dockerfile, (manifest.context, manifest.name))
    for path, text in sorted(sources.texts.items()):
        if not _is_dockerfile(path):
            continue
        folder, service = contexts.get(path, (parent_of(path), ""))
        yield _Found(read_dockerfile(text), path, folder, service)


def _contexts(compose: tuple[ComposeService, ...]) -> dict[str, tuple[str, str]]:
    """Dockerfile -> the folder it is built from, and the service that runs its own command.

    Of several that all run another, none is meant.
    """
    found: dict[str, tuple[str, str]] = {}
    builds = [one for one in compose if one.dockerfile]
    for one in sorted(builds, key=lambda one: one.command is not None):
        others = [other for other in builds if other.dockerfile == one.dockerfile]
        is_meant = one.command is None or len(others) == 1
        found.setdefault(one.dockerfile, (one.context, one.name if is_meant else ""))
    return found


def _image(found: _Found) -> Image:
    variables = {
        name: Finding(value, f"{found.path}:{line}", f"ENV {name}")
        for name, value, line in variables_of(found.file)
    }
    return Image(found.folder, found.service, variables)


def _built(dockerfiles: tuple[_Found, ...]) -> Iterator[Started]:
    """CMD and ENTRYPOINT of each Dockerfile, under the name of the service that builds it."""
    for one in dockerfiles:
        file, path, folder, service = one.file, one.path, one.folder, one.service
        entry, command = file.latest("ENTRYPOINT"), file.latest("CMD")
        words = [
            word
            for one in (entry, command)
            if one is not None
            for word in (one.words or (one.text,))
        ]
        shown = command or entry
        if shown is None:
            continue
        line: str | list[str] = words if shown.words else " ".join(words)
        finding = Finding(
            " ".join(words), f"{path}:{shown.line}", quote(f"{shown.name} {shown.text}")
        )
        found = list(launches(line))
        if not found and entry is not None and command is not None:
            # An entrypoint of the project's own, that ends with `exec "$@"`.
            found = list(launches(list(command.words) or command.text))
        for launch in found:
            yield Started(launch, finding, folder, DEPLOYED, service)


def _is_dockerfile(path: str) -> bool:
    name = name_of(path)
    return name == "Dockerfile" or name.startswith("Dockerfile.") or name.endswith(".Dockerfile")


def _composed(compose: tuple[ComposeService, ...]) -> Iterator[Started]:
    for one in compose:
        if one.command is not None:
            for launch in launches(one.command.value):
                finding = Finding(one.command.value, one.command.where, one.command.why)
                yield Started(launch, finding, one.context, COMPOSED, one.name)


def _procfile(sources: Sources) -> Iterator[Started]:
    for path, text in sources.named("Procfile"):
        for number, line in enumerate(text.splitlines(), 1):
            name, colon, command = line.partition(":")
            if not colon or name.strip().startswith("#"):
                continue
            finding = Finding(command.strip(), f"{path}:{number}", quote(line))
            for launch in launches(command):
                yield Started(launch, finding, parent_of(path), DEPLOYED, name.strip())


def _configured(sources: Sources) -> Iterator[Started]:
    """`FLASK_APP` in `.flaskenv`, and `[tool.fastapi] entrypoint`."""
    for path, text in sources.named(".flaskenv"):
        for number, line in enumerate(text.splitlines(), 1):
            found = re.match(r"\s*(?:export\s+)?FLASK_APP\s*=\s*[\"']?([\w./:]+)", line)
            if found:
                launch = Launch("wsgi", found[1])
                finding = Finding(found[1], f"{path}:{number}", quote(line))
                yield Started(launch, finding, parent_of(path), CONFIGURED)
    for path, text in sources.named("pyproject.toml"):
        target = as_text(at(read_toml(text), "tool", "fastapi", "entrypoint"))
        if target:
            number = next((n for n, line in enumerate(text.splitlines(), 1) if target in line), 1)
            finding = Finding(target, f"{path}:{number}", f'entrypoint = "{target}"')
            yield Started(Launch("asgi", target), finding, parent_of(path), CONFIGURED)


def _run_by_code(trees: Mapping[str, Tree]) -> Iterator[Started]:
    """`uvicorn.run("pkg.mod:app", port=8000)`, `uvicorn.run(app)` and `app.run()`."""
    for tree in trees.values():
        guarded = {
            id(inner) for node in tree.body.body if is_entry_guard(node) for inner in ast.walk(node)
        }
        for call in tree.calls:
            launch = _run_call(tree, call, guarded=id(call) in guarded)
            if launch is not None:
                finding = tree.finding(launch.target, call)
                yield Started(launch, finding, parent_of(tree.path), RUN_BY_CODE)


def _run_call(tree: Tree, call: ast.Call, *, guarded: bool) -> Launch | None:
    name = tree.dotted(call.func)
    port = next((_number(word.value) for word in call.keywords if word.arg == "port"), None)
    if name in {"uvicorn.run", "granian.Granian", "hypercorn.run", "uvicorn.Config"} and call.args:
        factory = any(word.arg == "factory" for word in call.keywords)
        target = text_value(call.args[0])
        if not target and isinstance(call.args[0], ast.Name):
            target = f"{tree.path}::{call.args[0].id}"
        return Launch("asgi", target, factory, port) if target else None
    owner, _, method = name.rpartition(".")
    if method in {"run", "run_server"} and guarded and owner and "." not in owner:
        return Launch("python", f"{tree.path}::{owner}", port=port)
    return None


def _named_by_settings(trees: Mapping[str, Tree]) -> Iterator[Started]:
    """Django's `ASGI_APPLICATION = "site.asgi.application"`, which its own server runs."""
    for tree in trees.values():
        for node in tree.body.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if not isinstance(node, ast.Assign) or not isinstance(target, ast.Name):
                continue
            module, _, name = text_value(node.value).rpartition(".")
            if target.id in DJANGO_APPLICATIONS and module:
                launch = Launch(DJANGO_APPLICATIONS[target.id], f"{module}:{name}")
                yield Started(launch, tree.finding(launch.target, node), "", SHOWN)


def _number(node: ast.expr) -> int | None:
    """A literal number, or the literal inside `int(os.environ.get("PORT", 8000))`."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and not isinstance(inner.value, bool):
            if isinstance(inner.value, int) and 0 < inner.value < 65536:
                return inner.value
            if isinstance(inner.value, str) and inner.value.isascii() and inner.value.isdigit():
                return int(inner.value) if 0 < int(inner.value[:6]) < 65536 else None
    return None


def _scripts(sources: Sources) -> Iterator[Started]:
    """Makefile, justfile and shell scripts; and the commands that a README shows."""
    for path, text in sorted(sources.texts.items()):
        name = name_of(path)
        script = name in {"Makefile", "justfile", "Justfile"}
        readme = name.lower().startswith("readme") and path.count("/") <= 1
        if not script and not readme:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > 500 or not re.search(
                r"\b(?:uvicorn|gunicorn|hypercorn|granian|fastapi|flask|streamlit|daphne)\b", line
            ):
                continue
            command = line.strip().strip("`").removeprefix("$").removeprefix("@").strip()
            finding = Finding(command, f"{path}:{number}", quote(command))
            for launch in launches(command):
                weight = SCRIPTED if script else SHOWN
                yield Started(launch, finding, parent_of(path), weight)


def _followed(sources: Sources, one: Started, depth: int) -> Iterator[Started]:
    """A launch of a shell file gives what that file launches."""
    if one.launch.kind != "shell":
        yield one
        return
    name = name_of(one.launch.target)
    near = sorted(
        (path for path in sources.texts if name_of(path) == name),
        key=lambda path: (not path.startswith(one.folder), path.count("/"), path),
    )
    if not near or depth >= SHELL_DEPTH:
        return
    text = sources.texts[near[0]].replace("\\\n", " ")
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        finding = Finding(line.strip(), f"{near[0]}:{number}", quote(line))
        for launch in launches(line):
            inner = replace(one, launch=launch, finding=finding)
            yield from _followed(sources, inner, depth + 1)


def _exposed(sources: Sources, compose: tuple[ComposeService, ...]) -> Iterator[Port]:
    contexts = _contexts(compose)
    for path, text in sorted(sources.texts.items()):
        if not _is_dockerfile(path):
            continue
        one = read_dockerfile(text).latest("EXPOSE")
        digits = re.match(r"(\d{1,5})", one.text) if one else None
        if one and digits:
            folder, service = contexts.get(path, (parent_of(path), ""))
            yield Port(
                folder, service, Finding(int(digits[1]), f"{path}:{one.line}", f"EXPOSE {one.text}")
            )


def _composed_ports(compose: tuple[ComposeService, ...]) -> Iterator[Port]:
    yield from (Port(one.context, one.name, one.port) for one in compose if one.port and one.builds)


def _copilot_ports(copilot: tuple[CopilotManifest, ...]) -> Iterator[Port]:
    yield from (Port(one.context, one.name, one.port) for one in copilot if one.port)


def _configured_ports(sources: Sources) -> Iterator[Port]:
    """`[server] port` of Streamlit's own configuration."""
    for path, text in sorted(sources.texts.items()):
        if path.endswith(".streamlit/config.toml"):
            port = at(read_toml(text), "server", "port")
            if isinstance(port, int):
                lines = enumerate(text.splitlines(), 1)
                number = next((n for n, line in lines if line.strip().startswith("port")), 1)
                folder = join(parent_of(path), "..")
                yield Port(folder, "", Finding(port, f"{path}:{number}", f"port = {port}"))

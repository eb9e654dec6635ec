"""How a workload is started: by its manifest, its Dockerfile, or what its code shows. Pure."""

from dataclasses import dataclass
from typing import Literal

from fairway.core.detect.dockerfile import Dockerfile, read_dockerfile
from fairway.core.detect.findings import Findings
from fairway.core.detect.launch import launches
from fairway.core.detect.sayable import as_command, is_object, is_path
from fairway.core.detect.sources import Sources

__all__ = ["Runs", "how_it_runs", "what_it_does"]


@dataclass(frozen=True, slots=True)
class Runs:
    """The key that says it and its value; `why` is where that was found."""

    kind: Literal["asgi", "wsgi", "script", "command"]
    target: str
    why: str
    factory: bool = False


def how_it_runs(
    sources: Sources, found: Findings, *, words: str, dockerfile: str, folder: str
) -> Runs | None:
    """A service's start. `words` are the manifest's own; what Fairway can serve itself wins."""
    image = _start(sources, dockerfile)
    for line, why in ((words, "the manifest's words"), (image, f"{dockerfile}: its start")):
        if line and (served := _served(line, why)):
            return served
    inside = [one for one in found.services if one.folder == folder]
    fitting = inside or list(found.services if len(found.services) == 1 else ())
    if len(fitting) == 1:
        one = fitting[0]
        return Runs(one.kind, one.target.value, str(one.target), one.factory)
    for line, why in ((words, "the manifest's words"), (image, f"{dockerfile}: its start")):
        if line and (command := as_command(line)):
            return Runs("command", command, why)
    return None


def what_it_does(sources: Sources, *, words: str, dockerfile: str) -> tuple[str, str] | None:
    """A job's command, and where it was found."""
    for line, why in ((words, "the manifest's words"), (_start(sources, dockerfile), dockerfile)):
        if line and (command := as_command(line)):
            return command, why
    return None


def _served(line: str, why: str) -> Runs | None:
    for one in launches(line):
        match one.kind:
            case "asgi" | "wsgi" if is_object(one.target):
                return Runs(one.kind, one.target, why, one.factory)
            case "script" if is_path(one.target):
                return Runs("script", one.target, why)
            case _:
                continue
    return None


def _start(sources: Sources, path: str) -> str:
    """ENTRYPOINT and CMD of a Dockerfile as one line."""
    if path not in sources.texts:
        return ""
    read: Dockerfile = read_dockerfile(sources.texts[path])
    parts = [read.latest("ENTRYPOINT"), read.latest("CMD")]
    return " ".join(" ".join(one.words) or one.text for one in parts if one is not None)

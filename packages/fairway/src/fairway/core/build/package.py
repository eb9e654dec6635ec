"""A package of an image, and all of them: what every reader of a lock gives. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fairway.core.build.markers import holds
from fairway.core.build.requirement_lines import normal
from fairway.core.detect.tables import as_items, as_table, as_text

__all__ = ["Artifact", "Asked", "Locked", "Package", "asked_of", "fits_linux", "of_files"]

ASKED = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?[^;]*(?:;(.*))?")

Asked = tuple[str, tuple[str, ...]]  # a name, and the extras that are asked of it


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a package may be installed from; `sha256` is empty where nobody says it."""

    url: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Package:
    """One package. `needs` are names; `source` is empty for an index, else a URL or a folder."""

    name: str
    version: str
    needs: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    source: str = ""
    has_wheel: bool = True


@dataclass(frozen=True, slots=True)
class Locked:
    """All packages sorted by name, and which of them the app itself names.

    `is_whole` says whether the lock names everything that is installed.
    """

    packages: tuple[Package, ...]
    named: tuple[str, ...]
    is_whole: bool


def asked_of(texts: Sequence[str], python: str) -> Iterator[Asked]:
    """Requirements as names, with the extras that are asked of each."""
    for text in texts:
        match = ASKED.match(text)
        if match is not None and holds((match[3] or "").strip(), python):
            extras = sorted(extra.strip() for extra in (match[2] or "").split(",") if extra.strip())
            yield normal(match[1]), tuple(extras)


def of_files(
    table: Mapping[str, object], needs: tuple[str, ...], python: str, *, source: str = ""
) -> Package:
    """A package of a lock that lists `files` by name and `hash`, with those that Linux gets."""
    files = [as_table(file) for file in as_items(table.get("files"))]
    named = [(as_text(file.get("url")) or as_text(file.get("file")), file) for file in files]
    wheels = [each for each in named if fits_linux(each[0], python)]
    fitting = wheels or [each for each in named if not each[0].endswith(".whl")]
    return Package(
        name=normal(as_text(table.get("name"))),
        version=as_text(table.get("version")),
        needs=needs,
        artifacts=tuple(
            Artifact(as_text(file.get("url")), as_text(file.get("hash")).removeprefix("sha256:"))
            for _, file in fitting
        ),
        source=source,
        has_wheel=bool(wheels) or not files,
    )


def fits_linux(name: str, python: str) -> bool:
    """Whether a file of this name is a wheel for Linux (glibc) and this Python."""
    if not name.endswith(".whl"):
        return False
    tag = f"cp{python.replace('.', '')}"
    for_python = tag in name or "abi3" in name or "-py3-" in name or "py2.py3" in name
    return for_python and ("-any.whl" in name or "manylinux" in name)

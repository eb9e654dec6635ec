"""What lines of requirements say, as pip and pyproject.toml have them. Pure."""

import re
from collections.abc import Iterable, Iterator

__all__ = ["INCLUDE", "names_of", "names_with_extras", "normal", "takes_from_project"]

INCLUDE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)(?:\s+|=)(\S+)", re.MULTILINE)
# A line that takes a package from a folder or a file of the project.
LOCAL = re.compile(
    r"""^[^\S\n]*(?:
        (?:-e|--editable)[\s=]
        | (?:-f|--find-links)[\s=]+(?!\S+://)
        | \.{1,2}(?:[/\[;\s\#]|$)
        | /
        | file:
        | [\w.-]+/
        | [\w.+-]+\.(?:whl|zip|tar\.gz)\b
        | [\w.-]+\s*(?:\[[^\]\n]*\]\s*)?@\s*(?:file:|\.{0,2}/)
    )""",
    re.MULTILINE | re.VERBOSE,
)
NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")


def normal(name: str) -> str:
    """`Foo_Bar` -> `foo-bar`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def takes_from_project(text: str) -> bool:
    """Whether a requirements file installs from a folder or a file of the project."""
    return LOCAL.search(text) is not None


def names_of(lines: Iterable[str]) -> Iterator[str]:
    """The packages that are asked for."""
    for found in filter(None, map(NAME.match, lines)):
        yield normal(found[1])


def names_with_extras(lines: Iterable[str]) -> Iterator[str]:
    """The same, and each extra as a package: often it brings one, as `psycopg[c]` does."""
    for found in filter(None, map(NAME.match, lines)):
        yield normal(found[1])
        for extra in filter(None, (found[2] or "").replace(" ", "").split(",")):
            yield normal(f"{found[1]}-{extra}")

"""What shows each requirement: read from the syntax of tests and benchmarks, told as a page.

Pure: texts in, evidence and Markdown out. `tools/requirements.py` reads and writes the files.

A test cites what it shows with `@pytest.mark.requirement("R155")`, a test that holds a rendered
file against its field's validator with `@pytest.mark.validated("R39")`; both may stand on a
function, a class, a parameter, or in `pytestmark`. A benchmark declares
`REQUIREMENTS = ("R154",)`. Readings are cited in the same way, as C6.
"""

import ast
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = [
    "Catalogue",
    "Entry",
    "Evidence",
    "Fault",
    "Group",
    "page",
    "parse",
    "scan",
    "summary",
    "unknown",
]

KINDS = {"requirement": "test", "validated": "rendering"}
WORDS = re.compile("|".join([*KINDS, "REQUIREMENTS"]))  # most files have none: not parsed
INTRODUCTION = (
    "Everything that Fairway answers to, numbered, with what shows it: a test, a rendered file that"
    " its field's validator accepts, a benchmark, or nothing yet (*open*). The figures are the"
    " sources', verbatim; where these disagree, the [reading taken](#readings) is given at the end."
    " The name of a cloud's product means that product on that cloud, and an equivalent with the"
    " same contract on the local target."
)
CITATION = re.compile(r"[RC][1-9]\d*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One requirement (`R155`) or reading (`C6`)."""

    name: str
    text: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Requirements on one subject, in their order."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The file `requirements.toml`: groups of requirements, readings, and the sources' names."""

    groups: tuple[Group, ...]
    readings: tuple[Entry, ...]
    sources: Mapping[str, str]

    @property
    def requirements(self) -> tuple[Entry, ...]:
        return tuple(entry for group in self.groups for entry in group.entries)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(entry.name for entry in (*self.requirements, *self.readings))


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """`kind` (test, rendering, benchmark) at `where` (a node id or a file) shows `name`."""

    name: str
    kind: str
    where: str


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A citation that can't be read: where it stands and what is wrong."""

    where: str
    what: str


def parse(text: str) -> Catalogue:
    """Reads `requirements.toml`."""
    data = tomllib.loads(text)
    groups = tuple(
        Group(
            group["title"],
            tuple(
                Entry(f"R{item['number']}", item["text"], tuple(item["sources"]))
                for item in group["requirements"]
            ),
        )
        for group in data["group"]
    )
    readings = tuple(Entry(f"C{item['number']}", item["text"]) for item in data["reading"])
    return Catalogue(groups, readings, data["sources"])


def scan(path: str, text: str) -> tuple[list[Evidence], list[Fault]]:
    """The evidence in one file of tests or benchmarks, `path` as it is written in the page."""
    evidence: list[Evidence] = []
    faults: list[Fault] = []

    def cite(arguments: Sequence[ast.expr], kind: str, where: str, line: int) -> None:
        for argument in arguments:
            name = argument.value if isinstance(argument, ast.Constant) else None
            if isinstance(name, str) and CITATION.fullmatch(name):
                evidence.append(Evidence(name, kind, where))
            else:
                what = f"cites {ast.unparse(argument)}, which is not a literal like 'R155'"
                faults.append(Fault(f"{path}:{line}", what))

    def visit(node: ast.AST, where: str) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                where = f"{where}::{node.name}"
            case ast.Call(func=ast.Attribute(value=mark, attr=attr)) if attr in KINDS:
                if ast.unparse(mark).split(".")[-1] == "mark":
                    cite(node.args, KINDS[attr], where, node.lineno)
            case ast.Assign(targets=[ast.Name(id="REQUIREMENTS")], value=ast.Tuple(elts=names)):
                cite(names, "benchmark", where, node.lineno)
            case _:
                pass
        for child in ast.iter_child_nodes(node):
            visit(child, where)

    visit(ast.parse(text if WORDS.search(text) else ""), path)
    return evidence, faults


def unknown(catalogue: Catalogue, evidence: Iterable[Evidence]) -> list[Fault]:
    """A fault for each citation of something that the catalogue does not hold."""
    return [
        Fault(item.where, f"cites {item.name}, which is neither a requirement nor a reading")
        for item in sorted(set(evidence))
        if item.name not in catalogue.names
    ]


def page(catalogue: Catalogue, evidence: Iterable[Evidence]) -> str:
    """`docs/reference/requirements.md`."""
    shown: dict[str, list[Evidence]] = {}
    for item in sorted(set(evidence)):
        shown.setdefault(item.name, []).append(item)
    lines = [
        "# Requirements",
        "",
        "<!-- `make requirements` writes this page from requirements.toml and the tests. -->",
        "",
        INTRODUCTION,
        "",
        summary(catalogue, evidence),
        "",
        "The sources:",
        "",
        *(f"- *{name}*: {meaning}" for name, meaning in catalogue.sources.items()),
    ]
    for group in catalogue.groups:
        count = sum(entry.name in shown for entry in group.entries)
        lines += ["", f"## {group.title}", "", f"{count} of {len(group.entries)} shown.", ""]
        for entry in group.entries:
            lines += _told(entry, shown.get(entry.name, []), is_owed=True)
    lines += ["", "## Readings", "", "Where the sources contradict each other or leave a gap.", ""]
    for entry in catalogue.readings:
        lines += _told(entry, shown.get(entry.name, []), is_owed=False)
    return "\n".join(lines) + "\n"


def summary(catalogue: Catalogue, evidence: Iterable[Evidence]) -> str:
    """One sentence with the counts; a requirement shown in two ways counts in both."""
    required = {entry.name for entry in catalogue.requirements}
    by_kind = {
        kind: len({item.name for item in evidence if item.kind == kind} & required)
        for kind in ("test", "rendering", "benchmark")
    }
    count = len({item.name for item in evidence} & required)
    return (
        f"Of {len(required)} requirements {count} are shown"
        f" ({by_kind['test']} by a test, {by_kind['rendering']} by a validated rendering,"
        f" {by_kind['benchmark']} by a benchmark) and {len(required) - count} are open."
    )


def _told(entry: Entry, evidence: Sequence[Evidence], *, is_owed: bool) -> list[str]:
    sources = f" ({', '.join(entry.sources)})" if entry.sources else ""
    state = " *open*" if is_owed and not evidence else ""
    return [
        f"- **{entry.name}** {entry.text}{sources}{state}",
        *(f"  - {item.kind} `{item.where}`" for item in evidence),
    ]

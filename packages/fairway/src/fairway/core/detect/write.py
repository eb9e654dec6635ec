"""Findings as a commented `fairway.toml`: the shortest good file, each found line with its place.

Defaults are left out. Suggestions that nobody asked for (jobs that a script's name hints at)
stand as comments. The text parses with `core/spec/parse.py` whenever there is something to run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fairway.core.detect.choose import Question
from fairway.core.detect.findings import Findings, FoundJob, FoundNode, FoundService, FoundSite
from fairway.core.detect.sources import Finding

__all__ = ["write"]

WIDEST = 44  # comments of one table start in one column, unless a line is longer than this
ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


EXAMPLE = """\
# Nothing that answers requests was found. Say how it runs, by one of the four keys:
# [service.web]
# asgi    = "main:app"             # FastAPI, Starlette
# wsgi    = "app:app"              # Flask, Django
# script  = "app.py"               # Streamlit
# command = "python server.py"     # anything that listens on $PORT
# public  = true"""


@dataclass(frozen=True, slots=True)
class _Entry:
    """`key = value  # comment`, or a table's header where `key` is empty."""

    key: str
    value: str
    comment: str = ""


def write(findings: Findings) -> str:
    """The text of `fairway.toml`."""
    blocks = ["\n".join(_lines([_Entry("app", _text(findings.name.value), str(findings.name))]))]
    blocks.extend(_asked(question) for question in findings.questions)
    for service in findings.services:
        blocks.append(_table(f"service.{service.name}", _service(service)))
        if len(service.variables) > 1:
            entries = [
                _Entry(_key(name), _text(found.value), found.where)
                for name, found in service.variables.items()
            ]
            blocks.append(_table(f"service.{service.name}.variables", entries))
    blocks.extend(_table(f"site.{site.name}", _site(site)) for site in findings.sites)
    blocks.extend(_table(f"job.{job.name}", _job(job)) for job in findings.jobs if job.is_sure)
    blocks.extend(_node(node) for node in findings.nodes)
    if findings.is_empty and not findings.questions:
        blocks.append(EXAMPLE)
    blocks.extend(_suggested(job) for job in findings.jobs if not job.is_sure)
    return "\n\n".join(blocks) + "\n"


def _service(one: FoundService) -> list[_Entry]:
    entries = [_Entry(one.kind, _text(one.target.value), str(one.target))]
    if one.factory:
        entries.append(_Entry("factory", "true", "it is called to make the app"))
    if one.folder:
        entries.append(_Entry("folder", _text(one.folder)))
    entries.extend(_found("port", one.port))
    if one.public:
        entries.append(_Entry("public", "true"))
    if one.uses:
        entries.append(_Entry("uses", _list(one.uses)))
    for key, found in (("build", one.build), ("before", one.before)):
        entries.extend(_found(key, found))
    if one.replicas is not None:
        count = one.replicas.value
        value = count if count.isdigit() else _text(count)
        entries.append(_Entry("replicas", value, str(one.replicas)))
    if one.memory_mib is not None:
        entries.append(_Entry("memory", _text(f"{one.memory_mib.value} MiB"), str(one.memory_mib)))
    if one.cpu is not None:
        entries.append(_Entry("cpu", one.cpu.value, str(one.cpu)))
    if len(one.variables) == 1:
        ((name, found),) = one.variables.items()
        table = f"{{ {_key(name)} = {_text(found.value)} }}"
        entries.append(_Entry("variables", table, found.where))
    return entries


def _found(key: str, found: Finding[str] | Finding[int] | None) -> Iterator[_Entry]:
    if found is not None:
        value = found.value
        text = _text(value) if isinstance(value, str) else str(value)
        yield _Entry(key, text, str(found))


def _site(one: FoundSite) -> list[_Entry]:
    entries = [_Entry("root", _text(one.root.value), str(one.root))]
    if one.build is not None:
        entries.insert(0, _Entry("build", _text(one.build.value), str(one.build)))
        entries[1] = _Entry("root", _text(one.root.value), one.root.why)
    if one.calls:
        entries.append(_Entry("calls", _list(one.calls)))
    return entries


def _job(one: FoundJob) -> list[_Entry]:
    entries = [_Entry("command", _text(one.command.value), str(one.command))]
    if one.schedule:
        entries.append(_Entry("schedule", _text(one.schedule)))
    if one.folder:
        entries.append(_Entry("folder", _text(one.folder)))
    if one.uses:
        entries.append(_Entry("uses", _list(one.uses)))
    return entries


def _node(one: FoundNode) -> str:
    entries = [_Entry(key, value) for key, value in one.keys]
    comment = _shown(one.finding)
    if one.kind == "secret" and not one.keys:
        comment = f"put its value into .env; {comment}"
    return _table(f"{one.kind}.{_key(one.name)}", entries, comment)


def _suggested(one: FoundJob) -> str:
    """A job as a comment, with the schedule that has to be decided."""
    lines = _lines(
        [
            _Entry("", f"[job.{one.name}]"),
            _Entry("command", _text(one.command.value)),
            _Entry("schedule", '"0 6 * * *"', "06:00 UTC every day"),
            *([_Entry("folder", _text(one.folder))] if one.folder else []),
            *([_Entry("uses", _list(one.uses))] if one.uses else []),
        ]
    )
    head = f"# Perhaps a job: {_clean(_shown(one.command))}"
    return "\n".join([head, *(f"# {line}" for line in lines)])


def _asked(question: Question) -> str:
    """A question as a comment above what was taken meanwhile."""
    lines = [question.ask, *(f"  {option.value}" for option in question.options)]
    return "\n".join(f"# {_clean(line)}" for line in lines)


def _table(name: str, entries: list[_Entry], comment: str = "") -> str:
    return "\n".join(_lines([_Entry("", f"[{name}]", comment), *entries]))


def _lines(entries: list[_Entry]) -> Iterator[str]:
    """Lines with their `=` and their comments each in one column."""
    width = max((len(entry.key) for entry in entries), default=0)
    texts = [
        f"{entry.key:<{width}} = {entry.value}" if entry.key else entry.value for entry in entries
    ]
    with_comment = [text for entry, text in zip(entries, texts, strict=True) if entry.comment]
    column = max((len(text) for text in with_comment if len(text) <= WIDEST), default=0)
    for entry, text in zip(entries, texts, strict=True):
        comment = _clean(entry.comment)
        yield f"{text:<{column}}  # {comment}" if comment else text


def _shown(found: Finding[str]) -> str:
    return str(found)


def _clean(text: str) -> str:
    """What may stand in a comment: one line, printable."""
    return "".join(char if char.isprintable() else "?" for char in text).rstrip()


def _list(names: tuple[str, ...]) -> str:
    return f"[{', '.join(_text(name) for name in names)}]"


def _key(name: str) -> str:
    return name if name and BARE.issuperset(name) else _text(name)


def _text(value: str) -> str:
    """A basic string of TOML."""
    return f'"{"".join(_char(char) for char in value)}"'


def _char(char: str) -> str:
    if char in ESCAPES:
        return ESCAPES[char]
    if char.isprintable():
        return char
    number = ord(char)
    return "?" if 0xD800 <= number < 0xE000 else f"\\U{number:08x}"

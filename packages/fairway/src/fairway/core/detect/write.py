"""Findings as a commented `fairway.toml`: the shortest good file, each found line with its place.

Defaults are left out. Suggestions that nobody asked for (jobs that a script's name hints at)
stand as comments. The text parses with `core/spec/parse.py` whenever there is something to run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from fairway.core.detect.choose import Question
from fairway.core.detect.findings import (
    Findings,
    FoundJob,
    FoundNode,
    FoundService,
    FoundSite,
    FoundWorker,
)
from fairway.core.detect.sources import Finding
from fairway.core.spec.mentions import mentions
from fairway.core.toml_text import Entry, as_key, as_text, lines, one_line, table

__all__ = ["write"]


EXAMPLE = """\
# Nothing that answers requests was found. Say how it runs, by one of the four keys:
# [service.web]
# asgi    = "main:app"             # FastAPI, Starlette
# wsgi    = "app:app"              # Flask, Django
# script  = "app.py"               # Streamlit
# command = "python server.py"     # anything that listens on $PORT
# public  = true"""


def write(findings: Findings) -> str:
    """The text of `fairway.toml`."""
    blocks = ["\n".join(lines([Entry("app", as_text(findings.name.value), str(findings.name))]))]
    blocks.extend(_asked(question) for question in findings.questions)
    shared = _shared(findings)
    if shared:
        plain = not all(mentions(one.value) for one in shared.values())
        of = "of all that runs" if plain else "of whoever uses what they name"
        blocks.append(table("variables", _variables(shared), of))
    for service in findings.services:
        blocks.extend(_service_tables(replace(service, variables=_own(service, shared))))
    for worker in findings.workers:
        if worker.is_sure:
            blocks.extend(_worker_tables(replace(worker, variables=_own(worker, shared))))
    blocks.extend(table(f"site.{site.name}", _site(site)) for site in findings.sites)
    blocks.extend(table(f"job.{job.name}", _job(job)) for job in findings.jobs if job.is_sure)
    blocks.extend(_node(node) for node in findings.nodes)
    blocks.extend(table(f"environment.{name}", _said(own)) for name, own in findings.words.items())
    if findings.is_empty and not findings.questions:
        blocks.append(EXAMPLE)
    blocks.extend(_perhaps(worker) for worker in findings.workers if not worker.is_sure)
    blocks.extend(_suggested(job) for job in findings.jobs if not job.is_sure)
    return "\n\n".join(blocks) + "\n"


def _shared(findings: Findings) -> Mapping[str, Finding[str]]:
    """What more than one program reads: those of the only service, else what names a store."""
    if len(findings.services) + len(findings.workers) + len(findings.jobs) < 2:
        return {}
    is_only = len(findings.services) == 1
    told = {name for service in findings.services for name in service.told}
    found: dict[str, Finding[str]] = {}
    for program in (*findings.services, *findings.workers):
        for name, one in program.variables.items():
            if mentions(one.value) or (is_only and name not in told):
                found.setdefault(name, one)
    return dict(sorted(found.items()))


def _own(
    program: FoundService | FoundWorker, shared: Mapping[str, Finding[str]]
) -> Mapping[str, Finding[str]]:
    """What the app's own table does not say already."""
    return {name: one for name, one in program.variables.items() if shared.get(name) != one}


def _variables(found: Mapping[str, Finding[str]]) -> list[Entry]:
    return [Entry(as_key(name), as_text(one.value), one.where) for name, one in found.items()]


def _said(found: Mapping[str, Finding[str]]) -> list[Entry]:
    """What an environment says in the app's own words."""
    return [replace(one, key=f"variables.{one.key}") for one in _variables(found)]


def _service(one: FoundService) -> list[Entry]:
    entries = [Entry(one.kind, as_text(one.target.value), str(one.target))]
    if one.factory:
        entries.append(Entry("factory", "true", "it is called to make the app"))
    if one.folder:
        entries.append(Entry("folder", as_text(one.folder)))
    entries.extend(_found("port", one.port))
    if one.public:
        entries.append(Entry("public", "true"))
    if one.uses:
        entries.append(Entry("uses", _list(one.uses)))
    for key, found in (("build", one.build), ("before", one.before)):
        entries.extend(_found(key, found))
    if one.replicas is not None:
        count = one.replicas.value
        value = count if count.isdigit() else as_text(count)
        entries.append(Entry("replicas", value, str(one.replicas)))
    if one.memory_mib is not None:
        entries.append(Entry("memory", as_text(f"{one.memory_mib.value} MiB"), str(one.memory_mib)))
    if one.cpu is not None:
        entries.append(Entry("cpu", one.cpu.value, str(one.cpu)))
    entries.extend(_one_variable(one.variables))
    return entries


def _one_variable(variables: Mapping[str, Finding[str]]) -> Iterator[Entry]:
    """A single variable in its node's table."""
    if len(variables) == 1:
        ((name, found),) = variables.items()
        value = f"{{ {as_key(name)} = {as_text(found.value)} }}"
        yield Entry("variables", value, found.where)


def _many_variables(at: str, variables: Mapping[str, Finding[str]]) -> Iterator[str]:
    """Several in a table of their own."""
    if len(variables) > 1:
        yield table(f"{at}.variables", _variables(variables))


def _service_tables(one: FoundService) -> Iterator[str]:
    yield table(f"service.{one.name}", _service(one))
    yield from _many_variables(f"service.{one.name}", one.variables)


def _worker_tables(one: FoundWorker) -> Iterator[str]:
    yield table(f"worker.{one.name}", [*_worker(one), *_one_variable(one.variables)])
    yield from _many_variables(f"worker.{one.name}", one.variables)


def _worker(one: FoundWorker) -> Iterator[Entry]:
    yield Entry("command", as_text(one.command.value), str(one.command))
    if one.folder:
        yield Entry("folder", as_text(one.folder))
    if one.uses:
        yield Entry("uses", _list(one.uses))
    yield from _found("before", one.before)
    if one.is_clock:
        yield Entry("replicas", "1", "it keeps time: two would do everything twice")


def _perhaps(one: FoundWorker) -> str:
    """A worker as a comment: no file starts it."""
    found = lines([Entry("", f"[worker.{one.name}]"), *_worker(one)])
    head = "# Perhaps a worker, which takes tasks from a queue:"
    return "\n".join([head, *(f"# {line}" for line in found)])


def _found(key: str, found: Finding[str] | Finding[int] | None) -> Iterator[Entry]:
    if found is not None:
        value = found.value
        text = as_text(value) if isinstance(value, str) else str(value)
        yield Entry(key, text, str(found))


def _site(one: FoundSite) -> list[Entry]:
    entries = [Entry("root", as_text(one.root.value), str(one.root))]
    if one.build is not None:
        entries.insert(0, Entry("build", as_text(one.build.value), str(one.build)))
        entries[1] = Entry("root", as_text(one.root.value), one.root.why)
    if one.calls:
        entries.append(Entry("calls", _list(one.calls)))
    return entries


def _job(one: FoundJob) -> list[Entry]:
    entries = [Entry("command", as_text(one.command.value), str(one.command))]
    if one.schedule:
        entries.append(Entry("schedule", as_text(one.schedule)))
    if one.folder:
        entries.append(Entry("folder", as_text(one.folder)))
    if one.uses:
        entries.append(Entry("uses", _list(one.uses)))
    return entries


def _node(one: FoundNode) -> str:
    entries = [Entry(key, value) for key, value in one.keys]
    comment = _shown(one.finding)
    if one.kind == "secret" and not one.keys:
        comment = f"put its value into .env; {comment}"
    return table(f"{one.kind}.{as_key(one.name)}", entries, comment)


def _suggested(one: FoundJob) -> str:
    """A job as a comment, with the schedule that has to be decided."""
    found = lines(
        [
            Entry("", f"[job.{one.name}]"),
            Entry("command", as_text(one.command.value)),
            _schedule(one),
            *([Entry("folder", as_text(one.folder))] if one.folder else []),
            *([Entry("uses", _list(one.uses))] if one.uses else []),
        ]
    )
    head = f"# Perhaps a job: {one_line(_shown(one.command))}"
    return "\n".join([head, *(f"# {line}" for line in found)])


def _schedule(one: FoundJob) -> Entry:
    if one.schedule:
        return Entry("schedule", as_text(one.schedule))
    return Entry("schedule", '"0 6 * * *"', "06:00 UTC every day")


def _asked(question: Question) -> str:
    """A question as a comment above what was taken meanwhile."""
    lines = [question.ask, *(f"  {option.value}" for option in question.options)]
    return "\n".join(f"# {one_line(line)}" for line in lines)


def _shown(found: Finding[str]) -> str:
    return str(found)


def _list(names: tuple[str, ...]) -> str:
    return f"[{', '.join(as_text(name) for name in names)}]"

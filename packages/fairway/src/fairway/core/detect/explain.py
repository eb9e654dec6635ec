"""Findings as words: what was found and where, what was assumed, what could not be told.

Text for people, without colour; `cli/view.py` prints it.
"""

from collections.abc import Iterator

from fairway.core.detect.choose import Question
from fairway.core.detect.findings import Findings, FoundService, Note
from fairway.core.detect.sources import Finding
from fairway.core.spec.mentions import mentions

__all__ = ["assumed", "explain", "questions"]

KINDS = {"database": "Database", "cache": "Redis", "bucket": "Object store", "secret": "Secret"}


def questions(findings: Findings) -> tuple[Question, ...]:
    """What must be answered before the file can be written without guessing."""
    return findings.questions


def explain(findings: Findings) -> str:
    """What was found, assumed and not told, as a text of some lines."""
    parts = [_section("Found", list(_found(findings)))]
    parts.append(_section("Assumed", list(_assumed(findings))))
    untold = [_told(note) for note in findings.notes_of("untold")]
    untold.extend(_asked(question) for question in findings.questions)
    parts.append(_section("Could not be told", untold))
    parts.append(_section("Worth knowing", [_told(note) for note in findings.notes_of("advice")]))
    skipped = [f"{note.where}: {note.what}" for note in findings.notes_of("skipped")]
    parts.append(_section("Skipped", skipped))
    return "\n\n".join(part for part in parts if part) + "\n"


def assumed(findings: Findings) -> str:
    """One paragraph of what `fairway up` takes for granted where there is no file."""
    if findings.is_empty:
        return "Nothing that answers requests was found, so there is nothing to run."
    sentences = [
        "There is no fairway.toml, so this was read from the code.",
        *(_running(one) for one in findings.services),
        *(
            f"{_called(one.name)} runs `{one.command.value}` ({one.command.where})."
            for one in findings.workers
            if one.is_sure
        ),
        *(f"The page is {one.root.value} ({one.root.where})." for one in findings.sites),
    ]
    nodes = [_noun(one.kind, one.keys) for one in findings.nodes if one.kind != "secret"]
    if nodes:
        sentences.append(f"It gets {_listed(nodes)}.")
    secrets = [one.name for one in findings.nodes if one.kind == "secret" and one.keys]
    if secrets:
        sentences.append(f"{_listed(secrets)} {'is' if len(secrets) == 1 else 'are'} made up.")
    sentences.extend(note.what for note in findings.notes_of("assumed"))
    left = len(findings.notes_of("untold"))
    if left:
        things = "1 thing" if left == 1 else f"{left} things"
        sentences.append(f"{things} could not be told.")
    sentences.append("`fairway init` writes it all down.")
    return " ".join(sentences)


def _called(worker: str) -> str:
    return "The worker" if worker == "worker" else f"The worker {worker}"


def _running(one: FoundService) -> str:
    made = "is made by" if one.factory else "is"
    before = f"; before it starts, `{one.before.value}` runs" if one.before else ""
    count = ", one replica only" if one.replicas and one.replicas.value == "1" else ""
    return (
        f"The service {one.name} {made} {one.target.value}, {one.framework} "
        f"({one.target.where}){count}{before}."
    )


def _noun(kind: str, keys: tuple[tuple[str, str], ...]) -> str:
    if kind == "database":
        return "a SQLite file" if ("engine", '"sqlite"') in keys else "a PostgreSQL database"
    return {"cache": "a Redis", "bucket": "an object store"}[kind]


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _section(title: str, lines: list[str]) -> str:
    if not lines:
        return ""
    return "\n".join([title, *(f"  {line}" for line in lines)])


def _found(findings: Findings) -> Iterator[str]:
    for one in findings.services:
        noun = "a function that makes the app" if one.factory else one.kind
        yield f"{one.framework}: {one.name} is {one.target.value} ({noun})  {one.target}"
        if one.dependencies.file is not None:
            lock = f", locked in {one.dependencies.lock}" if one.dependencies.lock else ""
            python = f", Python {one.dependencies.python}" if one.dependencies.python else ""
            tool = (
                ""
                if one.dependencies.tool in one.dependencies.file.value
                else (f" ({one.dependencies.tool})")
            )
            yield f"Dependencies: {one.dependencies.file.value}{tool}{lock}{python}"
        for label, found in (
            ("Port", one.port),
            ("Migrations", one.before),
            (
                "Static files" if _collects(one.build) else "Front end, served by the app",
                one.build,
            ),
            ("Replicas", one.replicas),
        ):
            if found is not None:
                yield f"{label}: {found.value}  {found}"
        for name, value in one.variables.items():
            is_named = bool(mentions(value.value))
            yield (
                f"Variable: {name} is {value.value}  {value}"
                if is_named
                else (f"Variable: {name}  {value.where}")
            )
    for site in findings.sites:
        yield f"Site: {site.root.value}  {site.root}"
    for node in findings.nodes:
        yield f"{KINDS[node.kind]}: {node.name}  {node.finding}"
    for worker in findings.workers:
        kind = "Worker" if worker.is_sure else "Perhaps a worker"
        yield f"{kind}: {worker.command.value}  {worker.command}"
    for job in findings.jobs:
        kind = "Job" if job.is_sure else "Perhaps a job"
        yield f"{kind}: {job.command.value}  {job.command}"


def _assumed(findings: Findings) -> Iterator[str]:
    if not findings.name.where:
        yield f"The app is called {findings.name.value}, like its folder."
    public = [one.name for one in findings.services if one.public]
    if public:
        verb = "is" if len(public) == 1 else "are"
        yield f"{_listed(public)} {verb} reached from outside (public = true)."
    for one in findings.services:
        if one.port is None and one.public:
            yield f"{one.name} gets the first free port from 8000."
    for node in findings.nodes:
        if node.kind == "secret" and node.keys:
            yield f"{node.name} may be made up (generate = true)."
    builds = [one.build for one in (*findings.services, *findings.sites) if one.build]
    if not all(_collects(build) for build in builds):
        yield "The front end's packages are installed before it is built."
    yield from (_told(note) for note in findings.notes_of("assumed"))


def _collects(build: Finding[str] | None) -> bool:
    """Whether this is Django's gathering of static files, which needs no Node.js."""
    return build is not None and " collectstatic --noinput" in build.value


def _told(note: Note) -> str:
    where = f"{note.where}: " if note.where else ""
    mend = f"\n    {note.mend}" if note.mend else ""
    return f"{where}{note.what}{mend}"


def _asked(question: Question) -> str:
    options = "".join(f"\n    {one.value}  ({one.where})" for one in question.options)
    return f"{question.ask}{options}\n    {question.mend}"

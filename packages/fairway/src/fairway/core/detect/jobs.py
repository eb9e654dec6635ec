"""What runs beside the requests and ends: scheduled work, scripts that look like jobs.

Schedules that a file states are jobs; scripts that only look like jobs are suggestions, written
as comments. What never ends is a worker: `workers.py`.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fairway.core.detect.candidates import ASIDE
from fairway.core.detect.copilot import CopilotManifest
from fairway.core.detect.crontab import cron_jobs
from fairway.core.detect.findings import FoundJob, Note
from fairway.core.detect.hints import Hints
from fairway.core.detect.label import as_label
from fairway.core.detect.layout import Layout
from fairway.core.detect.sources import Finding, Sources, name_of, parent_of, within
from fairway.core.detect.syntax import Tree, is_entry_guard

__all__ = ["JobUse", "find_jobs"]

JOB_WORDS = re.compile(
    r"(?:^|_)(?:ingest|import|load|loader|etl|sync|fetch|scrape|scraper|crawl|crawler|refresh|update|"
    r"export|backup|cleanup|clean|purge|report|digest|nightly|hourly|daily|weekly|cron|job|jobs|"
    r"task|pipeline|train|retrain|statistics|aggregate|seed|notify|send|reminder)s?(?:_|$|er$)"
)
SCHEDULERS = {
    "apscheduler": "APScheduler",
    "schedule": "schedule",
    "rocketry": "Rocketry",
    "fastapi_utils.tasks": "repeat_every",
    "fastapi_utilities": "repeat_every",
    "flask_apscheduler": "Flask-APScheduler",
    "django_crontab": "django-crontab",
    "aiocron": "aiocron",
}
TOOLING = re.compile(r"(?:^|/)(?:dev|tools?|hack|ci|codegen|code-generation)/|(?:^|/)gen_")
MOST_SUGGESTIONS = 5


@dataclass(frozen=True, slots=True)
class JobUse:
    """Jobs and suggestions, and what must be said."""

    jobs: tuple[FoundJob, ...]
    notes: tuple[Note, ...]


def find_jobs(
    sources: Sources, trees: Mapping[str, Tree], layout: Layout, hints: Hints, folder: str
) -> JobUse:
    """The jobs of a project; commands are relative to `folder`, the main service's."""
    jobs = [*_copilot(hints.copilot, folder), *cron_jobs(sources, folder)]
    named = {job.name for job in jobs}
    commands = {one.launch.target for one in hints.started}
    suggested = [
        job
        for job in _scripts(trees, layout, folder)
        if job.name not in named and job.command.where.partition(":")[0] not in commands
    ]
    notes = [*_schedulers(trees), *_unsure(hints.copilot)]
    return JobUse((*jobs, *suggested[:MOST_SUGGESTIONS]), tuple(notes))


def _copilot(manifests: tuple[CopilotManifest, ...], folder: str) -> Iterator[FoundJob]:
    for one in manifests:
        if one.is_job and one.command is not None:
            where = folder if within(folder, one.context) else one.context
            yield FoundJob(
                name=as_label(one.name, "job"),
                command=one.command,
                schedule=one.schedule.value if one.schedule else "",
                folder=where,
                is_sure=True,
            )


def _unsure(manifests: tuple[CopilotManifest, ...]) -> Iterator[Note]:
    for one in manifests:
        if one.is_job and one.command is None:
            mend = f'Write its command: [job.{as_label(one.name)}] command = "python -m …".'
            yield Note("untold", one.where, f"What the job {one.name} runs is in its image.", mend)
        for key in one.unknown:
            what = f"Copilot's `{key.value}` has no key in fairway.toml."
            yield Note("advice", key.where, what)


def _scripts(trees: Mapping[str, Tree], layout: Layout, folder: str) -> Iterator[FoundJob]:
    """Modules with an entry guard whose names speak of work, and such Django commands."""
    for path, tree in sorted(trees.items()):
        stem = name_of(path).removesuffix(".py")
        aside = ASIDE.search(path) and not re.match(r"(?:.*/)?(?:scripts?|jobs?)/[^/]+$", path)
        aside = aside or TOOLING.search(path)
        if aside or not within(path, folder) or not JOB_WORDS.search(stem.lower()):
            continue
        if "/management/commands/" in f"/{path}":
            command = f"python {_manager(path, trees, folder)} {stem}"
            yield _suggested(stem, Finding(command, f"{path}:1", stem), folder)
            continue
        guard = next((node for node in tree.body.body if is_entry_guard(node)), None)
        if guard is None or any(word in path for word in ("manage.py", "alembic/", "migrations/")):
            continue
        root = layout.root_of(path)
        inside = path[len(folder) + 1 :] if folder else path
        module = layout.module_of(path)
        plain = parent_of(path) == folder or root not in {folder, f"{folder}/src".lstrip("/")}
        command = f"python {inside}" if plain else f"python -m {module}"
        yield _suggested(stem, tree.finding(command, guard), folder)


def _manager(path: str, trees: Mapping[str, Tree], folder: str) -> str:
    """The manage.py that knows a Django command, from the service's folder."""
    above = [
        one
        for one in trees
        if name_of(one) == "manage.py" and within(path, parent_of(one)) and within(one, folder)
    ]
    nearest = max(above, key=lambda one: one.count("/"), default="")
    return nearest[len(folder) + 1 if folder else 0 :] or "manage.py"


def _suggested(stem: str, command: Finding[str], folder: str) -> FoundJob:
    return FoundJob(name=as_label(stem, "job"), command=command, folder=folder)


def _schedulers(trees: Mapping[str, Tree]) -> Iterator[Note]:
    """A schedule inside the server runs once in every replica."""
    for tree in trees.values():
        for package, name in SCHEDULERS.items():
            if not tree.uses(package) or ASIDE.search(tree.path):
                continue
            node = next(
                node
                for node in tree.nodes
                if isinstance(node, ast.Import | ast.ImportFrom)
                and package.partition(".")[0] in tree.line(node)
            )
            what = f"{name} runs inside the service: every replica runs its schedule."
            mend = 'Write it as a job: [job.NAME] command = "python -m …", schedule = "0 6 * * *".'
            yield Note("advice", tree.where(node), what, mend)
            return

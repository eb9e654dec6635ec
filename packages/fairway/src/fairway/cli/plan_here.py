"""The plan of an environment on this machine: the difference to what runs here."""

import os

from fairway.cli import local, talk, view
from fairway.cli.project import Project
from fairway.core.plan.diff import diff, to_json
from fairway.engine.client import Absent
from fairway.targets.local.gaps import gaps
from fairway.targets.local.sites import as_written

__all__ = ["show"]


def show(found: Project, environment: str, *, as_json: bool) -> int:
    """Print it; 2 where something would change, else 0."""
    _, app = local.specified(found, environment)
    before = None
    try:
        running = talk.ask(found, {"verb": "status"}, tell=None)
        if running["environment"] == environment:
            before = running["revision"] or None
    except Absent:
        before = None
    after = local.revision_now(found, environment) if before else None
    plan = diff(
        as_written(local.app_of(found, environment, before)) if before else None,
        app,
        revision_before=before,
        revision_after=after,
        files=local.changed_files(found, environment, before, after) if before and after else (),
        gaps=tuple(gaps(app, os.cpu_count() or 1)),
    )
    if as_json:
        view.data(to_json(plan))
    else:
        view.text(str(plan))
    return 2 if plan.changes else 0

"""`fairway plan [ENVIRONMENT]`."""

import os
from pathlib import Path

import click

from fairway.cli import local, project, talk, view
from fairway.core.plan.diff import diff, to_json
from fairway.engine.client import Absent
from fairway.targets.local.gaps import gaps

__all__ = ["command"]


@click.command("plan")
@click.argument("environment", default=local.ENVIRONMENT)
@project.folder_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(environment: str, folder: Path | None, *, as_json: bool) -> int:
    """Say what `fairway up` or `deploy` would change: exit 0 nothing, 2 changes, 1 error."""
    found = project.find(folder, assume=True)
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
        local.app_of(found, environment, before) if before else None,
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

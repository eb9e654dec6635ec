"""docs/reference/files.md: what lies in `.fairway/`, from targets/local/layout.py. Pure."""

import inspect
from collections.abc import Mapping
from pathlib import PurePosixPath

from fairway.cli.down_verb import DELETED
from fairway.targets.local.layout import Layout

__all__ = ["entries", "page"]

INTRODUCTION = """\
# What lies in `.fairway/`

<!-- Made from targets/local/layout.py by tools/reference_files.py: `make docs` writes it anew. -->

Everything that Fairway keeps of a project is in `.fairway/` beside its `fairway.toml`, and in no
other place (uv's cache of packages apart). It holds a `.gitignore` of its own. All of it can be
read without Fairway: JSON, text, and the files of PostgreSQL, Redis and the object store
themselves.
"""
# What the engine and the command line keep there themselves, beside the local target's layout.
OURS = {
    "journal.jsonl": "What the engine decided and what happened, one JSON object a line; a new "
    "engine goes on from its last ledger and the changes after it.",
    "lock": "Which process holds the project, and since when; the kernel releases it when that "
    "process ends.",
    "control.sock": "Where the running engine listens for other verbs; its owner's alone.",
    "built/": "Which revisions had their front end built (`build` of a service or site).",
    ".gitignore": "Keeps all of this out of git.",
}
ENDING = """\
Data is in `data/postgres` (the cluster with its databases, and the archive of its write-ahead
log), `data/objects` (one file an object), `data/sqlite`, and a folder for each Redis.

`fairway down` leaves all of it. `fairway down --delete-data` names the folders of data with their
sizes, asks, and deletes what the last column marks. With nothing running, the whole folder can be
deleted: the next `fairway up` begins anew.
"""


def page() -> str:
    """The whole page."""
    rows = [
        f"| `{name}` | {words} | {'yes' if name.rstrip('/') in DELETED else ''} |"
        for name, words in sorted(entries().items())
    ]
    head = ["| path | what it holds | goes with `--delete-data` |", "|---|---|---|"]
    return "\n".join([INTRODUCTION, *head, *rows, "", ENDING])


def entries() -> Mapping[str, str]:
    """Each path below `.fairway/` and what it holds."""
    layout = Layout(PurePosixPath("/app"))  # pyright: ignore[reportArgumentType] - only joined
    found = dict(OURS)
    for name, member in vars(Layout).items():
        if isinstance(member, property) and name not in {"state", "logs"}:
            path = getattr(layout, name).relative_to(layout.state)
            is_file = "." in path.name
            found[f"{path}" if is_file else f"{path}/"] = inspect.cleandoc(member.__doc__ or "")
    found["logs/"] = "What every process printed: `api.3.log`, `ingest#12.log`, `engine.log`."
    return found

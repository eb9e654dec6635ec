"""Whether the Streamlit that a project pins can be served as an ASGI app (C13)."""

import re
from collections.abc import Iterator

from fairway.core.detect.dependencies import Dependencies
from fairway.core.detect.findings import Note
from fairway.core.detect.sources import Sources

__all__ = ["too_old"]

OLDEST = (1, 53)  # the first with `streamlit.App`; `fairway_runtime.target` says the same
PINNED = re.compile(
    r"streamlit(?:\[[^\]]*\])?[\"']?\s*=?\s*[\"']?\s*==\s*(\d+)\.(\d+)", re.IGNORECASE
)


def too_old(sources: Sources, dependencies: Dependencies) -> Iterator[Note]:
    """A note where the version that is asked for starts no page here."""
    where = dependencies.names.get("streamlit", "")
    path, _, number = where.rpartition(":")
    lines = sources.texts.get(path, "").splitlines()
    if not number.isdigit() or not 0 < int(number) <= len(lines):
        return
    found = PINNED.search(lines[int(number) - 1])
    if found and (int(found[1]), int(found[2])) < OLDEST:
        what = f"Streamlit {found[1]}.{found[2]} cannot be served here: 1.53 or later can."
        yield Note("untold", where, what, "Raise it: streamlit>=1.53.")

"""Whether what a project pins is too old for the runtime to build on it (C13)."""

import re
from collections.abc import Iterator, Mapping

from fairway.core.detect.dependencies import Dependencies
from fairway.core.detect.findings import Note
from fairway.core.detect.sources import Sources
from fairway_runtime import contract

__all__ = ["too_old"]

OLDEST: Mapping[str, str] = {
    "streamlit": contract.OLDEST_STREAMLIT,
    "uvicorn": contract.OLDEST_UVICORN,
}
CALLED: Mapping[str, str] = {"streamlit": "Streamlit"}


def too_old(sources: Sources, dependencies: Dependencies, package: str) -> Iterator[Note]:
    """A note where the version that is asked for serves nothing here."""
    where = dependencies.names.get(package, "")
    path, _, number = where.rpartition(":")
    lines = sources.texts.get(path, "").splitlines()
    if not number.isdigit() or not 0 < int(number) <= len(lines):
        return
    pinned = rf"{package}(?:\[[^\]]*\])?[\"']?\s*=?\s*[\"']?\s*==\s*(\d+)\.(\d+)"
    found = re.search(pinned, lines[int(number) - 1], re.IGNORECASE)
    if found and [int(found[1]), int(found[2])] < _numbers(OLDEST[package]):
        asked, oldest = f"{found[1]}.{found[2]}", OLDEST[package]
        what = f"{CALLED.get(package, package)} {asked} cannot be used here: {oldest} or later can."
        yield Note("untold", where, what, f"Raise it: {package}>={oldest}.")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]

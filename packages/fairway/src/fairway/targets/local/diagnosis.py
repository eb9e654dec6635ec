"""What this machine has for the local target: `fairway doctor`."""

import asyncio
import shutil
import sys
from dataclasses import asdict, dataclass
from typing import Any

from fairway.targets.local import binaries

__all__ = ["Finding", "findings"]

OLDEST, NEWEST = (3, 11), (3, 13)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked for."""

    name: str
    detail: str
    ok: bool
    needed: bool = True
    mend: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def findings() -> tuple[Finding, ...]:
    """Everything that is looked for, in the order in which a start needs it."""
    return (platform(), python(), uv(), *programs(), docker())


def platform() -> Finding:
    linux = sys.platform == "linux"
    return Finding(
        name="system",
        detail=sys.platform,
        ok=linux,
        mend="The local target runs on Linux (or in a Linux container or virtual machine).",
    )


def python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    fits = OLDEST <= sys.version_info[:2] <= NEWEST
    return Finding(
        name="python",
        detail=f"{version}  {sys.executable}",
        ok=fits,
        mend="Fairway needs Python 3.11 to 3.13.",
    )


def uv() -> Finding:
    try:
        from uv import find_uv_bin

        path = find_uv_bin()
    except (ImportError, FileNotFoundError):
        return Finding(name="uv", detail="not found", ok=False, mend="pip install uv")
    return Finding(name="uv", detail=str(path), ok=True)


def programs() -> list[Finding]:
    found = asyncio.run(binaries.survey())
    return [
        Finding(
            name=each.name,
            detail=f"{each.version or ''}  {each.path or 'not found'}".strip(),
            ok=each.path is not None,
            mend="pip install 'fairway[local]'",
        )
        for each in found
    ]


def docker() -> Finding:
    path = shutil.which("docker")
    return Finding(
        name="docker",
        detail=path or "not found; nothing here needs it",
        ok=path is not None,
        needed=False,
    )

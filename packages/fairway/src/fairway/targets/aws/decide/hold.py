"""Who holds an environment while they change it: one record, made where there is none. Pure."""

import json
from dataclasses import asdict, dataclass
from typing import Any, cast

from fairway.core.problem import Problem

__all__ = ["Hold", "age", "held", "read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """`id` is of this one hold; `since` in seconds since the epoch."""

    id: str
    owner: str
    verb: str
    since: float

    def text(self) -> str:
        """As it is kept: readable without Fairway."""
        return json.dumps(asdict(self), sort_keys=True)


def read(text: str) -> Hold | None:
    """What `text` gave, back; None where it is no hold."""
    try:
        said = cast("dict[str, Any]", json.loads(text))
        return Hold(
            id=str(said["id"]),
            owner=str(said["owner"]),
            verb=str(said["verb"]),
            since=float(said["since"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def held(by: Hold | None, *, environment: str, now: float) -> Problem:
    """What is told to whoever comes second."""
    where = f"fairway {environment}"
    mend = (
        f"Wait for its end. Where nothing goes on any more, `fairway cancel {environment}` "
        "takes what is half done back and lets go."
    )
    if by is None:
        return Problem(where, "somebody holds it", mend)
    what = f"{by.owner} holds it for `{by.verb}`, {age(now - by.since)} now"
    return Problem(where, what, mend)


def age(seconds: float) -> str:
    """`2h 05m`, `3m 10s`, `12s`."""
    whole = max(0, int(seconds))
    if whole >= 3600:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 60}m {whole % 60:02d}s" if whole >= 60 else f"{whole}s"

"""What was released, and what a rollback brings back: the image and its configuration. Pure.

A release is the templates of its services, jobs and workflows with the values they were given;
its id is a digest of both, so the same release twice is one.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast

from fairway.core import names
from fairway.core.problem import Problem, Problems

__all__ = [
    "Outcome",
    "Release",
    "appended",
    "at_once",
    "before",
    "current",
    "made",
    "read",
    "text",
]

Outcome = Literal["promoted", "rolled_back", "failed"]
"""`rolled_back`: ECS or CloudFormation took it back, and what was before serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One that was tried.

    `values` are the parameters of its stacks, which hold no secret; `secrets` says for each
    service which versions of its secrets its tasks read, as a digest.
    """

    revision: str
    at: float
    by: str
    image: str
    outcome: Outcome
    reason: str = ""
    templates: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])


def made(templates: Mapping[str, str], values: Mapping[str, str]) -> str:
    """The id of a release: a digest of all that is in it."""
    whole = json.dumps([sorted(templates.items()), sorted(values.items())])
    return names.revision_id(hashlib.sha256(whole.encode()).hexdigest())


def at_once(template: str) -> str:
    """A template that takes a release back: nothing is held on the way to what served well.

    A function's alias moves without CodeDeploy; ECS bakes and holds for no minute (0 is the least
    of both: API_CanaryConfiguration, API_DeploymentConfiguration, 2026-11), and asks nobody.
    """
    said = cast("dict[str, Any]", json.loads(template))
    for each in cast("Mapping[str, dict[str, Any]]", said.get("Resources", {})).values():
        each.pop("UpdatePolicy", None)
        way = cast("dict[str, Any]", each.get("Properties", {}).get("DeploymentConfiguration", {}))
        for held in (way, way.get("CanaryConfiguration", {}), way.get("LinearConfiguration", {})):
            held |= {name: 0 for name in held if name.endswith("BakeTimeInMinutes")}
        if "LifecycleHooks" in way:
            hooks = cast("Sequence[Mapping[str, Any]]", way["LifecycleHooks"])
            way["LifecycleHooks"] = [hook for hook in hooks if hook.get("TargetType") != "PAUSE"]
    return template if said == json.loads(template) else json.dumps(said, sort_keys=True)


def read(text: str) -> tuple[Release, ...]:
    """The list as it is kept, oldest first; empty where it can't be read as one."""
    try:
        said = cast("list[dict[str, Any]]", json.loads(text))
        return tuple(Release(**each) for each in said)
    except (ValueError, TypeError):
        return ()


def text(releases: Sequence[Release]) -> str:
    """The list to keep: readable without Fairway."""
    return json.dumps([asdict(each) for each in releases], indent=1, sort_keys=True) + "\n"


def appended(releases: Sequence[Release], new: Release, *, keep: int) -> tuple[Release, ...]:
    """The list with one more; of those that served, the last `keep`, and what was tried since."""
    whole = (*releases, new)
    served = [number for number, each in enumerate(whole) if each.outcome == "promoted"]
    return whole[served[-keep] :] if len(served) > keep else whole


def current(releases: Sequence[Release]) -> Release | None:
    """What is in service: the last that was promoted."""
    return next((each for each in reversed(releases) if each.outcome == "promoted"), None)


def before(releases: Sequence[Release], revision: str | None) -> Release:
    """The release of that id (or its beginning), or the one before the current.

    Raises `Problems` where there is none.
    """
    served = [each for each in releases if each.outcome == "promoted"]
    now = served[-1].revision if served else None
    if revision is None:
        found = next((each for each in reversed(served) if each.revision != now), None)
        if found is None:
            what = "nothing was in service before this"
            raise Problems([Problem("rollback", what, "`fairway status` lists releases.")])
        return found
    found = next((each for each in reversed(served) if each.revision.startswith(revision)), None)
    if found is None:
        known = ", ".join(dict.fromkeys(each.revision for each in served)) or "none"
        raise Problems([Problem("rollback", f"there is no release {revision}", f"Kept: {known}.")])
    return found

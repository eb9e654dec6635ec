"""The plan of an environment on AWS: what comes and what it costs, from an empty account.

Nothing here asks AWS or imports what could: a plan is there in a fraction of a second. Where there
are credentials, `plan_online.py` holds it against what runs.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fairway.cli import view
from fairway.cli.plan_layout import honoured, layout_as_rendered
from fairway.cli.plan_page import page
from fairway.cli.project import Project
from fairway.core.cost import prices as tables
from fairway.core.cost.assumptions import Assumptions, concerning, supposing
from fairway.core.cost.estimate import estimate
from fairway.core.cost.prices import REGIONS, Prices
from fairway.core.plan.cloud import CloudPlan, to_json
from fairway.core.plan.creation import creations
from fairway.core.policy import findings
from fairway.core.problem import Problem, Problems, nearest
from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import (
    Builds,
    Choices,
    Egress,
    Processor,
    Traces,
    choices_for,
    stacks,
)
from fairway.targets.aws.render.limits import limits

if TYPE_CHECKING:
    from fairway.core.build.images import Image

__all__ = ["Asked", "Online", "chosen", "has_credentials", "plan_of", "price_table", "show"]

FOLDER = Path(tables.__file__).parent / "aws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says beside the environment."""

    region: str
    egress: Egress | None = None
    processor: Processor | None = None
    builds: Builds | None = None
    traces: Traces | None = None
    assume: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Online:
    """Whether AWS is asked (None: where there are credentials), as whom, and of what."""

    folder: Path = Path()
    is_asked: bool | None = None
    region: str | None = None
    profile: str | None = None
    image: str | None = None
    with_drift: bool = False


def show(found: Project, environment: str, asked: Asked, online: Online, *, as_json: bool) -> int:
    """Print it; 2 where something would change, else 0."""
    spec = parse(found.text)
    app = spec.app(environment)
    if online.is_asked or (online.is_asked is None and has_credentials(os.environ)):
        from fairway.cli import plan_online

        plan = plan_online.plan_of(app, asked, online, notes=spec.noted[environment])
    else:
        plan = plan_of(app, asked, notes=spec.noted[environment])
        if online.is_asked is None:
            plan = replace(plan, unasked="nobody is signed in, so nothing was asked of it")
    if as_json:
        view.data(to_json(plan))
    else:
        view.text(page(plan, view.width(), view.paint))
    return 0 if plan.is_quiet else 2


def has_credentials(environment: Mapping[str, str]) -> bool:
    """Whether somebody has signed in here, by what can be seen without asking anybody."""
    named = (
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    )
    if any(environment.get(name) for name in named):
        return True
    home = Path(environment.get("HOME", "~")).expanduser() / ".aws"
    files = (
        environment.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials",
        environment.get("AWS_CONFIG_FILE") or home / "config",
    )
    return any(Path(file).is_file() for file in files)


def plan_of(app: App, asked: Asked, *, notes: tuple[Problem, ...] = ()) -> CloudPlan:
    """The plan of one app.

    Raises `Problems` where a region or an assumption is none, or where AWS has a limit.
    """
    assumptions = supposing(Assumptions(), asked.assume)
    prices = price_table(asked.region)
    choices = chosen(app, asked)
    if problems := limits(app, choices):
        raise Problems(problems)
    missing = tuple(gaps(app))
    found = findings(app, assumptions)
    rendered = stacks(app, choices)
    app = honoured(app, missing, rendered)
    layout = layout_as_rendered(app, choices, rendered)
    return CloudPlan(
        app=app.name,
        environment=app.environment,
        target="aws",
        place=REGIONS.get(asked.region, ""),
        concerned=concerning(app, is_traced=layout.traced > 0, has_builds=layout.has_builds),
        creations=creations(app, layout),
        estimate=estimate(app, prices, assumptions, layout=layout),
        findings=found,
        notes=notes,
        gaps=missing,
    )


def chosen(app: App, asked: Asked, images: "Sequence[Image]" = ()) -> Choices:
    """How the environment is laid out, by what the command line says."""
    return choices_for(
        app,
        egress=asked.egress,
        processor=asked.processor,
        builds=asked.builds or "here",
        traces=asked.traces or "none",
        images=images,
    )


def price_table(region: str) -> Prices:
    """The table of one region; raises `Problems` where there is none."""
    if region not in REGIONS:
        near = nearest(region, REGIONS)
        hint = f"Did you mean {near}? " if near else ""
        mend = f"{hint}There are {', '.join(REGIONS)}."
        raise Problems([Problem("--region", f"there are no prices of {region or 'it'}", mend)])
    rows = (FOLDER / f"{region}.csv").read_text(encoding="utf-8")
    discounts = (FOLDER / "discounts.csv").read_text(encoding="utf-8")
    return tables.parse(region, rows, discounts)

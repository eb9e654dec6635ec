"""`fairway deploy` and `rollback` of an environment at AWS."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fairway.cli import aws, view
from fairway.cli.aws_live import shown
from fairway.cli.project import Project
from fairway.core.problem import Problem, Problems
from fairway.core.spec.parse import parse
from fairway.targets.aws.account import connect
from fairway.targets.aws.course import Given, Image, Result
from fairway.targets.aws.deploying import deploy
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.releasing import roll_back
from fairway.targets.aws.render import Choices, Egress, Processor, choices_for
from fairway.targets.aws.render.limits import limits
from fairway.targets.aws.store import Store

__all__ = ["Asked", "deployed", "rolled_back"]

CHOICES = "choices.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says beside the environment."""

    region: str | None = None
    profile: str | None = None
    image: str | None = None
    domain: str | None = None
    zone: str | None = None
    egress: Egress | None = None
    processor: Processor | None = None


def deployed(found: Project, name: str, asked: Asked, *, as_json: bool) -> None:
    """Deploy it and say how it ended; raises `Problems` where it is not on what was wanted."""
    app = parse(found.text).app(name)
    first = choices_for(app, egress=asked.egress, processor=asked.processor)
    if problems := limits(app, first):
        raise Problems(problems)
    view.notes("gap", [str(gap) for gap in gaps(app)])
    account = connect(region=asked.region, profile=asked.profile)
    where = f"{account.number} {account.region}"
    with shown(f"{app.name} · {name} · {where}") as tell:
        environment = aws.opened(
            found, name, region=None, profile=None, tell=tell, choices=first, account=account
        )
        store = environment.store()
        chosen = choices(asked, first, store)
        if chosen != first:
            environment = aws.opened(
                found, name, region=None, profile=None, tell=tell, choices=chosen, account=account
            )
        given = Given(
            image=image_of(asked),
            values=environment.values(domain=asked.domain, zone=asked.zone),
            folder=found.folder,
        )
        result = deploy(environment, given)
    store = environment.opened()
    store.write(CHOICES, json.dumps({"egress": chosen.egress, "processor": chosen.processor}))
    report(result, name, as_json=as_json)


def image_of(asked: Asked) -> Image | None:
    """Where the image comes from: the one that is said; None where none is."""
    image = asked.image
    if image is None:
        return None

    def said(registry: str) -> str:
        del registry
        return image

    return said


def choices(asked: Asked, first: Choices, store: Store | None) -> Choices:
    """What was chosen now, else at the last deploy: a network is not changed by leaving it out."""
    from dataclasses import replace

    kept: Mapping[str, Any] = json.loads((store.read(CHOICES) if store else None) or "{}")
    return replace(
        first,
        egress=asked.egress or kept.get("egress", first.egress),
        processor=asked.processor or kept.get("processor", first.processor),
    )


def rolled_back(
    found: Project,
    name: str,
    revision: str | None,
    *,
    region: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """Go back to a release, and say how it ended."""
    with shown(f"{name}: rollback") as tell:
        environment = aws.opened(found, name, region=region, profile=profile, tell=tell)
        result = roll_back(environment, revision)
    report(result, name, as_json=as_json)


def report(result: Result, name: str, *, as_json: bool) -> None:
    """As for this machine: 0 in service, 1 rolled back or failed."""
    if as_json:
        said = asdict(result)
        said["revision"] = result.revision
        view.data(said)
    if result.outcome == "unchanged":
        view.say(f"nothing to do: revision {result.revision} is in service")
        return
    if result.outcome == "promoted":
        view.say(f"revision {result.revision} is in service; see `fairway status {name}`")
        return
    serves = (
        f"Revision {result.before} serves as before."
        if result.outcome == "rolled_back"
        else "What was changed stays as it is: there is nothing whole to go back to."
    )
    words = result.outcome.replace("_", " ")
    raise Problems(
        [
            Problem(
                where=f"revision {result.tried}",
                what=f"{words}: {result.reason}",
                mend=f"{serves} Mend the app, then deploy again.",
            )
        ],
        exit_code=1,
    )

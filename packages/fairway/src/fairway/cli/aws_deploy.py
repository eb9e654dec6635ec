"""`fairway deploy` and `rollback` of an environment at AWS."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from fairway import __version__
from fairway.cli import aws, view
from fairway.cli.aws_live import shown
from fairway.cli.build_sources import read_build_sources
from fairway.cli.project import Project
from fairway.core.build.files import build_files
from fairway.core.build.images import Image, images
from fairway.core.detect.sources import Sources
from fairway.core.problem import Problem, Problems
from fairway.core.spec.parse import parse
from fairway.targets.aws.account import connect
from fairway.targets.aws.course import Given, Images, Result
from fairway.targets.aws.decide.order import IMAGE
from fairway.targets.aws.decide.progress import Told
from fairway.targets.aws.decide.strangers import strangers
from fairway.targets.aws.deploying import deploy
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.images import Builder, parameter_of, tag_here
from fairway.targets.aws.releasing import roll_back
from fairway.targets.aws.remote_images import RemoteBuilder
from fairway.targets.aws.render import Builds, Choices, Egress, Processor, Traces, choices_for
from fairway.targets.aws.render.accounts import away
from fairway.targets.aws.render.limits import limits
from fairway.targets.aws.render.wiring import PORT

__all__ = ["Asked", "deployed", "rolled_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says beside the environment."""

    region: str | None = None
    profile: str | None = None
    image: tuple[str, ...] = ()
    domain: str | None = None
    zone: str | None = None
    egress: Egress | None = None
    processor: Processor | None = None
    builds: Builds | None = None
    traces: Traces | None = None

    @property
    def choices(self) -> Mapping[str, str | None]:
        """What of it is remembered."""
        return {
            "builds": self.builds,
            "egress": self.egress,
            "processor": self.processor,
            "traces": self.traces,
        }


def deployed(found: Project, name: str, asked: Asked, *, as_json: bool) -> None:
    """Deploy it and say how it ended; raises `Problems` where it is not on what was wanted."""
    app = parse(found.text).app(name)
    sources = read_build_sources(found.folder, app)
    held = images(app, sources, PORT)
    usual = choices_for(app, builds=builds_here(asked, held), images=held)
    first = aws.remembered(usual, asked.choices, None)
    if problems := limits(app, first):
        raise Problems(problems)
    view.notes("gap", [str(gap) for gap in gaps(app)])
    account = connect(region=asked.region, profile=asked.profile)
    other = aws.others(app, account.region)
    there = {each: other(each).number for each in away(app)}
    if problems := strangers(app, account.number, there):  # before anything is asked for
        raise Problems(problems)
    where = f"{account.number} {account.region}"
    with shown(f"{app.name} · {name} · {where}") as tell:
        environment = aws.opened(
            found, name, region=None, profile=None, tell=tell, choices=first, account=account
        )
        store = environment.store()
        chosen = aws.remembered(usual, asked.choices, store)
        if chosen != first:
            environment = aws.opened(
                found, name, region=None, profile=None, tell=tell, choices=chosen, account=account
            )
        given = Given(
            images=images_of(asked) or builder(found, environment, sources, held, chosen),
            values=environment.values(domain=asked.domain, zone=asked.zone, others=aws.domains),
            folder=found.folder,
        )
        try:
            result = deploy(environment, given)
        except KeyboardInterrupt:
            view.say(
                f"what CloudFormation and ECS began goes on: `fairway status {name}` looks, "
                f"`fairway cancel {name}` takes it back"
            )
            raise
    store = environment.opened()
    # An image that was named says nothing of where the next one is built.
    aws.remember(chosen, store, but={"builds"} if asked.image and not asked.builds else ())
    report(result, name, as_json=as_json)


def images_of(asked: Asked) -> Images | None:
    """Where images come from: those that are said; None where none is, and they are built.

    `ADDRESS` is the only image, `NAME=ADDRESS` one of several. Raises `Problems` for an address
    without a tag: it could be another image tomorrow.
    """
    if not asked.image:
        return None
    said: dict[str, str] = {}
    for text in asked.image:
        name, equals, address = text.partition("=")
        parameter, address = (parameter_of(name), address) if equals else (IMAGE, text)
        if not re.fullmatch(r"\S+[:@][^\s/]+", address):
            mend = (
                "Write, for example, 222222222222.dkr.ecr.eu-central-1.amazonaws.com/shop:3f2c1aa."
            )
            what = f"{address or text} is no image with its tag or digest"
            raise Problems([Problem("--image", what, mend)])
        said[parameter] = address

    def given(registry: str, parameters: Sequence[str]) -> Mapping[str, str]:
        del registry, parameters
        return said

    return given


def builds_here(asked: Asked, held: Sequence[Image]) -> Builds:
    """Where images are built where nobody ever said it: at AWS, where there is no Docker here."""
    is_built = bool(held) and not asked.image
    return "remote" if is_built and shutil.which("docker") is None else "here"


def builder(
    found: Project,
    environment: Environment,
    sources: Sources,
    held: Sequence[Image],
    chosen: Choices,
) -> Images:
    """What builds the images of the folder, once a commit: by Docker here, or by CodeBuild."""

    def tell(text: str) -> None:
        environment.tell(Told("image", text))

    def built(registry: str, parameters: Sequence[str]) -> Mapping[str, str]:
        files = build_files(
            environment.app.name, held, sources, version=__version__, runtime_version=__version__
        )
        tag = tag_here(found.folder, environment.clock.now())
        if chosen.builds == "remote":
            remote = RemoteBuilder(
                environment=environment,
                images=held,
                files=files,
                folder=found.folder,
                tag=tag,
                tell=tell,
            )
            return remote(registry, parameters)
        here = Builder(
            account=environment.account,
            images=held,
            files=files,
            folder=found.folder,
            processor=chosen.processor,
            tag=tag,
            tell=tell,
        )
        return here(registry, parameters)

    return built


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
            *result.failed,
            Problem(
                where=f"revision {result.tried}",
                what=words if result.failed else f"{words}: {result.reason}",
                mend=f"{serves} Mend it, then deploy again.",
            ),
        ],
        exit_code=1,
    )

"""A whole deploy with real containers: an image is built, pushed, run as tasks and asked by HTTP.

ministack is the account: its registry takes the image, its ECS runs tasks on the Docker engine that
is here, its balancer routes. Without an engine, or without a base image, these tests are skipped
(see tests/docker_engine.py). What it can't show: a container counts as healthy there before it
listens, so a release may lose a request, and its tasks are not hardened as on Fargate.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bench.docker_engine import DOCKER, docker
from fairway.cli.build_sources import read_build_sources
from fairway.core.build.files import build_files
from fairway.core.build.images import images
from fairway.core.spec.parse import parse
from fairway.targets.aws.course import Given, Images, Result
from fairway.targets.aws.decide.progress import Beat, Ended, Told
from fairway.targets.aws.deploying import deploy
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.images import Builder, tag_here
from fairway.targets.aws.looking import look
from fairway.targets.aws.releasing import roll_back
from fairway.targets.aws.render import stacks
from fairway.targets.aws.runs import execute, run_job
from fairway.targets.aws.scaling import scale
from fairway.targets.aws.waiting import Clock, until
from tests.core.build.built_projects import APP
from tests.docker_engine import base
from tests.targets.aws.emulators import MINISTACK, account, ministack, reduced

__all__ = ["base"]  # a fixture

pytestmark = [pytest.mark.real, pytest.mark.alone, pytest.mark.timeout(400)]

CODE = 'VERSION = "1"\n' + APP.replace("said()", "VERSION.encode()", 1)
FILE = """
app = "NAME"

[service.web]
asgi = "shop:app"
public = true
replicas = 2
before = "python migrate.py"
limits = { per_ip = "1000/s" }

[job.report]
command = "python report.py"
retries = 0
"""


class Shop:
    """A project in a folder under git, and its environment in the account."""

    def __init__(self, url: str, folder: Path, base: str) -> None:
        self.folder, self.base = folder, base
        self.port = urlsplit(url).port or 0
        self.name = f"shop{os.getpid()}"
        file = FILE.replace("NAME", self.name)
        self.app = parse(file).app("production")
        self.account = account(url)
        self.beats: list[Beat] = []
        folder.mkdir()
        (folder / "migrate.py").write_text("print('tables are made')\n")
        (folder / "report.py").write_text("print(6 * 7)\n")
        (folder / "requirements.txt").write_text("h11==0.16.0\n")
        (folder / "fairway.toml").write_text(file)
        self.git("init", "--quiet")

    @property
    def environment(self) -> Environment:
        found = tuple(reduced(stack, MINISTACK)[0] for stack in stacks(self.app))
        clock = Clock(look_seconds=0.1)
        return Environment(self.account, self.app, found, clock, self.beats.append)

    def git(self, *words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", "-C", str(self.folder), *who, *words], check=True)

    def deploy(self, code: str) -> Result:
        """Commit this code and deploy it."""
        self.beats.clear()
        (self.folder / "shop.py").write_text(code)
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "more")
        environment = self.environment
        values = environment.values(domain="shop.example.org", zone=None)
        given = Given(images=self.builder(environment), values=values, folder=self.folder)
        return deploy(environment, given)

    def builder(self, environment: Environment) -> Images:
        """As `fairway deploy` has it, but for the registry's name: Docker trusts loopback's."""
        sources = read_build_sources(self.folder, self.app)
        held = images(self.app, sources, 8000)
        own = {"version": "0", "runtime_version": "0.1.0", "base": self.base}
        made = Builder(
            account=self.account,
            images=held,
            files=build_files(self.app.name, held, sources, **own),
            folder=self.folder,
            processor="X86_64",
            tag=tag_here(self.folder, environment.clock.now()),
            tell=lambda text: self.beats.append(Told("image", text)),
        )
        return lambda at, asked: made(f"127.0.0.1:{self.port}/{at.partition('/')[2]}", asked)

    def ask(self) -> tuple[int, str]:
        """What the balancer's listener for HTTPS says to a visitor."""
        path = f"/_alb/{self.app.name}-production/"
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            connection.request("GET", path, headers={"Host": "shop.example.org:443"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def answers(self, text: str) -> None:
        """Wait until every task says this: what listens is not healthy yet."""
        clock = Clock(look_seconds=0.1)
        until(clock, 30, lambda: self.said(6) == {(200, text)}, waiting_for=f"answers {text}")

    def said(self, times: int) -> set[tuple[int, str]]:
        return {self.ask() for _ in range(times)}

    def in_registry(self) -> list[list[str]]:
        """The tags of each image."""
        registry = self.account.client("ecr")
        name = f"{self.app.name}-production"
        found = registry.describe_images(repositoryName=name)["imageDetails"]
        return [each["imageTags"] for each in found]

    def containers(self, of: str) -> list[str]:
        """The containers that run."""
        labels = ("task-definition-family", f"{self.app.name}-production-{of}")
        kept = f"label=com.amazonaws.ecs.{labels[0]}={labels[1]}"
        return docker("ps", "--quiet", "--filter", kept).split()

    def told(self, step: str) -> str:
        found = (beat for beat in self.beats if isinstance(beat, Told) and beat.step == step)
        return "\n".join(beat.text for beat in found)

    def ended(self) -> dict[str, str]:
        return {beat.step: beat.outcome for beat in self.beats if isinstance(beat, Ended)}


@pytest.fixture(scope="module")
def shop(base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    engine = docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    folder = tmp_path_factory.mktemp("containers")
    with pytest.MonkeyPatch.context() as patch, ministack(folder, engine=engine) as url:
        # The client that the tests use: another one may lack what builds.
        patch.setenv("PATH", str(Path(DOCKER or "").parent), prepend=os.pathsep)
        zones = account(url).client("route53")
        zones.create_hosted_zone(Name="example.org", CallerReference="1")
        made = Shop(url, folder / "shop", base)
        try:
            yield made
        finally:
            for each in docker("ps", "--all", "--quiet", "--filter", "name=ministack-ecs").split():
                if made.name in docker("inspect", "--format", "{{.Config.Labels}}", each):
                    docker("rm", "--force", "--volumes", each)
            here = f"127.0.0.1:{made.port}/*"
            for each in docker("images", "--quiet", "--filter", f"reference={here}").split():
                docker("rmi", "--force", each, code=None)


@pytest.mark.requirement("R50", "R51", "R140", "R142", "R147")
def test_an_image_is_built_pushed_run_asked_taken_back_when_bad_and_replaced(shop: Shop) -> None:
    """One course: each part of it stands on the one before, and each costs a build."""
    assert shop.deploy(CODE).outcome == "promoted"
    assert "tables are made" in shop.told("before web")
    assert "2 of 2 tasks run" in shop.told("service web")
    shop.answers("1")
    first = shop.environment.opened().releases()[-1]

    bad = shop.deploy("import nothing_there\n")
    assert (bad.outcome, bad.revision) == ("rolled_back", first.revision)
    assert "circuit breaker" in bad.reason
    why = shop.told("service web")
    assert "web: exit code 1" in why
    assert "ModuleNotFoundError: No module named 'nothing_there'" in why
    assert shop.ended()["service web"] == "failed"
    assert shop.ended()["back: service web"] == "updated"
    shop.answers("1")

    assert shop.deploy(CODE.replace('"1"', '"2"')).outcome == "promoted"
    shop.answers("2")
    tags = {tag for each in shop.in_registry() for tag in each}
    assert "latest" in tags
    assert len(tags) == 1 + 3, "one of each commit"

    assert roll_back(shop.environment, None).revision == first.revision
    shop.answers("1")


def test_jobs_commands_and_more_tasks_run_in_the_image_that_serves(shop: Shop) -> None:
    shop.deploy(CODE)
    shop.answers("1")
    scale(shop.environment, "web", 3)
    web = next(each for each in look(shop.environment).services if each.name == "web")
    assert web.wanted == 3
    clock = Clock(look_seconds=0.1)
    until(clock, 60, lambda: len(shop.containers("web")) == 3, waiting_for="three tasks")

    heard: list[str] = []
    ended = execute(shop.environment, "web", ["python", "-c", "print(2 ** 10)"], heard.append)
    assert (ended.exit_code, heard) == (0, ["1024"])
    assert run_job(shop.environment, "report", waits=True).status == "succeeded"

"""Deploys to ministack: what was rendered, applied by change sets, as AWS would be asked to."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairway.core.problem import Problems
from fairway.core.spec.model import App
from fairway.targets.aws.course import Given, Result
from fairway.targets.aws.decide.progress import Beat, Ended, Told
from fairway.targets.aws.deploying import deploy
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.looking import look, machine_of
from fairway.targets.aws.previewing import preview
from fairway.targets.aws.releasing import roll_back
from fairway.targets.aws.render import stacks
from fairway.targets.aws.render.template import Draft
from fairway.targets.aws.renewal.texts import Text
from fairway.targets.aws.runs import run_job
from fairway.targets.aws.scaling import scale
from fairway.targets.aws.store import own_stack
from fairway.targets.aws.waiting import until
from tests.targets.aws.emulators import (
    MINISTACK,
    QUICK,
    account,
    ministack,
    reduced,
    tasks_that_end,
)
from tests.targets.aws.functions import answering
from tests.targets.aws.shapes import all_resources, app, app_of

pytestmark = [pytest.mark.real, pytest.mark.alone]

SHOP = """
[service.web]
asgi = "shop:app"
public = true
replicas = 1
before = "migrate"
uses = ["KEY"]
[secret.KEY]
"""
WORKERS = """
[worker.mails]
command = "mails"
replicas = 2
[worker.clock]
command = "clock"
"""
PLAIN = '[service.web]\nasgi = "shop:app"\nreplicas = 1\n'


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack(tmp_path_factory.mktemp("ministack")) as at:
        client = account(at).client("route53")
        client.create_hosted_zone(Name="example.org", CallerReference="1")
        client.create_hosted_zone(Name="shop.example.org", CallerReference="2")
        yield at


class Place:
    """One app's environment at the emulator, with what was told of it."""

    def __init__(self, url: str, of: App, folder: Path = Path()) -> None:
        self.url, self.folder = url, folder
        self.beats: list[Beat] = []
        self.ran: list[str] = []
        self.account = account(url)
        self.app = of

    @property
    def environment(self) -> Environment:
        found = tuple(reduced(stack, MINISTACK)[0] for stack in stacks(self.app))
        return Environment(self.account, self.app, found, QUICK, self.beats.append)

    def deploy(self, tag: str | None = "one") -> Result:
        self.beats.clear()
        environment = self.environment
        given = Given(
            images=None if tag is None else lambda at, asked: dict.fromkeys(asked, f"{at}:{tag}"),
            values=environment.values(domain=f"{self.app.name}.example.org", zone=None),
            folder=self.folder,
        )
        return deploy(environment, given)

    def ended(self) -> dict[str, str]:
        return {beat.step: beat.outcome for beat in self.beats if isinstance(beat, Ended)}

    def told(self, step: str) -> list[str]:
        return [beat.text for beat in self.beats if isinstance(beat, Told) and beat.step == step]

    def task(self, service: str = "web") -> Mapping[str, Any]:
        running = self.environment.running
        found = running.service(service)
        assert found is not None
        definition = running.definition(found["deployments"][0]["taskDefinition"])
        container: Mapping[str, Any] = definition["containerDefinitions"][0]
        return container

    def give(self, secret: str, value: str) -> None:
        path = f"fairway/{self.app.name}/production/secret/{secret}"
        self.account.client("secretsmanager").put_secret_value(SecretId=path, SecretString=value)


def shop(name: str, text: str = SHOP) -> App:
    return replace(app_of(text), name=name)


@pytest.fixture(scope="module")
def deployed(url: str) -> Iterator[Place]:
    made = Place(url, shop("shop"))
    with tasks_that_end(account(url), made.environment.cluster) as made.ran:
        assert made.deploy().outcome == "promoted"
        yield made


@pytest.fixture
def place(deployed: Place) -> Place:
    """A shop that is deployed, whatever tests before this one made of it."""
    deployed.app = shop("shop")
    deployed.deploy("one")
    return deployed


# -- The whole ---------------------------------------------------------------------------------


@pytest.mark.requirement("R139")
@pytest.mark.parametrize("name", ["weather", "planner", "bandit", "insights"])
def test_every_resource_of_every_stack_is_really_there(url: str, name: str, tmp_path: Path) -> None:
    of = replace(app(name, "production"), accounts={})  # the emulator is one account
    built = {
        name: replace(site, build=f"cp -r public {site.root}") for name, site in of.sites.items()
    }
    (tmp_path / "public").mkdir()
    (tmp_path / "public/index.html").write_text("<p>hello")
    (tmp_path / "frontend").mkdir()
    of = replace(of, sites=built)
    place = Place(url, of, tmp_path)
    answering(place.account)
    with tasks_that_end(account(url), place.environment.cluster):
        assert place.deploy().outcome == "promoted"
    for stack in place.environment.stacks:
        formation = place.account.client("cloudformation", stack.region)
        found = formation.describe_stack_resources(StackName=stack.stack_name)["StackResources"]
        assert {each["LogicalResourceId"] for each in found} == set(stack.resources), stack.name
        statuses = {each["ResourceStatus"] for each in found}
        assert statuses == {"CREATE_COMPLETE"}, stack.name
    assert set(place.ended().values()) <= {"created", "done", "updated"}


def test_the_same_again_changes_nothing_and_says_so(place: Place) -> None:
    result = place.deploy()
    assert result.outcome == "unchanged"
    assert set(place.ended().values()) <= {"unchanged", "done"}


def test_another_image_is_migrated_once_and_then_put_in_service(place: Place) -> None:
    place.ran.clear()
    result = place.deploy("two")
    assert place.ended()["before web"] == "done"
    assert place.told("before web") == ["done"]
    assert place.deploy("two").outcome == "unchanged"
    assert result.outcome == "promoted"
    assert result.before != result.revision
    assert str(place.task()["image"]).endswith(":two")
    assert place.ran == ["migrate"]


def test_workers_are_deployed_seen_and_scaled_and_go_when_nothing_names_them(url: str) -> None:
    place = Place(url, shop("queue", PLAIN + WORKERS))
    assert place.deploy().outcome == "promoted"
    assert place.ended()["worker mails"] == "created"
    seen = {each.name: each for each in look(place.environment).services}
    assert [(seen[name].kind, seen[name].wanted) for name in ("clock", "mails", "web")] == [
        *(("worker", 1), ("worker", 2), ("container", 1)),
    ]
    with pytest.raises(Problems, match="never runs twice at once"):
        scale(place.environment, "clock", 2)
    assert scale(place.environment, "mails", 3).startswith("mails: 3 wanted")
    assert place.deploy().outcome == "unchanged"
    place.app = shop("queue", PLAIN)
    assert place.deploy().outcome == "promoted"
    assert place.ended()["worker clock"] == "done"
    assert place.environment.running.service("clock") is None


def test_another_value_of_a_secret_starts_the_tasks_that_read_it_anew(place: Place) -> None:
    place.give("KEY", "two")
    assert place.deploy().outcome == "promoted"
    assert place.ended()["service web"] == "updated"
    assert "a secret of it has another value: its tasks start anew" in place.told("service web")
    assert place.deploy().outcome == "unchanged"


def test_a_rollback_brings_back_the_image_and_its_configuration(place: Place) -> None:
    first = place.environment.opened().releases()[-1]
    text = SHOP.replace("public", 'variables = { COLOUR = "red" }\npublic')
    place.app = shop(place.app.name, text)
    place.deploy("two")
    assert {"name": "COLOUR", "value": "red"} in place.task()["environment"]
    result = roll_back(place.environment, None)
    assert (result.outcome, result.revision) == ("promoted", first.revision)
    assert str(place.task()["image"]).endswith(":one")
    assert not [each for each in place.task()["environment"] if each["name"] == "COLOUR"]
    # And forward again, by its name.
    again = result.before
    assert roll_back(place.environment, again[:6]).revision == again
    assert str(place.task()["image"]).endswith(":two")


NAMED = """
[service.web]
asgi = "shop:app"
replicas = 1
uses = ["db"]
[service.web.variables]
DB_HOST = "${db.host}"
DB_PASSWORD = "${db.password}"
ASYNC_URL = "postgresql+asyncpg://${db.user}:${db.password}@${db.host}/${db.name}"
[database.db]
"""


@pytest.mark.requirement("R72")
def test_names_of_an_app_s_own_hold_the_parts_of_its_database_after_a_rollback_too(
    url: str,
) -> None:
    place = Place(url, shop("named", NAMED))
    manager = place.account.client("secretsmanager")

    def value(stack: str, start: str) -> str:
        """What the only secret of a stack holds whose id starts so; tasks hide theirs here."""
        formation = place.account.client("cloudformation")
        found = formation.describe_stack_resources(StackName=f"named-production-{stack}")
        (which,) = (
            each["PhysicalResourceId"]
            for each in found["StackResources"]
            if each["LogicalResourceId"].startswith(start)
        )
        return str(manager.get_secret_value(SecretId=which)["SecretString"])

    def text() -> str:
        """The text as tasks read it; a renewal finds it, and would put the same together."""
        ssm = place.account.client("ssm")
        path = "/fairway/named/production/text"
        (given,) = ssm.get_parameters_by_path(Path=path, Recursive=True)["Parameters"]
        said = value("service-web", "TextWeb")
        assert manager.get_secret_value(SecretId=given["Value"])["SecretString"] == said
        found = Text.of(said)
        login = manager.get_secret_value(SecretId=found.form[1][0])["SecretString"]
        assert found.anew("", lambda secret: login, 0.0) is found
        return found.text

    assert place.deploy().outcome == "promoted"
    host = {each["name"]: each["value"] for each in place.task()["environment"]}["DB_HOST"]
    password = json.loads(value("data", "DatabaseDbPassword"))["password"]
    whole = f"postgresql+asyncpg://app:{password}@{host}/named_db"
    assert text() == whole
    place.app = shop("named", NAMED.replace("+asyncpg", "+psycopg"))
    assert place.deploy("two").outcome == "promoted"
    assert text() == whole.replace("+asyncpg", "+psycopg")
    assert roll_back(place.environment, None).outcome == "promoted"
    assert text() == whole


DAILY = """
[job.load]
command = "load"
[job.train]
command = "train"
[workflow.daily]
steps = ["load", "train"]
"""


@pytest.mark.requirement("R114")
def test_a_workflow_goes_on_with_the_step_that_failed_unless_it_is_to_begin_anew(url: str) -> None:
    place = Place(url, shop("flow", PLAIN + DAILY))
    assert place.deploy().outcome == "promoted"
    machines = place.account.client("stepfunctions")
    ecs = place.account.client("ecs")

    def runs(job: str) -> list[Mapping[str, Any]]:
        arn = machine_of(place.environment, job)
        return machines.list_executions(stateMachineArn=arn)["executions"]

    def succeeds(job: str) -> None:
        """End its task, which runs for ever without Docker, and wait for the job's end."""
        until(QUICK, 30, lambda: bool(tasks(job)), waiting_for=f"{job} at work")
        for arn in tasks(job):
            ecs.stop_task(cluster=place.environment.cluster, task=arn)
        until(QUICK, 30, lambda: runs(job)[0]["status"] == "SUCCEEDED", waiting_for=job)

    def tasks(job: str) -> list[str]:
        family = f"flow-production-{job}"
        return ecs.list_tasks(cluster=place.environment.cluster, family=family)["taskArns"]

    def ended(status: str) -> bool:
        return runs("daily")[0]["status"] == status

    assert run_job(place.environment, "daily", waits=False).began_with == ""
    succeeds("load")
    until(QUICK, 30, lambda: bool(tasks("train")), waiting_for="the second step")
    machines.stop_execution(executionArn=runs("train")[0]["executionArn"], cause="no memory")
    for arn in tasks("train"):
        ecs.stop_task(cluster=place.environment.cluster, task=arn)
    until(QUICK, 30, lambda: ended("FAILED"), waiting_for="the workflow's end")

    assert run_job(place.environment, "daily", waits=False).began_with == "train"
    succeeds("train")
    until(QUICK, 30, lambda: ended("SUCCEEDED"), waiting_for="the workflow's end")
    assert (len(runs("load")), len(runs("train"))) == (1, 2)

    assert run_job(place.environment, "daily", waits=False).began_with == ""


# -- What would change, and what did ------------------------------------------------------------


def test_a_plan_names_the_nodes_that_change_and_changes_nothing(place: Place) -> None:
    before = place.task()
    place.app = shop("shop", SHOP.replace("public", 'variables = { COLOUR = "red" }\npublic'))
    found = preview(place.environment, {}, with_drift=False)
    told = {f"{each.kind} {each.node}".rstrip(): each for each in found.changes}
    assert told["service web"].details == (
        "service: TaskDefinition",
        "task definition: ContainerDefinitions",
    )
    assert told["service web"].cause == "its keys changed"
    assert "data" not in told
    assert place.task() == before
    place.app = shop("shop")
    assert preview(place.environment, {}, with_drift=False).changes == ()
    (image,) = {
        each.cause
        for each in preview(place.environment, {"Image": "a:b"}, with_drift=False).changes
    }
    assert "another image" in image


def test_what_was_changed_by_hand_is_drift_in_the_words_of_its_node(place: Place) -> None:
    logs = place.account.client("logs")
    group = "/fairway/shop/production/web"
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    try:
        (change,) = preview(place.environment, {}, with_drift=True).drift
        assert (change.kind, change.node, change.cause) == ("service", "web", "changed by hand")
        assert change.details == ("log group RetentionInDays: 90 → 1",)
    finally:
        logs.put_retention_policy(logGroupName=group, retentionInDays=90)
    assert preview(place.environment, {}, with_drift=True).drift == ()


def test_what_the_file_names_no_more_goes_with_the_next_deploy(place: Place) -> None:
    place.app = shop("shop", SHOP + '[job.old]\ncommand = "old"\n')
    assert place.deploy().outcome == "promoted"
    place.app = shop("shop")
    assert [stack.name for stack in place.environment.orphans()] == ["job-old"]
    assert place.deploy().outcome == "promoted"
    assert place.ended()["job old"] == "done"
    assert place.environment.orphans() == ()
    # A rollback to the release that had it brings it back.
    roll_back(place.environment, None)
    assert [stack.name for stack in place.environment.orphans()] == ["job-old"]
    place.deploy()


# -- What stops it -----------------------------------------------------------------------------


def test_two_at_once_refuse_and_name_who_holds_it(place: Place) -> None:
    store = place.environment.opened()
    with store.held("deploy production", "production"):
        with pytest.raises(Problems, match="user/test holds it for `deploy production`, 0s now"):
            place.deploy("two")
        assert place.ended() == {"fairway": "unchanged"}
    assert store.holder() is None
    assert place.deploy("two").outcome == "promoted"


def test_a_network_that_stands_is_not_moved_and_a_plan_says_so(place: Place) -> None:
    place.app = shop("shop", 'addresses = "10.20.0.0/16"\n' + SHOP)
    with pytest.raises(Problems, match=r"the network stands with 10\.0\.0\.0/16") as raised:
        place.deploy("two")
    assert place.ended() == {}, "nothing was begun"
    found = preview(place.environment, {}, with_drift=False)
    assert found.refused == raised.value.problems
    assert "network" in {each.kind for each in found.changes}
    place.app = shop("shop")
    assert preview(place.environment, {}, with_drift=False).refused == ()


def test_without_an_image_network_and_data_stand_and_it_says_where_to_push_one(url: str) -> None:
    made = Place(url, shop("empty", PLAIN))
    with pytest.raises(Problems) as raised:
        made.deploy(None)
    (problem,) = raised.value.problems
    assert "no image is said" in problem.what
    assert "dkr.ecr.eu-central-1.amazonaws.com/empty-production" in problem.mend
    assert set(made.ended()) == {"fairway", "network", "data", "build", "image"} & {
        "fairway", "image", *(stack.name for stack in made.environment.stacks)
    }  # fmt: skip
    assert made.deploy("one").outcome == "promoted"


def test_a_stack_that_never_came_up_is_made_anew(url: str) -> None:
    made = Place(url, shop("sick", PLAIN))
    formation = made.environment.formation()
    stack = broken(made.environment.stacks[0].stack_name)
    with pytest.raises(Problems, match="DependsNot"):
        formation.apply(stack, {}, step="network")
    assert formation.status(stack) == "ROLLBACK_COMPLETE"
    assert made.deploy().outcome == "promoted"
    assert "it never came up; what is left of it goes first" in made.told("network")


def broken(stack_name: str) -> Any:
    """A stack that CloudFormation accepts and can't make."""
    draft = Draft(app="a", environment="b", name="network", description="")
    draft.add("Good", "AWS::SNS::Topic", {})
    alarm = {"Metrics": [{"Id": "m", "Expression": "1"}], "ComparisonOperator": "GreaterThan"}
    draft.add("DependsNot", "AWS::CloudWatch::Alarm", alarm)
    return replace(draft.stack(), stack_name=stack_name)


@pytest.mark.requirement("R147")
def test_a_release_that_cloudformation_refuses_is_taken_back_and_told(place: Place) -> None:
    environment = place.environment
    bad = environment.stack("service-web")
    assert bad is not None
    first = environment.opened().releases()[-1]
    resources = {**bad.resources, **broken("x").resources}
    worse = tuple(
        replace(each, resources=resources) if each is bad else each for each in environment.stacks
    )
    given = Given(
        images=lambda at, asked: dict.fromkeys(asked, f"{at}:two"),
        values=environment.values(domain=None, zone=None),
        folder=Path(),
    )
    result = deploy(replace(environment, stacks=worse), given)
    assert result.outcome == "rolled_back"
    assert result.revision == first.revision
    assert place.ended()["back: service web"] == "unchanged"
    assert "DependsNot" in result.reason
    assert str(place.task()["image"]).endswith(":one")
    assert environment.opened().releases()[-1].outcome == "rolled_back"


def test_termination_protection_is_on_for_every_stack_but_in_development(place: Place) -> None:
    formation = place.environment.formation()
    for stack in (own_stack(place.app), *place.environment.stacks):
        found = formation.described(stack)
        assert found is not None
        assert found["EnableTerminationProtection"], stack.name


def test_a_large_template_goes_by_the_bucket(place: Place) -> None:
    environment = place.environment
    store = environment.opened()
    draft = Draft(app=place.app.name, environment="production", name="large", description="")
    for number in range(40):
        value = {"Name": f"/large/{place.app.name}/{number}", "Type": "String", "Value": "x" * 1500}
        draft.add(f"Give{number}", "AWS::SSM::Parameter", value)
    applied = environment.formation(store).apply(draft.stack(), {}, step="large")
    assert len(applied.resources) == 40


def test_the_domains_zone_is_the_nearest_and_is_remembered(place: Place) -> None:
    values = place.environment.values(domain=None, zone=None)
    assert values["Domain"] == f"{place.app.name}.example.org"
    near = place.environment.values(domain="other.example.org", zone=None)
    assert near["HostedZoneId"] != values["HostedZoneId"]
    with pytest.raises(Problems, match=r"no hosted zone holds example\.com"):
        place.environment.values(domain="example.com", zone=None)


# -- What the emulator lacks -------------------------------------------------------------------


def test_what_the_emulator_lacks_it_still_lacks(url: str) -> None:
    formation = account(url).client("cloudformation")
    has = [kind for kind in sorted(MINISTACK.lacks) if "." not in kind[5:].replace("::", "")]
    for kind in has:
        template = {"Resources": {"It": {"Type": kind, "Properties": {}}}}
        with pytest.raises(Problems, match="Unrecognized resource types"):
            formation.create_change_set(
                StackName="lacking",
                ChangeSetName="c",
                ChangeSetType="CREATE",
                TemplateBody=json.dumps(template),
            )
    with pytest.raises(Problems, match="metric math"):
        Place(url, shop("math")).environment.formation().apply(broken("math"), {}, step="math")


def test_what_the_emulator_lacks_is_rendered_somewhere() -> None:
    rendered = {
        kind
        for _, resource in all_resources()
        for kind in (
            resource["Type"],
            *(f"{resource['Type']}.{key}" for key in resource["Properties"]),
        )
    }
    assert rendered >= MINISTACK.lacks

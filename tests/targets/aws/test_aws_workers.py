"""Workers on AWS: ECS services that nobody can reach, of which one alone never runs twice."""

from collections.abc import Callable
from typing import Any

import pytest

from fairway.targets.aws.decide import order
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import choices_for, render, stacks
from fairway.targets.aws.render.limits import limits
from tests.targets.aws.shapes import app, app_of, resources, templates

SHOP = app("shop", "production")
WORKER = '[worker.mails]\ncommand = "celery worker"\ncpu = 0.25\n'


def of_type(name: str, kind: str) -> dict[str, Any]:
    """The only resource of a kind in the stack of a worker."""
    held = templates(SHOP)[f"worker-{name}.json"]["Resources"].values()
    (found,) = (each["Properties"] for each in held if each["Type"] == kind)
    return dict(found)


@pytest.mark.parametrize("name", ["clock", "mails"])
def test_the_stack_of_a_worker_is_written_down(
    name: str, golden: Callable[[str, str], None]
) -> None:
    path = f"worker-{name}.json"
    golden(f"shop/{path}", render(SHOP)[path])


def test_nobody_reaches_a_worker() -> None:
    for name in ("clock", "mails"):
        service = of_type(name, "AWS::ECS::Service")
        assert "LoadBalancers" not in service
        assert "Services" not in service.get("ServiceConnectConfiguration", {})
        (container,) = of_type(name, "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
        assert "PortMappings" not in container
        assert not {"PORT", "HOST"} & {each["Name"] for each in container["Environment"]}


@pytest.mark.validated("R147")
def test_one_alone_ends_before_the_next_starts_and_several_are_rolled() -> None:
    alone = of_type("clock", "AWS::ECS::Service")
    assert alone["DesiredCount"] == 1
    assert alone["DeploymentConfiguration"]["MaximumPercent"] == 100
    assert alone["DeploymentConfiguration"]["MinimumHealthyPercent"] == 0
    assert "AvailabilityZoneRebalancing" not in alone
    several = of_type("mails", "AWS::ECS::Service")
    assert several["DeploymentConfiguration"]["MinimumHealthyPercent"] == 100
    assert several["DeploymentConfiguration"]["MaximumPercent"] > 100
    for service in (alone, several):
        breaker = service["DeploymentConfiguration"]["DeploymentCircuitBreaker"]
        assert breaker["Enable"]
        assert breaker["Rollback"]


def test_two_by_night_are_two() -> None:
    night = 'off_hours = { replicas = 2, from = "22:00", to = "05:00" }\n'
    (service,) = resources(app_of(WORKER + night), "AWS::ECS::Service").values()
    assert service["DeploymentConfiguration"]["MaximumPercent"] == 200


def test_a_worker_counts_as_started_once_it_has_lived_for_its_time() -> None:
    steady = WORKER + 'timeouts.steady = "20s"\n'
    (task,) = resources(app_of(steady), "AWS::ECS::TaskDefinition").values()
    (container,) = task["ContainerDefinitions"]
    assert container["HealthCheck"]["Interval"] == 20


@pytest.mark.validated("R223")
def test_a_worker_may_take_its_drain_to_end() -> None:
    (container,) = of_type("mails", "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    assert container["StopTimeout"] == 95
    found = limits(app_of(WORKER + 'timeouts.drain = "5m"\n'), choices_for(SHOP))
    assert [(each.where, each.mend) for each in found] == [
        ("worker.mails.timeouts.drain", "Write at most 115s.")
    ]


@pytest.mark.validated("R31")
def test_one_that_may_be_interrupted_runs_on_spot() -> None:
    service = of_type("mails", "AWS::ECS::Service")
    assert "LaunchType" not in service
    assert service["CapacityProviderStrategy"] == [
        {"CapacityProvider": "FARGATE_SPOT", "Weight": 1}
    ]
    assert of_type("clock", "AWS::ECS::Service")["LaunchType"] == "FARGATE"


@pytest.mark.validated("R236", "R237")
def test_a_range_scales_by_cpu_and_memory_and_by_nothing_that_is_asked() -> None:
    alarms = templates(SHOP)["worker-mails.json"]["Resources"]
    names = {key for key, each in alarms.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    assert names == {
        *("DownAlarm", "MemoryAlarm", "MissingAlarm", "UpCpuAlarm", "UpMemoryAlarm"),
    }
    assert "DesiredCount" not in of_type("mails", "AWS::ECS::Service")
    assert not [gap for gap in gaps(SHOP) if gap.where.startswith("worker.mails.scale")]


@pytest.mark.validated("R203")
def test_a_worker_may_do_what_its_uses_need() -> None:
    held = templates(SHOP)["worker-mails.json"]["Resources"]
    said = str(held["ServiceRole"])
    assert "s3:GetObject" in said
    assert "s3:" not in str(templates(SHOP)["worker-clock.json"]["Resources"]["ServiceRole"])
    rules = [key for key, each in held.items() if each["Type"] == "AWS::EC2::SecurityGroupIngress"]
    assert len(rules) == 3, "the database, the cache and the service it uses let it in"


def test_a_service_that_only_a_worker_uses_is_in_the_mesh() -> None:
    used = app_of('[service.api]\nasgi = "m:a"\n' + WORKER + 'uses = ["api"]\n')
    found = resources(used, "AWS::ECS::Service")
    assert found["service-api.json/Service"]["ServiceConnectConfiguration"]["Services"]
    assert "Services" not in found["worker-mails.json/Service"]["ServiceConnectConfiguration"]


def test_workers_come_after_services_and_go_back_after_them() -> None:
    names = [stack.name for stack in stacks(SHOP)]
    assert names.index("before") < names.index("service-web") < names.index("worker-clock")
    assert order.released_first(["job-a", "worker-clock", "service-web"]) == (
        *("service-web", "worker-clock", "job-a"),
    )
    assert order.is_released("worker-clock")
    assert order.may_go("worker-clock")


def test_a_worker_that_migrates_has_its_task_for_it() -> None:
    bot = app_of(WORKER + 'before = "alembic upgrade head"\n')
    assert "before.json" in render(bot)
    assert [str(step) for step in order.steps(bot, stacks(bot))][-3:] == [
        *("before mails", "worker mails", "alarms"),
    ]


def test_the_dashboard_shows_how_many_run_and_how_many_should() -> None:
    body = str(templates(SHOP)["alarms.json"]["Resources"]["Dashboard"])
    assert "mails: tasks wanted, running, starting" in body
    assert "mails: requests" not in body

"""Releases that ECS has in progress are let go on or taken back, by answers as ECS documents them.

Neither emulator has service deployments: ministack always lists none.
"""

from dataclasses import replace
from typing import Any

import pytest

from fairway.core.problem import Problem, Problems
from fairway.targets.aws.account import Refused
from fairway.targets.aws.decide.progress import Beat, Told
from fairway.targets.aws.decide.releases import at_once
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.render import stacks
from fairway.targets.aws.render.template import text
from fairway.targets.aws.steering import (
    HOOK,
    can_not_hold,
    go_on,
    in_progress,
    take_back,
    tell_waiting,
)
from tests.targets.aws.shapes import app_of
from tests.targets.aws.test_aws_running import Api, FakeAccount

APP = app_of('[service.web]\nasgi = "shop:app"\nreplicas = 1\n')
ARN = "arn:aws:ecs:eu-central-1:000000000000:service-deployment/shop-production/web/one"
WAITING = {"hookId": "ecs-pause-1", "targetType": "PAUSE", "status": "AWAITING_ACTION"}
PATCHED = """
[service.web]
asgi = "shop:app"
public = true
replicas = 2
release = "blue_green"

[[patch.aws."service-web.json"]]
op    = "add"
path  = "/Resources/Service/Properties/DeploymentConfiguration/LifecycleHooks"
value = [ { TargetType = "PAUSE", LifecycleStages = ["POST_PRODUCTION_TRAFFIC_SHIFT"] } ]
"""


def ecs(*hooks: dict[str, str], stage: str = "BAKE_TIME", lists: Any = None) -> Api:
    release = {
        "serviceDeploymentArn": ARN,
        "lifecycleStage": stage,
        "lifecycleHookDetails": list(hooks),
    }
    return Api(
        list_service_deployments=lists or {"serviceDeployments": [{"serviceDeploymentArn": ARN}]},
        describe_service_deployments={"serviceDeployments": [release]},
        continue_service_deployment={},
        stop_service_deployment={},
    )


def environment(of: Api, told: list[Beat] | None = None) -> Environment:
    heard: list[Beat] = [] if told is None else told
    return Environment(FakeAccount(ecs=of), APP, (), tell=heard.append)


def acted(of: Api) -> list[tuple[str, dict[str, Any]]]:
    return [each for each in of.asked if each[0].startswith(("continue", "stop"))]


@pytest.mark.parametrize("verb", ["promote", "resume"])
def test_a_release_that_waits_at_a_pause_hook_goes_on(verb: str) -> None:
    of = ecs(WAITING)
    assert go_on(environment(of), verb) == ("web",)
    said = {"serviceDeploymentArn": ARN, "hookId": "ecs-pause-1", "action": "CONTINUE"}
    assert acted(of) == [("continue_service_deployment", said)]


def test_a_hook_that_runs_a_function_waits_for_nobody() -> None:
    done = {**WAITING, "status": "SUCCEEDED"}
    function = {**WAITING, "targetType": "AWS_LAMBDA", "status": "IN_PROGRESS"}
    with pytest.raises(Problems, match="its release waits for nobody, bake time"):
        go_on(environment(ecs(done, function)), "promote")


@pytest.mark.requirement("R147")
def test_a_release_in_progress_is_taken_back_wherever_it_is() -> None:
    of = ecs()
    assert take_back(environment(of)) == ("web",)
    assert acted(of) == [
        ("stop_service_deployment", {"serviceDeploymentArn": ARN, "stopType": "ROLLBACK"})
    ]
    waits = ecs(WAITING)
    take_back(environment(waits))
    ((verb, said),) = acted(waits)
    assert (verb, said["action"]) == ("continue_service_deployment", "ROLLBACK")


@pytest.mark.parametrize("code", ["ClusterNotFoundException", "ServiceNotFoundException"])
def test_without_a_release_in_progress_there_is_nothing_to_steer(code: str) -> None:
    def absent() -> dict[str, Any]:
        raise Refused(Problem("ecs", "absent"), code=code)

    for lists in ({"serviceDeployments": []}, absent):
        of = environment(ecs(lists=lists))
        assert in_progress(of, "web") == ()
        with pytest.raises(Problems, match="no release is in progress") as raised:
            take_back(of)
        assert raised.value.exit_code == 1
        assert raised.value.problems[0].where == "fairway abort production"


def test_the_way_back_waits_for_nobody() -> None:
    (stack,) = [each for each in stacks(app_of(PATCHED)) if each.name == "service-web"]
    assert HOOK in text(stack)
    assert HOOK not in at_once(text(stack))


def test_of_a_function_it_is_said_who_takes_its_steps_back() -> None:
    app = app_of('[service.web]\nasgi = "shop:app"\npublic = true\nkind = "function"\n')
    lists = {"serviceDeployments": []}
    of = replace(environment(ecs(lists=lists)), app=app)
    with pytest.raises(Problems, match=r"`fairway cancel production` takes them back"):
        take_back(of)


def test_a_hold_that_ecs_can_not_do_says_what_to_do_instead() -> None:
    problem = can_not_hold(environment(ecs()))
    assert problem.where == "fairway pause production"
    assert "only where a hook in the template says so" in problem.what
    assert "fairway abort production" in problem.mend


def test_a_deploy_tells_once_that_its_release_waits_for_somebody() -> None:
    told: list[Beat] = []
    of, seen = environment(ecs(WAITING), told), set[str]()
    for _ in range(3):
        tell_waiting(of, "web", "service web", seen)
    assert told == [
        Told(
            "service web",
            "it waits for somebody: `fairway promote production`, or `fairway abort production`",
        )
    ]


@pytest.mark.requirement("R135")
def test_a_pause_hook_comes_by_a_patch_and_is_seen() -> None:
    found = {stack.name: text(stack) for stack in stacks(app_of(PATCHED))}
    assert HOOK in found["service-web"]
    assert not any(HOOK in body for name, body in found.items() if name != "service-web")

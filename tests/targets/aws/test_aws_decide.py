"""What acting on AWS decides, by value: statuses, order, verdicts, refusals, holds, releases."""

import json
from typing import Any

import pytest

from fairway.cli.plan_layout import layout_as_rendered
from fairway.core.plan.creation import creations
from fairway.core.problem import Problems
from fairway.targets.aws.decide import hold, order, refusals, releases
from fairway.targets.aws.decide.differences import changes_of, drift_of, stack_of
from fairway.targets.aws.decide.order import Apply, Build, Files, Once, Values
from fairway.targets.aws.decide.releases import Release
from fairway.targets.aws.decide.rollout import judge, stopped
from fairway.targets.aws.decide.stack_status import has_settled, way, went_well
from fairway.targets.aws.render import choices_for, stacks
from tests.targets.aws.shapes import APPS, ENVIRONMENTS, app, app_of

WANTED, OLD = "arn:task-definition/shop-production-web:8", "arn:task-definition/shop-web:7"


# -- Statuses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, "create"),
        ("DELETE_COMPLETE", "create"),
        ("REVIEW_IN_PROGRESS", "create"),
        ("CREATE_COMPLETE", "update"),
        ("UPDATE_COMPLETE", "update"),
        ("UPDATE_ROLLBACK_COMPLETE", "update"),
        ("IMPORT_ROLLBACK_COMPLETE", "update"),
        ("ROLLBACK_COMPLETE", "remake"),
        ("ROLLBACK_FAILED", "remake"),
        ("CREATE_FAILED", "remake"),
        ("DELETE_FAILED", "remake"),
        ("CREATE_IN_PROGRESS", "wait"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "wait"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "wait"),
        ("UPDATE_ROLLBACK_FAILED", "finish-rollback"),
        ("UPDATE_FAILED", "roll-back"),
    ],
)
def test_each_status_of_a_stack_says_how_an_apply_begins(status: str | None, expected: str) -> None:
    assert way(status) == expected


def test_a_stack_in_review_waits_for_nobody() -> None:
    assert has_settled("REVIEW_IN_PROGRESS")
    assert not has_settled("DELETE_IN_PROGRESS")


def test_a_rollback_that_is_complete_is_no_success() -> None:
    assert went_well("UPDATE_COMPLETE")
    assert not went_well("UPDATE_ROLLBACK_COMPLETE")
    assert not went_well("ROLLBACK_COMPLETE")


# -- Order -------------------------------------------------------------------------------------


@pytest.mark.requirement("R140", "R141")
def test_the_image_comes_after_the_infrastructure_then_migrations_services_and_schedules() -> None:
    weather = app("weather", "production")
    told = [str(step) for step in order.steps(weather, stacks(weather))]
    expected = ["network", "data", "image", "balancer", "before", "before api", "service api"]
    expected += ["job ingest", "job statistics"]
    assert [each for each in told if each in expected] == expected
    assert told[-1] == "alarms"


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_stack_is_applied_once_and_goes_in_the_reverse_order(
    name: str, environment: str
) -> None:
    of = app(name, environment)
    rendered = stacks(of)
    applied = [step.stack for step in order.steps(of, rendered) if isinstance(step, Apply)]
    assert applied == list(rendered)
    assert order.going(rendered, with_data=True) == tuple(reversed(rendered))
    going = {each.name for each in order.going(rendered, with_data=False)}
    assert {each.name for each in rendered} - going == {"network", "data"}


def test_a_secret_that_people_must_give_is_looked_at_right_after_it_is_made() -> None:
    shop = app_of(
        '[service.web]\nasgi = "w:app"\nuses = ["KEY", "OTHER"]\n'
        "[secret.KEY]\n[secret.OTHER]\ngenerate = true\n"
    )
    steps = order.steps(shop, stacks(shop))
    place = next(number for number, step in enumerate(steps) if isinstance(step, Values))
    assert steps[place] == Values(("fairway/shop/production/secret/KEY",))
    before = steps[place - 1]
    assert isinstance(before, Apply)
    assert before.stack.name == "data"


@pytest.mark.requirement("R6")
def test_a_sites_files_follow_the_edge_that_serves_them() -> None:
    bandit = app("bandit", "production")
    steps = order.steps(bandit, stacks(bandit))
    place = steps.index(Files("page"))
    before = steps[place - 1]
    assert isinstance(before, Apply)
    assert before.stack.name == "edge-frontend"


def test_an_app_of_sites_alone_needs_no_image() -> None:
    shop = app_of('[site.page]\nroot = "site"\n')
    assert Build() not in order.steps(shop, stacks(shop))
    assert not any(isinstance(step, Once) for step in order.steps(shop, stacks(shop)))


def test_a_release_is_services_jobs_and_workflows_and_never_data() -> None:
    names = [stack.name for stack in stacks(app("insights", "production"))]
    released = [name for name in names if order.is_released(name)]
    assert "data" not in released
    assert "network" not in released
    assert "service-api" in released
    assert order.released_first(["job-a", "service-b"]) == ("service-b", "job-a")


@pytest.mark.parametrize("name", ["network", "data", "balancer", "alarms", "fairway", "ci"])
def test_what_holds_others_or_was_made_by_hand_never_goes_by_itself(name: str) -> None:
    assert not order.may_go(name)
    assert order.may_go("service-old")


# -- Verdicts ----------------------------------------------------------------------------------


def service(*deployments: dict[str, Any]) -> dict[str, Any]:
    return {"status": "ACTIVE", "deployments": list(deployments)}


def deployment(task: str = WANTED, **more: Any) -> dict[str, Any]:
    said = {"status": "PRIMARY", "taskDefinition": task, "rolloutState": "COMPLETED"}
    return {**said, "desiredCount": 2, "runningCount": 2, "pendingCount": 0, **more}


def test_a_release_is_done_when_ecs_says_so_and_its_tasks_run() -> None:
    assert judge(service(deployment()), WANTED).state == "done"
    going = judge(service(deployment(rolloutState="IN_PROGRESS", runningCount=1)), WANTED)
    assert (going.state, going.words) == ("going", "1 of 2 tasks run")
    assert judge(service(deployment(runningCount=1)), WANTED).state == "going"


def test_what_the_circuit_breaker_took_back_is_a_failure_whatever_cloudformation_says() -> None:
    back = deployment(OLD, rolloutStateReason="circuit breaker: tasks failed to start.")
    verdict = judge(service(back), WANTED)
    assert verdict.state == "failed"
    assert "ECS went back to shop-web:7: circuit breaker" in verdict.words
    failed = deployment(
        status="ACTIVE", rolloutState="FAILED", rolloutStateReason="alarm", failedTasks=3
    )
    verdict = judge(service(back, failed), WANTED)
    assert (verdict.state, verdict.words, verdict.failed_tasks) == ("failed", "alarm", 3)


def test_tasks_that_fail_while_it_goes_on_are_counted() -> None:
    going = deployment(rolloutState="IN_PROGRESS", runningCount=0, pendingCount=1, failedTasks=2)
    verdict = judge(service(going), WANTED)
    assert verdict.words == "0 of 2 tasks run, 1 start, 2 failed"
    assert verdict.failed_tasks == 2


def test_a_service_that_is_gone_is_a_failure() -> None:
    assert judge({}, WANTED).state == "failed"
    assert judge({"status": "INACTIVE", "deployments": [deployment()]}, WANTED).state == "failed"


def test_no_replicas_wanted_is_done() -> None:
    assert judge(service(deployment(desiredCount=0, runningCount=0)), WANTED).state == "done"


def test_a_task_says_why_it_ended() -> None:
    task = {
        "taskArn": "arn:task/shop-production/abc",
        "taskDefinitionArn": WANTED,
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [
            {"name": "web", "exitCode": 137, "reason": "OutOfMemoryError: killed"},
        ],
    }
    found = stopped(task)
    assert found is not None
    assert (found.task, found.container, found.definition) == ("abc", "web", WANTED)
    assert found.why == (
        "Essential container in task exited; web: exit code 137 (OutOfMemoryError: killed)"
    )


def test_an_image_that_is_not_there_is_named() -> None:
    reason = "CannotPullContainerError: shop:nosuch: not found"
    found = stopped({"stopCode": "TaskFailedToStart", "stoppedReason": reason, "containers": []})
    assert found is not None
    assert found.why == reason


@pytest.mark.parametrize(
    "task",
    [
        {"stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Scaling activity initiated"},
        {"stopCode": "UserInitiated", "stoppedReason": "by hand"},
        {"stoppedReason": "Scaling activity initiated by deployment ecs-svc/1"},
    ],
)
def test_a_task_that_a_release_or_people_ended_has_not_failed(task: dict[str, Any]) -> None:
    assert stopped(task) is None


# -- Refusals ----------------------------------------------------------------------------------


def test_a_missing_permission_is_told_with_the_smallest_policy() -> None:
    message = (
        "User: arn:aws:iam::1:user/ci is not authorized to perform: ecs:UpdateService on resource: "
        "arn:aws:ecs:eu-central-1:1:service/shop/web because no identity-based policy allows the "
        "ecs:UpdateService action"
    )
    problem = refusals.refusal(
        "AccessDeniedException", message, action="ecs:Other", region="eu-central-1"
    )
    assert problem.what == "you may not: ecs:UpdateService"
    policy = json.loads(problem.mend.splitlines()[-1])
    assert policy["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "ecs:UpdateService",
            "Resource": "arn:aws:ecs:eu-central-1:1:service/shop/web",
        }
    ]


def test_a_refusal_without_a_sentence_names_the_call_that_was_made() -> None:
    action = refusals.action_of("s3", "HeadBucket")
    problem = refusals.refusal("403", "Forbidden", action=action, region="us-east-1")
    assert problem.what == "you may not: s3:ListBucket"


def test_what_is_forbidden_on_purpose_is_not_asked_for() -> None:
    message = "is not authorized to perform: iam:CreateRole with an explicit deny in a policy"
    problem = refusals.refusal("AccessDenied", message, action="iam:CreateRole", region="x")
    assert "explicitly" in problem.what
    assert "Statement" not in problem.mend


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
def test_an_expired_session_says_how_to_sign_in_again(code: str) -> None:
    problem = refusals.refusal(code, "expired", action="sts:GetCallerIdentity", region="x")
    assert "expired" in problem.what
    assert "aws sso login" in problem.mend


def test_unknown_credentials_may_mean_a_region_that_is_off() -> None:
    problem = refusals.refusal("InvalidClientTokenId", "", action="sts:A", region="ap-east-1")
    assert "ap-east-1" in problem.what
    assert "enabled" in problem.mend


# -- Holds -------------------------------------------------------------------------------------


def test_a_hold_is_read_back_and_names_its_owner_and_age() -> None:
    own = hold.Hold(id="1", owner="arn:aws:iam::1:user/ada", verb="deploy production", since=100.0)
    assert hold.read(own.text()) == own
    problem = hold.held(own, environment="production", now=100.0 + 3700)
    assert problem.what == "arn:aws:iam::1:user/ada holds it for `deploy production`, 1h 01m now"
    assert "fairway cancel production" in problem.mend


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": 1}', "null", '{"since": "x"}'])
def test_what_is_no_hold_is_none(text: str) -> None:
    assert hold.read(text) is None


# -- Releases ----------------------------------------------------------------------------------


def of(revision: str, outcome: Any = "promoted", **more: Any) -> Release:
    return Release(revision=revision, at=1.0, by="ada", image="i", outcome=outcome, **more)


def test_a_rollback_goes_to_the_release_before_and_never_to_one_that_failed() -> None:
    known = (of("aaa"), of("bbb"), of("ccc", "rolled_back"))
    assert releases.current(known) == of("bbb")
    assert releases.before(known, None).revision == "aaa"
    assert releases.before(known, "bb").revision == "bbb"
    with pytest.raises(Problems, match="there is no release ccc"):
        releases.before(known, "ccc")


def test_without_an_earlier_release_there_is_nothing_to_go_back_to() -> None:
    with pytest.raises(Problems, match="nothing was in service before"):
        releases.before((of("aaa"), of("aaa")), None)


def test_of_what_served_only_the_last_are_kept() -> None:
    known: tuple[Release, ...] = ()
    for number in range(5):
        known = releases.appended(known, of(f"f{number}", "failed"), keep=2)
        known = releases.appended(known, of(f"r{number}"), keep=2)
    assert [each.revision for each in known] == ["r3", "f4", "r4"]


def test_the_list_is_read_back_and_nonsense_is_no_list() -> None:
    known = (of("aaa", templates={"service-web": "{}"}, values={"Image": "i"}), of("b", "failed"))
    assert releases.read(releases.text(known)) == known
    assert releases.read("nonsense") == ()
    assert releases.read('{"a": 1}') == ()


def test_a_release_is_named_by_its_templates_and_values() -> None:
    one = releases.made({"service-web": "{}"}, {"Image": "a"})
    assert one == releases.made({"service-web": "{}"}, {"Image": "a"})
    assert one != releases.made({"service-web": "{}"}, {"Image": "b"})
    assert one != releases.made({"service-web": "{ }"}, {"Image": "a"})


# -- Change sets in the app's words ------------------------------------------------------------


def change(action: str, kind: str, id_: str, **more: Any) -> dict[str, Any]:
    said = {"Action": action, "ResourceType": f"AWS::{kind}", "LogicalResourceId": id_}
    return {"Type": "Resource", "ResourceChange": {**said, **more}}


def because(source: str, name: str, entity: str = "") -> dict[str, Any]:
    return {"Target": {"Name": name}, "ChangeSource": source, "CausingEntity": entity}


def test_resources_become_the_nodes_that_they_belong_to() -> None:
    weather = app("weather", "production")
    found = changes_of(
        weather,
        "data",
        [
            change("Modify", "RDS::DBInstance", "DatabaseDb", Replacement="True",
                   Details=[because("DirectModification", "DBInstanceClass")]),
            change("Add", "S3::BucketPolicy", "BucketFilesPolicy"),
            change("Modify", "SSM::Parameter", "GiveDatabaseDbUrl"),
            change("Remove", "DynamoDB::Table", "TableGone", PolicyAction="Retain"),
        ],
    )  # fmt: skip
    assert [str(each).splitlines() for each in found] == [
        ["+ bucket files                   the file asks for it",
         "    + bucket policy BucketFilesPolicy"],
        ["- data                           the file asks for it no more",
         "    - table TableGone (it stays, and is nobody's)"],
        ["~ database db                    its keys changed",
         "    DB instance: DBInstanceClass (replaced: the new one is empty)"],
    ]  # fmt: skip


def test_another_image_is_a_cause_of_its_own() -> None:
    parts = [
        change("Modify", "ECS::TaskDefinition", "ServiceTask", Replacement="True",
               Details=[because("ParameterReference", "ContainerDefinitions", "Image")]),
        change("Modify", "ECS::Service", "Service",
               Details=[because("ResourceReference", "TaskDefinition", "ServiceTask")]),
    ]  # fmt: skip
    (found,) = changes_of(app("weather", "production"), "service-api", parts)
    assert (found.sign, found.kind, found.node, found.cause) == (
        "~", "service", "api", "another image",
    )  # fmt: skip
    assert found.details == (
        "task definition: ContainerDefinitions (replaced)",
        "service: TaskDefinition",
    )


def test_weights_and_counts_are_no_drift() -> None:
    def drift(kind: str, path: str) -> dict[str, Any]:
        return {
            "LogicalResourceId": "It",
            "ResourceType": f"AWS::{kind}",
            "StackResourceDriftStatus": "MODIFIED",
            "PropertyDifferences": [
                {"PropertyPath": path, "ExpectedValue": "1", "ActualValue": "2"}
            ],
        }

    weather = app("weather", "production")
    rule = "ElasticLoadBalancingV2::ListenerRule"
    nothing = [
        drift(rule, "/Actions/0/Weight"),
        drift("ECS::Service", "/DesiredCount"),
        drift("Lambda::Alias", "/RoutingConfig/AdditionalVersionWeights/0/FunctionWeight"),
    ]
    assert drift_of(weather, "service-api", nothing) == ()
    (found,) = drift_of(weather, "service-api", [drift(rule, "/Priority")])
    assert found.details == ("listener rule Priority: 1 → 2",)
    gone = {**drift("SQS::Queue", ""), "StackResourceDriftStatus": "DELETED"}
    (found,) = drift_of(weather, "job-ingest", [gone])
    assert found.details == ("queue It: deleted",)


@pytest.mark.parametrize("name", APPS)
def test_every_node_of_a_plan_stands_in_a_stack_that_is_rendered(name: str) -> None:
    of_app = app(name, "production")
    choices = choices_for(of_app)
    rendered = stacks(of_app, choices)
    named = {stack.name for stack in rendered}
    found = creations(of_app, layout_as_rendered(of_app, choices, rendered))
    # A firewall stands where what it guards is; streams and models are not rendered, and said so.
    placed = {
        stack_of(of_app, each.kind, each.name)
        for each in found
        if each.kind not in {"firewall", "stream", "model"}
    }
    assert placed <= named

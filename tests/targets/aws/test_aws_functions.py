"""Services that run as functions: what is rendered, what is refused, what is said of a release."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from fairway.cli.aws_status import of_service
from fairway.core.build.images import images
from fairway.core.cost.assumptions import Assumptions
from fairway.core.detect.sources import Sources
from fairway.core.problem import Problem, Problems
from fairway.targets.aws.account import Refused
from fairway.targets.aws.decide.functions import (
    asked,
    is_settled,
    judge_answer,
    judge_state,
    tail,
)
from fairway.targets.aws.decide.held import held_seconds
from fairway.targets.aws.decide.order import secrets_read
from fairway.targets.aws.decide.releases import at_once
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.functions import answered, room_to_renew, see_room, standing
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import choices_for, stacks
from fairway.targets.aws.render.gateway import LINE
from fairway.targets.aws.render.limits import limits
from fairway.targets.aws.runs import execute
from fairway.targets.aws.scaling import scale
from tests.targets.aws.functions import broken, ready
from tests.targets.aws.shapes import app, app_of, resources, templates
from tests.targets.aws.test_aws_reach import edges
from tests.targets.aws.test_aws_running import Api, FakeAccount, Time

API = '[service.api]\nasgi = "m:app"\npublic = true\nkind = "function"\n'
SHOP = f"""
{API}uses = ["db", "KEY", "files"]
scale = {{ requests = 50 }}
replicas = "1..4"
memory = "1 GiB"
[service.web]
asgi = "w:app"
public = true
uses = ["api"]
[site.page]
root = "site"
calls = ["api"]
[database.db]
[bucket.files]
[secret.KEY]
[alarm]
notify = ["mailto:a@example.org"]
"""
CODE = Sources("shop", {"requirements.txt": "fastapi"}, frozenset())


def service(text: str = SHOP, name: str = "api") -> dict[str, dict[str, Any]]:
    """The resources of a service's stack."""
    found: dict[str, dict[str, Any]] = templates(app_of(text))[f"service-{name}.json"]["Resources"]
    return found


def properties(text: str = SHOP, id_: str = "Function") -> dict[str, Any]:
    found: dict[str, Any] = service(text)[id_]["Properties"]
    return found


def variables(text: str = SHOP) -> dict[str, Any]:
    found: dict[str, Any] = properties(text)["Environment"]["Variables"]
    return found


# -- The function ------------------------------------------------------------------------------


@pytest.mark.validated("R24", "R55")
def test_a_function_runs_the_app_s_own_image_and_command() -> None:
    said = properties()
    task = service(name="web")["ServiceTask"]["Properties"]["ContainerDefinitions"][0]
    assert said["PackageType"] == "Image"
    assert said["Code"] == {"ImageUri": {"Ref": "Image"}}
    assert task["Image"] == {"Ref": "Image"}
    assert said["ImageConfig"]["Command"][:2] == ["fairway-runtime", "run"]
    assert said["ImageConfig"]["WorkingDirectory"] == task["WorkingDirectory"] == "/app"
    assert "ECS" not in " ".join(each["Type"] for each in service().values())


@pytest.mark.validated("R24", "R55")
def test_the_adapter_is_in_an_image_that_runs_as_a_function_and_in_no_other() -> None:
    from fairway.core.build.dockerfile import dockerfile

    def last(text: str) -> str:
        (one,) = images(app_of(text), CODE, 8000)
        return dockerfile(one, runtime_version="1").rpartition("\nFROM ")[2]

    line = "COPY --from=public.ecr.aws/awsguru/aws-lambda-adapter:"
    assert line in last(API)
    assert "/opt/extensions/lambda-adapter" in last(API)
    assert line not in last(API.replace("function", "container"))


@pytest.mark.validated("R24")
def test_the_adapter_asks_the_port_and_the_probe_of_the_app() -> None:
    found = variables(SHOP.replace('kind = "function"', 'kind = "function"\nport = 9000'))
    assert found["PORT"] == found["AWS_LWA_PORT"] == "9000"
    assert found["AWS_LWA_READINESS_CHECK_PATH"] == "/ready"
    assert found["AWS_LWA_INVOKE_MODE"] == "buffered"
    assert found["HOST"] == "127.0.0.1"
    assert "FAIRWAY_TRUSTED_PROXIES" not in found  # the adapter is on this side: the default


@pytest.mark.validated("R24", "R235")
def test_the_app_answers_too_late_itself_before_lambda_and_the_gateway_give_up() -> None:
    assert variables()["FAIRWAY_REQUEST_SECONDS"] == "29"
    assert properties()["Timeout"] == 30
    assert properties(id_="Integration")["TimeoutInMillis"] == 30_000
    short = API + "timeouts.request = '9s'"
    assert (variables(short)["FAIRWAY_REQUEST_SECONDS"], properties(short)["Timeout"]) == ("9", 10)


@pytest.mark.validated("R72", "R203")
def test_no_secret_stands_in_a_function_s_configuration_but_where_it_is() -> None:
    found = variables()
    assert "DATABASE_URL" not in found
    assert "KEY" not in found
    names = [pair["Fn::Join"][1][0] for pair in found["FAIRWAY_SECRETS"]["Fn::Join"][1]]
    assert names == ["DATABASE_URL", "KEY"]
    assert "resolve:" not in json.dumps(service())
    stack = next(each for each in stacks(app_of(SHOP)) if each.name == "service-api")
    assert [path.rpartition("production/")[2] for path in secrets_read(stack)] == [
        "database/db/url",
        "secret/KEY",
    ]


@pytest.mark.validated("R203")
def test_a_function_may_do_what_its_edges_need_and_its_code_may_not_touch_the_network() -> None:
    (policy,) = properties(id_="ServiceRole")["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    by_action = {action: each for each in statements for action in each["Action"]}
    assert by_action["secretsmanager:GetSecretValue"]["Resource"] == [
        {"Ref": "TakeDatabaseDbUrl"},
        {"Ref": "TakeSecretKEY"},
    ]
    assert "TakeBucketFiles" in str(by_action["s3:GetObject"])
    assert by_action["ec2:CreateNetworkInterface"]["Effect"] == "Deny"  # the last of the two
    denied = [each for each in statements if each["Effect"] == "Deny"]
    assert list(denied[0]["Condition"]["ArnEquals"]) == ["lambda:SourceFunctionArn"]
    plain = str(service(API)["ServiceRole"])
    assert "s3:" not in plain
    assert "secretsmanager" not in plain


@pytest.mark.validated("R200", "R202")
def test_a_function_reaches_what_it_uses_and_nobody_reaches_it_inside() -> None:
    found = edges(app_of(SHOP))
    assert ("service/api/group", "database/db/group", 5432) in found
    assert not [edge for edge in found if edge[1] == "service/api/group"]
    network = properties()["VpcConfig"]
    assert network["SubnetIds"] == {"Ref": "TakeServicesSubnets"}


def test_who_uses_a_function_asks_it_by_its_public_name() -> None:
    task = service(name="web")["ServiceTask"]["Properties"]["ContainerDefinitions"][0]
    (url,) = [each["Value"] for each in task["Environment"] if each["Name"] == "API_URL"]
    assert url == {"Fn::Sub": "https://api.${TakeDomain}"}


@pytest.mark.validated("R24")
def test_no_more_copies_run_than_the_file_has_replicas() -> None:
    assert properties()["ReservedConcurrentExecutions"] == 4
    assert properties()["MemorySize"] == 1024


@pytest.mark.validated("R163", "R164")
def test_a_function_and_its_gateway_write_to_groups_that_forget() -> None:
    kept = {
        name.rpartition("production/")[2]: said["RetentionInDays"]
        for each, said in resources(app_of(SHOP), "AWS::Logs::LogGroup").items()
        if each.startswith("service-api") and (name := said["LogGroupName"])
    }
    assert kept == {"api": 90, "api/gateway": 90}
    assert properties()["LoggingConfig"]["LogFormat"] == "JSON"
    line = json.loads(properties(id_="Stage")["AccessLogSettings"]["Format"])
    assert {"status", "path", "ip", "milliseconds"} <= set(line)


# -- Its versions ------------------------------------------------------------------------------


def described(text: str) -> str:
    said: str = properties(text, "Version")["Description"]["Fn::Sub"][0]
    return said


def test_a_version_is_published_for_another_image_or_configuration_and_for_nothing_else() -> None:
    version = service()["Version"]
    assert version["Properties"]["Description"]["Fn::Sub"][1] == {"Of": {"Ref": "Image"}}
    assert described(SHOP) == described(SHOP)
    assert described(SHOP) != described(SHOP.replace("1 GiB", "2 GiB"))
    digest = described(SHOP).removeprefix("${Of} ")
    assert digest in properties()["Description"]  # the function is never the same then
    # Lambda publishes nothing where the function itself is the same.
    assert described(SHOP) == described(SHOP.replace("1..4", "1..5"))
    assert described(SHOP) == described(SHOP.replace("requests = 50", "requests = 60"))


@pytest.mark.validated("R24")
def test_people_reach_the_version_that_live_names() -> None:
    found = service()
    assert found["Alias"]["Properties"] == {
        "FunctionName": {"Ref": "Function"},
        "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
        "Name": "live",
    }
    assert found["Integration"]["Properties"]["IntegrationUri"] == {"Ref": "Alias"}
    assert found["Permission"]["Properties"]["FunctionName"] == {"Ref": "Alias"}
    assert found["Version"]["UpdateReplacePolicy"] == "Retain"
    assert found["Version"]["DeletionPolicy"] == "Delete"


def test_a_line_of_the_gateway_is_about_as_long_as_the_estimate_assumes() -> None:
    """Names of 30 characters and times of three digits: what is usual, not what is possible."""
    usual = {
        "bytes": "20480",
        "error": "-",
        "ip": "203.0.113.107",
        "method": "GET",
        "milliseconds": "112",
        "path": "/api/items/of/the/shop/and/more",
        "request": "JKJaXmPLvHcESHA=",
        "status": "200",
        "time": "21/Nov/2026:12:00:00 +0000",
    }
    assert usual.keys() == LINE.keys()
    length = len(json.dumps(usual, sort_keys=True))
    assert 0.6 < length / (Assumptions().gateway_kb * 1000) <= 1


# -- Its gateway -------------------------------------------------------------------------------


@pytest.mark.validated("R18", "R24")
def test_a_public_function_has_a_gateway_with_a_name_of_its_own_and_no_other_way_in() -> None:
    found = service()
    assert found["Api"]["Properties"]["DisableExecuteApiEndpoint"] is True
    assert found["Name"]["Properties"]["DomainName"] == {"Fn::Sub": "api.${TakeDomain}"}
    assert found["Record"]["Properties"]["Name"] == {"Fn::Sub": "api.${TakeDomain}"}
    alone = templates(app_of(API))["balancer.json"]["Resources"]
    kinds = {each["Type"] for each in alone.values()}
    assert "AWS::ElasticLoadBalancingV2::LoadBalancer" not in kinds
    assert "AWS::CertificateManager::Certificate" in kinds


@pytest.mark.validated("R7")
def test_the_gateway_answers_what_browsers_ask_before_a_site_calls_it() -> None:
    cors = properties(id_="Api")["CorsConfiguration"]
    assert cors["AllowOrigins"] == [{"Fn::Sub": "https://${TakeDomain}"}]
    assert "CorsConfiguration" not in properties(API, "Api")
    listener = resources(app_of(SHOP), "AWS::ElasticLoadBalancingV2::Listener")
    assert "access_control" not in str(listener)  # nobody calls what is behind the balancer


def test_the_gateway_lets_through_what_all_copies_serve() -> None:
    settings = properties(id_="Stage")["DefaultRouteSettings"]
    assert settings["ThrottlingRateLimit"] == settings["ThrottlingBurstLimit"] == 200
    assert "ThrottlingRateLimit" not in properties(API, "Stage")["DefaultRouteSettings"]
    many = properties(SHOP.replace("requests = 50", "requests = 5000"), "Stage")
    assert many["DefaultRouteSettings"]["ThrottlingRateLimit"] == 20_000
    assert many["DefaultRouteSettings"]["ThrottlingBurstLimit"] == 5_000


def test_behind_the_cdn_a_gateway_answers_at_the_name_that_the_cdn_asks() -> None:
    found = service(API + 'cache = { "/a/*" = "60s" }')
    assert found["Origin"]["Properties"]["DomainName"] == {"Fn::Sub": "origin-api.${TakeDomain}"}
    assert found["Name"]["Properties"]["DomainName"] == {"Fn::Sub": "${TakeDomain}"}
    assert found["Record"]["Properties"]["Name"] == {"Fn::Sub": "origin-api.${TakeDomain}"}


@pytest.mark.validated("R29")
def test_a_function_that_is_not_public_has_no_gateway() -> None:
    kinds = {each["Type"] for each in service(API.replace("public = true\n", "")).values()}
    assert "AWS::Lambda::Alias" in kinds
    assert not [kind for kind in kinds if kind.startswith("AWS::ApiGatewayV2")]


# -- What is watched ---------------------------------------------------------------------------


@pytest.mark.validated("R189", "R190")
def test_people_are_told_of_errors_slowness_and_refusals() -> None:
    alarms = {
        key: said["Properties"]
        for key, said in service().items()
        if said["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert set(alarms) == {"ErrorsAlarm", "SlowAlarm", "ThrottledAlarm"}
    assert "AWS/ApiGateway" in str(alarms["ErrorsAlarm"])
    assert alarms["SlowAlarm"]["Metrics"][0]["Expression"] == "FILL(p,0)/1000"
    private = API.replace("public = true\n", "") + '[alarm]\nnotify = "mailto:a@example.org"\n'
    assert "AWS/ApiGateway" not in str(service(private)["ErrorsAlarm"])


@pytest.mark.validated("R167")
def test_the_dashboard_shows_a_function_by_its_gateway_and_its_copies() -> None:
    (board,) = resources(app_of(SHOP), "AWS::CloudWatch::Dashboard").values()
    text = str(board["DashboardBody"])
    assert "ConcurrentExecutions" in text
    assert "${TakeServiceApiApi}" in text


# -- What is refused, and what is said ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (API + "memory = '100 MiB'", "service.api.memory"),
        (API + "memory = '11 GiB'", "service.api.memory"),
        (API + "timeouts.request = '45s'", "service.api.timeouts.request"),
        (API.replace("public = true", "timeouts.request = '20m'"), "service.api.timeouts.request"),
        (API + "port = 9001", "service.api.port"),
        (API + "replicas = '1..1000'", "service.api.replicas"),
        (API + "variables = { AWS_LAMBDA_X = '1' }", "service.api.variables.AWS_LAMBDA_X"),
        (API + f"variables = {{ LONG = '{'x' * 3000}' }}", "service.api.variables"),
        (API.replace('asgi = "m:app"', 'script = "a.py"'), "service.api.script"),
        (
            API.replace('asgi = "m:app"', 'command = "serve"\nuses = ["db"]') + "[database.db]",
            "service.api.command",
        ),
        (
            API.replace("public = true", "") + '[service.b]\nasgi = "b:b"\nuses = ["api"]',
            "service.api.public",
        ),
        (
            API.replace("public = true", "") + '[worker.b]\ncommand = "b"\nuses = ["api"]',
            "service.api.public",
        ),
    ],
)
def test_what_lambda_or_its_gateway_would_refuse_is_a_problem_before(text: str, where: str) -> None:
    of = app_of(text)
    assert [each.where for each in limits(of, choices_for(of))] == [where]


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("", "service.api.replicas"),
        ("", "service.api.cpu"),
        ("", "service.api.timeouts.request"),
        ("", "service.api.limits.body"),
        ("", "service.api.limits.per_ip"),
        ("", "service.api"),
        ("sticky = true", "service.api.sticky"),
        ('release = "blue_green"', "service.api.release"),
        ("firewall = true", "service.api.firewall"),
        ('scale = { cpu = "60%" }', "service.api.scale"),
        ('off_hours = { replicas = 1, from = "22:00", to = "05:00" }', "service.api.off_hours"),
        ('test = "python smoke.py"', "service.api.test"),
        ('uses = ["inside"]\n[service.inside]\nasgi = "i:app"', "service.api.uses"),
    ],
)
def test_what_a_function_does_otherwise_is_said(line: str, where: str) -> None:
    found = [gap.where for gap in gaps(app_of(API + line))]
    assert where in found
    assert "service.api.kind" not in found  # it is one, and priced as one


# -- How traffic moves to a new version ----------------------------------------------------------


def stepped(*steps: str) -> dict[str, dict[str, Any]]:
    """The resources of a public function that is released by these steps."""
    return service(f"{API}release = {{ canary = {json.dumps(steps)} }}")


@pytest.mark.validated("R151", "R153")
@pytest.mark.parametrize(
    ("steps", "routing"),
    [
        (
            ["10% for 15m"],
            {
                "TimeBasedCanary": {"CanaryInterval": 15, "CanaryPercentage": 10},
                "Type": "TimeBasedCanary",
            },
        ),
        (
            ["25% for 5m", "50% for 5m", "75% for 5m"],
            {
                "TimeBasedLinear": {"LinearInterval": 5, "LinearPercentage": 25},
                "Type": "TimeBasedLinear",
            },
        ),
        (
            ["10% for 15m", "50% for 5m"],
            {
                "TimeBasedCanary": {"CanaryInterval": 15, "CanaryPercentage": 10},
                "Type": "TimeBasedCanary",
            },
        ),
    ],
)
def test_codedeploy_moves_the_traffic_of_a_canary_and_the_alias_asks_it_to(
    steps: list[str], routing: dict[str, Any]
) -> None:
    found = stepped(*steps)
    assert found["ReleaseSteps"]["Properties"]["TrafficRoutingConfig"] == routing
    assert found["Alias"]["UpdatePolicy"] == {
        "CodeDeployLambdaAliasUpdate": {
            "ApplicationName": {"Ref": "ReleaseApplication"},
            "DeploymentGroupName": {"Ref": "ReleaseGroup"},
        }
    }
    group = found["ReleaseGroup"]["Properties"]
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    alarms = [each["Name"]["Ref"] for each in group["AlarmConfiguration"]["Alarms"]]
    # They look at the new version before traffic moves.
    assert sorted(alarms) == found["Alias"]["DependsOn"]


@pytest.mark.validated("R151", "R160")
def test_the_new_version_is_judged_by_itself_and_by_what_the_app_answered() -> None:
    found = stepped("10% for 15m")
    version = {"Fn::GetAtt": ["Version", "Version"]}
    for id_ in ("ReleaseErrorsAlarm", "ReleaseSlowAlarm"):
        stats = [each["MetricStat"] for each in found[id_]["Properties"]["Metrics"][1:]]
        for each in stats:
            values = [one["Value"] for one in each["Metric"]["Dimensions"]]
            assert version in values
    filtered = found["VersionFailedFilter"]["Properties"]["MetricTransformations"][0]
    assert filtered["Dimensions"] == [{"Key": "Version", "Value": "$.version"}]
    names = str(found["ReleaseErrorsAlarm"])
    assert filtered["MetricName"] in names


@pytest.mark.parametrize(
    ("kind", "steps", "minutes"),
    [
        ("function", ["10% for 4h"], 240),
        ("function", ["25% for 5m", "50% for 5m", "75% for 5m"], 20),
        ("container", ["10% for 4h"], 240 + 10),  # and what ECS bakes after it
        ("container", ["25% for 5m", "50% for 5m", "75% for 5m"], 20 + 10),
        ("container", None, 0),
    ],
)
def test_who_waits_for_a_release_waits_as_long_as_its_steps_take(
    kind: str, steps: list[str] | None, minutes: int
) -> None:
    release = "" if steps is None else f"release = {{ canary = {json.dumps(steps)} }}\n"
    of = app_of(f'[service.api]\nasgi = "m:app"\npublic = true\nkind = "{kind}"\n{release}')
    held = {each.name: held_seconds(each) for each in stacks(of, choices_for(of))}
    assert held.pop("service-api") == 60 * minutes
    assert set(held.values()) == {0.0}


def test_codedeploy_may_move_this_alias_and_look_at_alarms_and_nothing_else() -> None:
    (only,) = stepped("10% for 15m")["ReleaseRole"]["Properties"]["Policies"]
    moves, looks = only["PolicyDocument"]["Statement"]
    assert "lambda:UpdateAlias" in moves["Action"]
    assert all("function:shop-production-api" in str(each) for each in moves["Resource"])
    assert looks["Action"] == ["cloudwatch:DescribeAlarms"]


def test_without_steps_a_function_has_no_part_of_codedeploy() -> None:
    found = service(API)
    assert "UpdatePolicy" not in found["Alias"]
    assert not [each for each in found.values() if "CodeDeploy" in each["Type"]]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (["10% for 15m"], "below 10 requests a minute it passes"),
        (["10% for 15m", "50% for 5m"], "CodeDeploy knows one step: 10% for 15 min, then all"),
        (["2.5% for 15m"], "CodeDeploy knows whole percents: 2 for 2.5"),
    ],
)
def test_what_codedeploy_does_otherwise_is_said(steps: list[str], said: str) -> None:
    text = f"{API}release = {{ canary = {json.dumps(steps)} }}"
    found = [gap.what for gap in gaps(app_of(text)) if gap.where == "service.api.release.canary"]
    assert [each for each in found if said in each]


def test_steps_that_take_longer_than_cloudformation_waits_are_a_problem_before() -> None:
    of = app_of(f"{API}release = {{ canary = ['10% for 34h'] }}")
    assert [each.where for each in limits(of, choices_for(of))] == [
        "service.api.release.canary"
    ] * 2


def test_the_way_back_has_no_steps() -> None:
    found = json.dumps({"Resources": stepped("10% for 15m")})
    back = json.loads(at_once(found))["Resources"]
    assert "UpdatePolicy" not in back["Alias"]
    assert back["Alias"]["Properties"] == json.loads(found)["Resources"]["Alias"]["Properties"]
    plain = json.dumps({"Resources": service(API)})
    assert at_once(plain) == plain


@pytest.mark.parametrize(
    ("release", "way"),
    [
        ('"blue_green"', {"BakeTimeInMinutes": 0, "Strategy": "BLUE_GREEN"}),
        (
            '{ canary = ["10% for 15m"] }',
            {
                "BakeTimeInMinutes": 0,
                "CanaryConfiguration": {"CanaryBakeTimeInMinutes": 0, "CanaryPercent": 10.0},
                "Strategy": "CANARY",
            },
        ),
        (
            '{ canary = ["25% for 5m", "50% for 5m", "75% for 5m"] }',
            {
                "BakeTimeInMinutes": 0,
                "LinearConfiguration": {"StepBakeTimeInMinutes": 0, "StepPercent": 25.0},
                "Strategy": "LINEAR",
            },
        ),
    ],
)
def test_the_way_back_of_a_container_is_held_nowhere(release: str, way: dict[str, Any]) -> None:
    web = f'[service.web]\nasgi = "w:app"\npublic = true\nreplicas = 2\nrelease = {release}\n'
    found = json.dumps({"Resources": service(web, "web")})
    said = json.loads(at_once(found))["Resources"]["Service"]["Properties"]
    assert way.items() <= said["DeploymentConfiguration"].items()
    rolling = json.dumps({"Resources": service(web.replace(f"release = {release}", ""), "web")})
    assert at_once(rolling) == rolling


# -- Whether it answers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "payload", "state", "words"),
    [
        (None, b'{"statusCode": 200}', "done", "version 7 answers /ready"),
        (
            None,
            b'{"statusCode": 503, "body": "db is away"}',
            "failed",
            "version 7 answers 503 to /ready: db is away",
        ),
        (
            "Unhandled",
            b'{"errorMessage": "Task timed out"}',
            "failed",
            "version 7 failed: Task timed out",
        ),
        ("Unhandled", b"", "failed", "version 7 failed: Unhandled"),
        (None, b'"hello"', "failed", "version 7 answers nothing that is HTTP to /ready"),
    ],
)
def test_a_version_is_in_service_when_it_answers_its_probe(
    error: str | None, payload: bytes, state: str, words: str
) -> None:
    verdict = judge_answer("7", "/ready", error, payload)
    assert (verdict.state, verdict.words) == (state, words)


def test_what_lambda_could_not_start_is_a_failure_with_its_reason() -> None:
    assert judge_state({"State": "Active", "LastUpdateStatus": "Successful"}) is None
    verdict = judge_state({"State": "Failed", "StateReason": "the image is not there"})
    assert verdict is not None
    assert verdict.words == "Lambda could not start it: the image is not there"
    assert not is_settled({"State": "Pending"})
    assert not is_settled({"State": "Active", "LastUpdateStatus": "InProgress"})


def test_it_is_asked_as_the_gateway_would_ask_it() -> None:
    event = json.loads(asked("/ready"))
    assert event["version"] == "2.0"
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/ready"


def test_of_a_run_s_log_the_last_lines_are_told() -> None:
    assert tail("START\n\n  Traceback\nEND\n") == ("START", "  Traceback", "END")


def place(told: list[Any], **answers: Any) -> Environment:
    settled = iter([{"State": "Pending"}, {"State": "Active", "Version": "7"}])
    api = Api(get_function_configuration=lambda: next(settled), **answers)
    account = FakeAccount(**{"lambda": api})
    return Environment(account, app_of(API), (), Time().clock, told.append)


def test_a_function_is_asked_once_lambda_is_through_with_it() -> None:
    told: list[Any] = []
    verdict = answered(place(told, invoke=ready), "shop-production-api", "/ready", "service api")
    assert verdict.state == "done"
    assert told == []


def test_a_function_that_fails_is_told_with_its_last_lines() -> None:
    told: list[Any] = []
    log = {"LogResult": "S2V5RXJyb3I6ICdLRVknCg=="}  # KeyError: 'KEY'
    of = place(told, invoke=lambda: {**broken(), **log})
    verdict = answered(of, "shop-production-api", "/ready", "service api")
    assert verdict.state == "failed"
    (beat,) = told
    assert beat.text.splitlines()[-1] == "KeyError: 'KEY'"


@pytest.mark.parametrize(
    "act",
    [
        lambda of: scale(of, "api", 3),
        lambda of: execute(of, "api", ["python"], print),
    ],
)
def test_what_a_function_cannot_do_is_refused_with_a_way_to_do_it(
    act: Callable[[Environment], object],
) -> None:
    of = Environment(FakeAccount(), app_of(API), ())
    with pytest.raises(Problems, match="api is a function"):
        act(of)


@pytest.mark.parametrize(
    ("limit", "held", "left"),
    [
        ((1000, 1000), 0, None),
        ((1000, 104), 0, None),
        ((1000, 103), 0, 3),
        ((10, 10), 0, 0),  # a new account's first quota
        ((1000, 100), 4, None),  # kept for it already
    ],
)
def test_an_account_without_room_for_the_copies_is_told_before_anything_changes(
    limit: tuple[int, int], held: int, left: int | None
) -> None:
    api = Api(
        get_account_settings={
            "AccountLimit": {
                "ConcurrentExecutions": limit[0],
                "UnreservedConcurrentExecutions": limit[1],
            }
        },
        get_function_concurrency={"ReservedConcurrentExecutions": held} if held else {},
    )
    of = Environment(FakeAccount(**{"lambda": api}), app_of(API + "replicas = '1..4'"), ())
    if left is None:
        see_room(of)
        return
    with pytest.raises(Problems, match=f"this account has {left} left"):
        see_room(of)


@pytest.mark.parametrize(
    ("limit", "held", "beside", "is_reserved"),
    [
        ((1000, 1000), 0, "", "true"),
        ((1000, 104), 0, f'{API}replicas = "1..4"\n', "false"),  # what is left is for the app's own
        ((1000, 105), 0, f'{API}replicas = "1..4"\n', "true"),
        ((10, 10), 0, "", "false"),  # a new account's first quota: no reason to refuse
        ((1000, 100), 1, "", "true"),  # it has one already
    ],
)
def test_what_renews_secrets_has_a_copy_of_its_own_where_the_account_has_one_to_give(
    limit: tuple[int, int], held: int, beside: str, is_reserved: str
) -> None:
    api = Api(
        get_account_settings={
            "AccountLimit": {
                "ConcurrentExecutions": limit[0],
                "UnreservedConcurrentExecutions": limit[1],
            }
        },
        get_function_concurrency={"ReservedConcurrentExecutions": held} if held else {},
    )
    text = f'{beside}[secret.KEY]\nrotate = "90d"\n'
    of = Environment(FakeAccount(**{"lambda": api}), app_of(text), ())
    assert room_to_renew(of) == {"RenewalReserved": is_reserved}
    assert ("get_function_concurrency", {"FunctionName": "shop-production-rotation"}) in api.asked


def test_without_a_secret_that_is_renewed_nothing_is_asked_about_it() -> None:
    assert room_to_renew(Environment(FakeAccount(), app_of(API), ())) == {}


@pytest.mark.validated("R74", "R196")
def test_what_renews_secrets_stands_in_the_network_and_speaks_to_aws_alone() -> None:
    found = templates(app_of('[secret.KEY]\nrotate = "90d"\n'))["renewal.json"]
    said = found["Resources"]["RotationFunction"]["Properties"]
    assert said["VpcConfig"] == {
        "SecurityGroupIds": [{"Fn::GetAtt": ["RotationGroup", "GroupId"]}],
        "SubnetIds": {"Ref": "TakeServicesSubnets"},
    }
    (way,) = found["Resources"]["RotationGroup"]["Properties"]["SecurityGroupEgress"]
    assert (way["IpProtocol"], way["FromPort"], way["ToPort"]) == ("tcp", 443, 443)
    assert "SecurityGroupIngress" not in found["Resources"]["RotationGroup"]["Properties"]
    reserved = said["ReservedConcurrentExecutions"]
    assert reserved == {"Fn::If": ["IsRenewalReserved", 1, {"Ref": "AWS::NoValue"}]}
    assert found["Parameters"]["RenewalReserved"]["Default"] == "true"


@pytest.mark.requirement("R151")
def test_a_release_by_steps_that_goes_on_is_told_with_the_share_of_the_new_version() -> None:
    api = Api(
        get_function_configuration={"State": "Active", "Version": "7"},
        get_function_concurrency={"ReservedConcurrentExecutions": 4},
        get_alias={"RoutingConfig": {"AdditionalVersionWeights": {"8": 0.1}}},
    )
    found = standing(Environment(FakeAccount(**{"lambda": api}), app_of(API), ()), "api")
    assert found.release == "going"
    assert found.words == "version 8 answers 10%; at most 4 copies when it is asked"


def test_a_function_that_is_not_there_is_told_as_one_and_counts_no_tasks() -> None:
    def missing() -> dict[str, Any]:
        raise Refused(Problem("AWS", "no"), code="ResourceNotFoundException")

    api = Api(get_function_configuration=missing)
    of = Environment(FakeAccount(**{"lambda": api}), app_of(API), ())
    (line,) = of_service(standing(of, "api"), now=0.0)
    assert line == "○ api    it is not there"


@pytest.mark.validated("R24")
def test_the_insights_api_is_a_function() -> None:
    functions = resources(app("insights", "production"), "AWS::Lambda::Function")
    assert [key for key in functions if key.startswith("service-")] == ["service-api.json/Function"]

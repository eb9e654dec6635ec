"""What is rendered of the renewal of secrets: when, by what, who is started anew, what is not."""

import json
from typing import Any

import pytest

from fairway.core.cost.layout import layout_of
from fairway.core.detect.own_names import address
from fairway.core.plan.creation import creations
from fairway.targets.aws.decide.order import may_go
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import choices_for, postgres
from fairway.targets.aws.render.limits import limits
from fairway.targets.aws.render.renewal import code
from fairway.targets.aws.renewal import logins
from tests.targets.aws.shapes import app, app_of, resources, templates

SHOP = """
[service.api]
asgi = "m:app"
uses = ["db", "KEY"]
[service.steps]
asgi = "s:app"
kind = "function"
public = true
uses = ["db", "KEY"]
[service.other]
asgi = "o:app"
[worker.mails]
command = "mails"
uses = ["db"]
[job.nightly]
command = "night"
uses = ["db"]
[database.db]
[secret.KEY]
rotate = "30d"
[alarm]
notify = ["mailto:a@example.org"]
"""
SCHEDULE = "AWS::SecretsManager::RotationSchedule"


def renewal(text: str = SHOP) -> dict[str, Any]:
    found: dict[str, Any] = templates(app_of(text))["renewal.json"]["Resources"]
    return found


@pytest.mark.validated("R74", "R75")
def test_secrets_and_passwords_are_renewed_every_ninety_days_and_a_failure_is_told() -> None:
    planner = app("planner", "production")
    assert len(planner.databases) == len(planner.secrets) == 1
    schedules = resources(planner, SCHEDULE).values()
    assert [each["RotationRules"] for each in schedules] == [{"AutomaticallyAfterDays": 90}] * 2
    assert resources(app_of("[database.db]"), SCHEDULE), "without a word in the file"
    alarms = resources(planner, "AWS::CloudWatch::Alarm")
    assert alarms["alarms.json/RotationAlarm"]["AlarmActions"]


def test_the_code_calls_the_owner_as_the_template_does() -> None:
    assert logins.OWNER == postgres.USER


@pytest.mark.parametrize("kind", ["", "serverless = true"])
def test_a_database_s_login_is_renewed_as_often_as_the_file_says_and_at_once(kind: str) -> None:
    found = resources(app_of(f"[database.db]\nrotate = '36h'\n{kind}"), SCHEDULE)
    said = found["renewal.json/DatabaseDbLoginRotation"]
    assert said["RotationRules"] == {"AutomaticallyAfterDays": 2}
    assert said["RotateImmediatelyOnUpdate"] is True
    assert said["SecretId"] == {"Ref": "TakeDatabaseDbLogin"}


@pytest.mark.validated("R72", "R74")
def test_an_address_holds_the_current_login_and_only_the_server_the_owner_s_password() -> None:
    data = templates(app_of(SHOP))["data.json"]["Resources"]
    said = data["DatabaseDbLogin"]["Properties"]["SecretString"]["Fn::Sub"]
    inside = "{{resolve:secretsmanager:${DatabaseDbPassword}:SecretString:password}}"
    assert json.loads(said) == {"username": "app", "password": inside}
    url = data["DatabaseDbUrl"]["Properties"]["SecretString"]["Fn::Sub"][0]
    parts = [
        f"{{{{resolve:secretsmanager:${{DatabaseDbLogin}}:SecretString:{key}}}}}"
        for key in ("username", "password")
    ]
    assert url == f"postgresql://{':'.join(parts)}@${{Host}}:5432/shop_db?sslmode=require"
    assert data["DatabaseDb"]["Properties"]["MasterUserPassword"] == {"Fn::Sub": inside}
    for path, template in templates(app_of(SHOP)).items():
        taken = "TakeDatabaseDbPassword" in template.get("Parameters", {})
        assert taken == (path == "renewal.json"), path


@pytest.mark.validated("R74", "R203")
def test_who_reads_what_is_renewed_is_started_anew_and_nobody_else() -> None:
    found = renewal()
    told = settings(found)
    assert told["cluster"] == "shop-production"
    assert told["secrets"] == {
        "${TakeSecretKEY}": {"services": ["api"]},
        "${TakeDatabaseDbLogin}": {
            "owner": "${TakeDatabaseDbPassword}",
            "services": ["api", "mails"],
            "url": "${TakeDatabaseDbUrl}",
        },
    }
    statements = found["RotationRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    by_action = {each["Action"][0]: each["Resource"] for each in statements}
    named = [
        each["Fn::Sub"].partition(":service/")[2] for each in by_action["ecs:DescribeServices"]
    ]
    assert named == ["shop-production/api", "shop-production/mails"]
    assert [each["Ref"] for each in by_action["secretsmanager:DescribeSecret"]] == [
        "TakeSecretKEY",
        "TakeDatabaseDbLogin",
        "TakeDatabaseDbPassword",
        "TakeDatabaseDbUrl",
    ]


def settings(found: dict[str, Any]) -> dict[str, Any]:
    """What the function is told, by the end of its code."""
    parts = found["RotationFunction"]["Properties"]["Code"]["ZipFile"]["Fn::Join"][1]
    assert parts[0] == code()
    scope: dict[str, Any] = {"__name__": "index"}
    text = "".join(each if isinstance(each, str) else each["Fn::Sub"] for each in parts)
    assert len(text) < 4 * 1024 * 1024  # the most that a template may hold of code
    exec(compile(text, "index.py", "exec", dont_inherit=True), scope)
    assert callable(scope["handler"])
    told: dict[str, Any] = json.loads(scope["SETTINGS"])
    return told


def test_what_nobody_reads_all_the_time_starts_nobody_anew() -> None:
    role = renewal("[database.db]")["RotationRole"]["Properties"]
    assert "ecs:" not in str(role)


@pytest.mark.validated("R74")
@pytest.mark.parametrize("text", [address("postgresql+asyncpg"), "jdbc:${db.url}", "a-${KEY}-b"])
def test_what_a_longer_text_holds_is_renewed_too(text: str) -> None:
    variables = f"[service.api.variables]\nX = '{text}'\n[worker.mails]"
    of = app_of(SHOP.replace("[worker.mails]", variables))
    assert len(resources(of, SCHEDULE)) == 2
    assert "service.api.variables.X" not in [each.where for each in gaps(of)]
    assert limits(of, choices_for(of)) == []
    (made,) = [each for each in creations(of, layout_of(of)) if each.kind == "database"]
    assert made.what.endswith("a new password every 90 days")


@pytest.mark.validated("R74", "R203")
def test_texts_are_found_by_their_path_and_written_by_their_names_and_tags() -> None:
    found = renewal()
    path = "/fairway/shop/production/text"
    assert settings(found)["texts"] == path
    statements = found["RotationRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    (lists,) = [each for each in statements if each["Action"] == ["ssm:GetParametersByPath"]]
    named = [each["Fn::Sub"].partition(":parameter")[2] for each in lists["Resource"]]
    assert named == [path, f"{path}/*"]
    (writes,) = [each for each in statements if "aws:ResourceTag" in str(each)]
    assert writes["Action"] == ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]
    assert writes["Resource"]["Fn::Sub"].endswith(":secret:Text*")
    text = "[service.api.variables]\nX = 'x-${KEY}'\n[worker.mails]"
    service = templates(app_of(SHOP.replace("[worker.mails]", text)))["service-api.json"]
    ((id_, made),) = [each for each in service["Resources"].items() if each[0].startswith("Text")]
    assert "Name" not in made["Properties"]
    assert writes["Condition"]["StringEquals"] == {
        f"aws:ResourceTag/{each['Key']}": each["Value"] for each in made["Properties"]["Tags"]
    }
    given = service["Resources"][f"GiveTextServiceApi{id_}"]["Properties"]
    assert (given["Name"], given["Value"]) == (f"{path}/service-api/{id_}", {"Ref": id_})


def test_each_part_alone_may_be_read() -> None:
    parts = ", ".join(f"{each.upper()} = '${{db.{each}}}'" for each in ("user", "password", "url"))
    text = SHOP.replace("[worker.mails]", f"[worker.mails]\nvariables = {{ {parts} }}")
    assert len(resources(app_of(text), SCHEDULE)) == 2


def test_a_database_elsewhere_is_its_own_people_s() -> None:
    assert "renewal.json" not in templates(app_of('[database.db]\nurl = "env:X"'))
    assert may_go("renewal"), "where the file asks for none any more, the stack goes"


def test_the_plan_says_how_often() -> None:
    of = app_of(SHOP)
    (made,) = [each for each in creations(of, layout_of(of)) if each.kind == "database"]
    assert made.what == "PostgreSQL db.t4g.micro, 1 zone, a new password every 90 days"


def test_that_a_function_s_copy_keeps_a_value_is_said() -> None:
    (gap,) = [each for each in gaps(app_of(SHOP)) if each.where == "secret.KEY.rotate"]
    assert gap.what.startswith("steps: ")
    alone = SHOP.replace('uses = ["db", "KEY"]', 'uses = ["db"]')
    assert not [each for each in gaps(app_of(alone)) if each.where == "secret.KEY.rotate"]


@pytest.mark.parametrize(("text", "count"), [(SHOP, 12), ("[database.db]", 11)])
def test_without_a_nat_ecs_has_an_endpoint_where_something_is_started_anew(
    text: str, count: int
) -> None:
    of = app_of(text)
    network = templates(of, choices_for(of, egress="endpoints"))["network.json"]["Resources"]
    assert ("EcsEndpoint" in network) == (count == 12)
    made = [
        each
        for each in network.values()
        if each["Properties"].get("VpcEndpointType") == "Interface"
    ]
    assert len(made) == layout_of(of, egress="endpoints").interface_endpoints == count


def test_the_code_in_the_template_is_one_file_that_needs_nothing_of_ours() -> None:
    assert "import fairway" not in code()
    assert "from fairway" not in code()


def test_however_much_is_renewed_the_function_is_told_of_it() -> None:
    text = "\n".join(f"[database.db{n}]" for n in range(40))
    of = app_of(text)
    assert limits(of, choices_for(of)) == []
    assert len(settings(renewal(text))["secrets"]) == 40

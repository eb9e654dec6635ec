"""Releases of a function at ministack: versions, `live`, and the way back.

Without Docker no image runs there: what a version answers is given by `functions.answering`.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from fairway.core.spec.model import App
from fairway.targets.aws.account import Refused
from fairway.targets.aws.looking import look
from fairway.targets.aws.reading import Reader
from fairway.targets.aws.releasing import roll_back
from fairway.targets.aws.takedown import take_down
from tests.targets.aws.emulators import account, ministack
from tests.targets.aws.functions import answering, broken, ready
from tests.targets.aws.shapes import app_of
from tests.targets.aws.test_aws_deploy import Place

pytestmark = [pytest.mark.real, pytest.mark.alone]

SHOP = """
[service.api]
asgi = "shop:app"
public = true
kind = "function"
replicas = "1..4"
uses = ["KEY"]
[secret.KEY]
[secret.TOKEN]
rotate = "90d"
"""
STEPS = SHOP.replace("replicas", 'release = { canary = ["10% for 5m"] }\nreplicas')
FUNCTION = "shop-production-api"


def shop(text: str = SHOP) -> App:
    return replace(app_of(text), name="shop")


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        zones = account(url).client("route53")
        zones.create_hosted_zone(Name="shop.example.org", CallerReference="1")
        place = Place(url, shop())
        answering(place.account)
        assert place.deploy().outcome == "promoted"
        place.give("KEY", "first")
        yield place


@pytest.fixture
def place(deployed: Place) -> Place:
    """The shop with the image `one`, and answers that are well."""
    answering(deployed.account)
    deployed.app = shop()
    deployed.deploy("one")
    return deployed


def live(place: Place) -> dict[str, Any]:
    """The configuration of the version that `live` names."""
    client = place.account.client("lambda")
    return dict(client.get_function_configuration(FunctionName=FUNCTION, Qualifier="live"))


def image(place: Place) -> str:
    return str(live(place)["Environment"]["Variables"]["FAIRWAY_REVISION"]).rpartition(":")[2]


@pytest.mark.requirement("R18", "R24")
def test_every_resource_of_a_function_s_stack_is_really_there(place: Place) -> None:
    stack = place.environment.stack("service-api")
    assert stack is not None
    formation = place.account.client("cloudformation")
    found = formation.describe_stack_resources(StackName=stack.stack_name)["StackResources"]
    assert {each["LogicalResourceId"] for each in found} == set(stack.resources)
    (api,) = place.account.client("apigatewayv2").get_apis()["Items"]
    assert api["DisableExecuteApiEndpoint"] is True
    variables = live(place)["Environment"]["Variables"]
    # A secret's ARN on AWS; ministack gives its name.
    assert variables["FAIRWAY_SECRETS"] == "KEY=fairway/shop/production/secret/KEY"
    assert "first" not in str(variables)


@pytest.mark.requirement("R24")
def test_a_release_publishes_a_version_and_asks_it_before_it_is_done(place: Place) -> None:
    before = live(place)["Version"]
    asked = answering(place.account)
    assert place.deploy("two").outcome == "promoted"
    assert (image(place), int(live(place)["Version"])) == ("two", int(before) + 1)
    (only,) = asked
    assert only["Qualifier"] == "live"
    assert "version 7 answers /ready" in place.told("service api")
    assert place.deploy("two").outcome == "unchanged"


@pytest.mark.requirement("R24")
def test_a_version_that_does_not_answer_is_taken_back_and_told(place: Place) -> None:
    answers = iter([broken()])
    answering(place.account, lambda: next(answers, None) or ready())
    result = place.deploy("bad")
    assert result.outcome == "rolled_back"
    assert "Task timed out" in result.reason
    assert image(place) == "one"


def test_a_rollback_brings_back_the_image_and_its_configuration(place: Place) -> None:
    place.app = shop(SHOP.replace('"1..4"', '"1..4"\nmemory = "1 GiB"'))
    assert place.deploy("two").outcome == "promoted"
    assert (image(place), live(place)["MemorySize"]) == ("two", 1024)
    back = roll_back(place.environment, None)
    assert back.outcome == "promoted"
    assert (image(place), live(place)["MemorySize"]) == ("one", 512)


@pytest.mark.requirement("R151")
def test_a_release_by_steps_publishes_a_version_and_the_way_back_is_at_once(place: Place) -> None:
    # Here the alias moves at once: the emulator has no CodeDeploy, which the templates are read by.
    place.app = shop(STEPS)
    assert place.deploy("two").outcome == "promoted"
    stack = place.environment.stack("service-api")
    assert stack is not None
    assert stack.resources["Alias"].after == ()  # without the alarms that are not there
    assert image(place) == "two"
    assert roll_back(place.environment, None).outcome == "promoted"
    assert image(place) == "one"


def test_what_renews_secrets_is_there_and_given_a_copy_of_its_own(place: Place) -> None:
    client = place.account.client("lambda")
    assert client.get_function_configuration(FunctionName="shop-production-rotation")
    formation = place.account.client("cloudformation")
    (stack,) = formation.describe_stacks(StackName="shop-production-renewal")["Stacks"]
    given = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    assert given["RenewalReserved"] == "true"


def test_status_names_the_version_that_answers_and_how_many_copies_may(place: Place) -> None:
    # Which ministack's CloudFormation does not set.
    place.account.client("lambda").put_function_concurrency(
        FunctionName=FUNCTION, ReservedConcurrentExecutions=4
    )
    (found,) = look(place.environment).services
    assert found.kind == "function"
    assert found.release == "done"
    assert found.definition == f"{FUNCTION}:{live(place)['Version']}"
    assert found.words == "at most 4 copies when it is asked"


def test_another_value_of_a_secret_is_told_and_changes_nothing(place: Place) -> None:
    place.give("KEY", "second")
    assert place.deploy("one").outcome == "unchanged"
    assert "a secret of it has another value" in " ".join(place.told("service api"))


def test_its_lines_are_read_where_a_container_s_would_be(place: Place) -> None:
    logs = place.account.client("logs")
    where = {
        "logGroupName": "/fairway/shop/production/api",
        "logStreamName": f"2026/11/21/{FUNCTION}[7]0123456789abcdef",
    }
    logs.create_log_stream(**where)
    now = int(place.environment.clock.now() * 1000)
    logs.put_log_events(**where, logEvents=[{"timestamp": now, "message": '{"level":"INFO"}'}])
    (line,) = Reader(place.environment, ["api"]).since(0.0)
    assert (line.node, line.task, line.text) == ("api", "01234567", '{"level":"INFO"}')


def test_a_function_goes_with_its_versions_and_comes_back(place: Place) -> None:
    gone = take_down(place.environment)
    assert "service-api" in gone
    with pytest.raises(Refused, match=FUNCTION):
        live(place)
    (found,) = look(place.environment).services
    assert (found.release, found.words) == ("absent", "it is not there")
    assert place.deploy("three").outcome == "promoted"
    assert image(place) == "three"

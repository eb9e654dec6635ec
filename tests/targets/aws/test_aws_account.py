"""Refusals of AWS and faults on the way, as they reach people; the lock of an environment."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import exceptions as faults
from botocore.parsers import ResponseParserError

from fairway.core.problem import Problem, Problems
from fairway.targets.aws.account import Client, Refused, connect
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.render.template import text
from fairway.targets.aws.store import own_stack
from tests.targets.aws.emulators import QUICK, account, ministack
from tests.targets.aws.shapes import app_of
from tests.targets.aws.test_aws_validators import findings, written


def refusing(error: BaseException) -> Client:
    """A client whose only call is refused so."""

    def describe_services(**_: Any) -> None:
        raise error

    meta = SimpleNamespace(
        method_to_api_mapping={"describe_services": "DescribeServices"},
        service_model=SimpleNamespace(signing_name="ecs"),
    )
    return Client(SimpleNamespace(describe_services=describe_services, meta=meta), "eu-central-1")


def told(error: BaseException) -> Problem:
    with pytest.raises(Refused) as raised:
        refusing(error).describe_services(cluster="shop")
    (problem,) = raised.value.problems
    return problem


def of_aws(code: str, message: str = "") -> Exception:
    return faults.ClientError({"Error": {"Code": code, "Message": message}}, "DescribeServices")


def test_a_call_that_is_not_allowed_names_its_permission_and_a_policy() -> None:
    problem = told(of_aws("AccessDeniedException"))
    assert problem.where == "AWS ecs:DescribeServices"
    assert json.loads(problem.mend.splitlines()[1])["Statement"][0]["Action"] == (
        "ecs:DescribeServices"
    )


def test_an_expired_session_and_a_missing_one_are_told_apart() -> None:
    assert "has expired" in told(of_aws("ExpiredTokenException")).what
    assert "has expired" in told(faults.UnauthorizedSSOTokenError()).what
    assert "there are no credentials" in told(faults.NoCredentialsError()).what


def test_a_network_that_is_away_asks_for_the_region_too() -> None:
    problem = told(faults.EndpointConnectionError(endpoint_url="https://ecs.example"))
    assert "does not answer" in problem.what
    assert "eu-central-1" in problem.mend


def test_what_answers_and_is_not_aws_is_named_so() -> None:
    assert "is not AWS" in told(ResponseParserError("html")).what


def test_other_refusals_keep_awss_own_words() -> None:
    assert told(of_aws("ValidationError", "It is odd.")).what == "It is odd. (ValidationError)"


def test_without_the_sdk_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(Problems, match=r"fairway\[aws\]"):
        connect(region="eu-central-1")


@pytest.mark.real
def test_what_fairway_keeps_is_a_sound_template(tmp_path: Path) -> None:
    stack = own_stack(app_of(""))
    assert findings(written(tmp_path, {stack.path: text(stack)})) == []


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Environment]]:
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        app = app_of("")
        made = Environment(account(url), app, (), QUICK)
        made.formation().apply(made.own, {}, step="fairway")
        yield lambda: Environment(account(url), app, (), QUICK)


@pytest.mark.real
def test_of_many_at_once_one_holds_it(environment: Callable[[], Environment]) -> None:
    stores = [environment().opened() for _ in range(6)]
    start, end = threading.Barrier(len(stores)), threading.Barrier(len(stores))
    held: list[int] = []
    refused: list[str] = []

    def hold(number: int) -> None:
        start.wait()
        try:
            with stores[number].held("deploy production", "production"):
                held.append(number)
                end.wait()
        except Problems as problems:
            refused.append(str(problems))
            end.wait()

    threads = [threading.Thread(target=hold, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) == 1
    assert len(refused) == 5
    assert all("holds it for `deploy production`" in each for each in refused)
    assert stores[0].holder() is None


@pytest.mark.real
def test_a_hold_of_somebody_else_is_not_let_go(environment: Callable[[], Environment]) -> None:
    store = environment().opened()
    with store.held("deploy production", "production") as own:
        store.let_go(own)
        with store.held("rollback production", "production") as other:
            store.let_go(own)
            assert store.holder() == other
    assert store.holder() is None

"""Jobs on AWS: their times, and their state machines walked step by step."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from fairway.core.spec.parse import parse
from fairway.targets.aws.decide.resuming import asked_from
from fairway.targets.aws.render.cron import expressions, is_sayable
from tests.targets.aws.shapes import FILES, app, app_of, resources, templates

NOTHING: Mapping[str, str] = MappingProxyType({})


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 6 * * *", ["cron(0 6 * * ? *)"]),
        ("@daily", ["cron(0 0 * * ? *)"]),
        ("@weekly", ["cron(0 0 ? * SUN *)"]),
        ("@monthly", ["cron(0 0 1 * ? *)"]),
        ("*/5 * * * MON-FRI", ["cron(*/5 * ? * MON,TUE,WED,THU,FRI *)"]),
        ("0 9 * * 1-5", ["cron(0 9 ? * MON,TUE,WED,THU,FRI *)"]),
        ("0 9 * * 0,6", ["cron(0 9 ? * SUN,SAT *)"]),
        ("0 9 * * 7", ["cron(0 9 ? * SUN *)"]),
        ("0 9 * * 5-7", ["cron(0 9 ? * SUN,FRI,SAT *)"]),
        ("0 9 * * */2", ["cron(0 9 ? * SUN,TUE,THU,SAT *)"]),
        ("0 9 1 * 1", ["cron(0 9 1 * ? *)", "cron(0 9 ? * MON *)"]),
    ],
)
def test_cron_becomes_that_of_aws(cron: str, said: list[str]) -> None:
    assert is_sayable(cron)
    assert list(expressions(cron)) == said


@pytest.mark.parametrize("cron", ["@once", "0 0 L * *", "0 0 * * 5#2"])
def test_what_aws_cannot_say_is_known(cron: str) -> None:
    assert not is_sayable(cron)


@pytest.mark.validated("R107", "R108")
def test_the_daily_ingestion_starts_at_six() -> None:
    schedules = resources(app("weather", "production"), "AWS::Scheduler::Schedule")
    (schedule,) = schedules.values()
    assert schedule["ScheduleExpression"] == "cron(0 6 * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    assert schedule["Target"]["DeadLetterConfig"]


def machine(of: Any, name: str) -> dict[str, Any]:
    template = templates(of)[f"job-{name}.json"]
    found: dict[str, Any] = template["Resources"]["JobMachine"]["Properties"]["Definition"]
    return found


def walk(
    definition: dict[str, Any],
    answers: dict[str, Any],
    *,
    fails: bool = False,
    given: Mapping[str, str] = NOTHING,
) -> list[str]:
    """The states that a run goes through; `answers` are what tasks leave in its data."""
    data: dict[str, Any] = {**given}
    path: list[str] = []
    here = definition["StartAt"]
    while len(path) < 50:
        state = definition["States"][here]
        path.append(here)
        if state["Type"] in {"Succeed", "Fail"}:
            return path
        if state["Type"] == "Choice":
            here = chosen(state, data)
            continue
        if state["Type"] == "Task":
            kept = state["ResultPath"].removeprefix("$.")
            answer = answers.get(here, {})
            data[kept] = answer.pop(0) if isinstance(answer, list) else answer
        caught = here == "Run" and fails
        here = state["Catch"][0]["Next"] if caught else state["Next"]
    raise AssertionError(path)


def chosen(state: dict[str, Any], data: dict[str, Any]) -> str:
    for choice in state["Choices"]:
        if "And" in choice:
            is_there, equals = choice["And"]
            assert is_there["IsPresent"]
            if data.get(equals["Variable"].removeprefix("$.")) == equals["StringEquals"]:
                return str(choice["Next"])
            continue
        result, key = choice["Variable"].removeprefix("$.").split(".")
        name, index = key.rstrip("]").split("[")
        if len(data[result].get(name, [])) > int(index):
            return str(choice["Next"])
    return str(state["Default"])


ALONE = {"Executions": [{}]}
MESSAGE = {"Messages": [{}]}


@pytest.mark.validated("R109", "R110", "R111")
def test_a_job_runs_only_with_new_objects_and_starts_what_follows() -> None:
    ingest = machine(app("weather", "production"), "ingest")
    nothing = walk(ingest, {"Running": ALONE, "Look": {}})
    assert nothing == ["Running", "Alone", "Look", "New", "NothingNew"]
    new = walk(ingest, {"Running": ALONE, "Look": MESSAGE})
    assert new[4:] == ["Take", "Settle", "Run", "Follow", "Done"]


def test_a_run_that_failed_leaves_its_objects_new() -> None:
    ingest = machine(app("weather", "production"), "ingest")
    assert walk(ingest, {"Running": ALONE, "Look": MESSAGE}, fails=True)[-2:] == [
        "GiveBack",
        "Failed",
    ]


def test_a_job_is_a_singleton() -> None:
    statistics = machine(app("weather", "production"), "statistics")
    both = {"Executions": [{}, {}]}
    assert walk(statistics, {"Running": both}) == ["Running", "Alone", "AnotherRuns"]
    assert walk(statistics, {"Running": ALONE}) == ["Running", "Alone", "Run", "Done"]


def test_objects_that_come_while_it_runs_start_it_again() -> None:
    text = '[job.load]\ncommand = "x"\non_new = "files/in/"\nuses = ["files"]\n[bucket.files]'
    load = machine(app_of(text), "load")
    path = walk(load, {"Running": ALONE, "Look": [MESSAGE, MESSAGE, {}]})
    assert path.count("Run") == 2
    assert path[-1] == "NothingNew"


@pytest.mark.validated("R28", "R31")
def test_an_interruptible_job_runs_on_spot_and_is_tried_again() -> None:
    run = machine(app("weather", "production"), "ingest")["States"]["Run"]
    assert run["Parameters"]["CapacityProviderStrategy"][0]["CapacityProvider"] == "FARGATE_SPOT"
    assert run["Retry"][0]["MaxAttempts"] == 3
    assert run["TimeoutSeconds"] == 3600


@pytest.mark.validated("R114")
def test_a_workflow_goes_from_step_to_step() -> None:
    template = templates(app("insights", "production"))["workflow-daily.json"]
    definition = template["Resources"]["WorkflowMachine"]["Properties"]["Definition"]
    path = walk(definition, {"Running": ALONE})
    assert path == ["Running", "Alone", "From", "Step1", "Step2", "Step3", "Done"]
    path = walk(definition, {"Running": ALONE}, given=asked_from(2))
    assert path == ["Running", "Alone", "From", "Step3", "Done"]
    assert asked_from(0) == asked_from(None) == {}


@pytest.mark.validated("R121")
def test_the_pipeline_of_insights_is_started_every_night() -> None:
    schedules = resources(app("insights", "production"), "AWS::Scheduler::Schedule")
    (schedule,) = schedules.values()
    assert schedule["ScheduleExpression"] == "cron(0 2 * * ? *)"
    assert schedule["Target"]["Arn"] == {"Ref": "WorkflowMachine"}


@pytest.mark.validated("R272")
def test_the_day_of_the_weather_service_goes_from_its_trigger_to_its_alarms() -> None:
    text = (FILES / "weather.toml").read_text() + '[alarm]\nnotify = ["mailto:a@example.org"]\n'
    of = parse(text).app("production")
    (trigger,) = resources(of, "AWS::Scheduler::Schedule").values()
    assert trigger["Target"]["Arn"] == {"Ref": "JobMachine"}
    # Checked, processed, and what calculates is started.
    ingest = templates(of)["job-ingest.json"]["Resources"]["JobMachine"]["Properties"]
    path = walk(ingest["Definition"], {"Running": ALONE, "Look": MESSAGE})
    assert [each for each in path if each in {"Look", "Run", "Follow"}] == ["Look", "Run", "Follow"]
    assert "statistics" in str(ingest["DefinitionSubstitutions"]["NextStatistics"]).lower()
    assert walk(machine(of, "statistics"), {"Running": ALONE})[-2:] == ["Run", "Done"]
    # Each is watched: a run that fails is told.
    alarms = resources(of, "AWS::CloudWatch::Alarm").values()
    told = {each["AlarmName"] for each in alarms if each["AlarmActions"]}
    assert {"weather-production-ingest.failed", "weather-production-statistics.failed"} <= told


def test_every_machine_is_json_without_open_ends() -> None:
    for name in ("weather", "insights"):
        found = resources(app(name, "production"), "AWS::StepFunctions::StateMachine")
        for where, said in found.items():
            states = said["Definition"]["States"]
            text = json.dumps(said["Definition"])
            for state in states.values():
                for key in ("Next", "Default"):
                    assert state.get(key, "Done") in states, where
            for filled in said["DefinitionSubstitutions"]:
                assert f"${{{filled}}}" in text, where

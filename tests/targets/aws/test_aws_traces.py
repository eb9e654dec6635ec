"""Spans to X-Ray: a collector beside each service, where that is chosen."""

import json
from typing import Any

import pytest

from fairway.targets.aws.render import choices_for, render
from fairway.targets.aws.render.limits import limits
from tests.targets.aws.shapes import app_of

SHOP = """
[service.web]
asgi = "m:app"
public = true
before = "migrate"
variables = { OTEL_TRACES_SAMPLER_ARG = "1" }
[service.node]
command = "serve"
[job.load]
command = "python -m load"
"""


def rendered(traces: bool = True) -> dict[str, Any]:
    of = app_of(SHOP)
    choices = choices_for(of, traces="xray" if traces else "none")
    return {path: json.loads(text) for path, text in render(of, choices).items()}


def containers(template: Any) -> list[Any]:
    tasks = [one for one in template["Resources"].values() if "TaskDefinition" in one["Type"]]
    return [each for task in tasks for each in task["Properties"]["ContainerDefinitions"]]


@pytest.mark.validated("R184")
def test_a_service_s_spans_go_to_a_collector_beside_it_that_may_send_them() -> None:
    found = rendered()["service-web.json"]
    app, collector = containers(found)
    told = {one["Name"]: one["Value"] for one in app["Environment"]}
    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:4318"
    assert told["OTEL_TRACES_SAMPLER_ARG"] == "1", "what the file says wins"
    assert collector["Essential"] is False
    assert collector["ReadonlyRootFilesystem"] is True
    assert collector["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert "xray:PutTraceSegments" in str(found["Resources"]["ServiceRole"])
    assert "xray" not in str(found["Resources"]["ServiceStartRole"])


def test_only_what_the_runtime_serves_is_traced() -> None:
    found = rendered()
    assert "xray" not in str(found["before.json"])
    for path in ("service-node.json", "job-load.json", "before.json"):
        assert [each["Name"] for each in containers(found[path])] != []
        assert "collector" not in [each["Name"] for each in containers(found[path])], path


def test_nothing_changes_where_it_is_not_chosen() -> None:
    assert "xray:PutTraceSegments" not in str(rendered(traces=False)["service-web.json"])
    assert len(containers(rendered(traces=False)["service-web.json"])) == 1


def test_without_a_way_out_the_collector_cannot_be_had() -> None:
    of = app_of(SHOP)
    (problem,) = limits(of, choices_for(of, traces="xray", egress="endpoints"))
    assert "public registry" in problem.what

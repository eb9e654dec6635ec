"""A plan prices what is rendered: the estimate's counts are the templates'."""

from pathlib import Path

import pytest

from fairway.cli import plan_aws
from fairway.cli.plan_layout import honoured, layout_as_rendered
from fairway.core.cost.estimate import estimate
from fairway.core.cost.layout import CACHE_CLASS, DATABASE_CLASS, Layout, layout_of
from fairway.core.cost.prices import REGIONS
from fairway.core.plan.creation import creations
from fairway.core.problem import Problem, Problems
from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import Choices, Egress, Stack, choices_for, stacks
from tests.core.cost.price_tables import prices

FILES = Path(__file__).parent.parent / "core" / "spec" / "files"
NAMES = sorted(file.stem for file in FILES.glob("*.toml"))
ENVIRONMENTS = ("dev", "staging", "production")
each_app = pytest.mark.parametrize("name", NAMES)
each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


def app(name: str, environment: str) -> App:
    return parse((FILES / f"{name}.toml").read_text()).app(environment)


def rendered(one: App, egress: Egress | None = None) -> tuple[Choices, tuple[Stack, ...], Layout]:
    choices = choices_for(one, egress=egress)
    found = stacks(one, choices)
    return choices, found, layout_as_rendered(one, choices, found)


def properties(found: tuple[Stack, ...], type_: str) -> list[dict[str, object]]:
    resources = [each for stack in found for each in stack.resources.values()]
    return [dict(each.properties) for each in resources if each.type == type_]


@each_app
@each_environment
@pytest.mark.parametrize("egress", [None, "nat-per-zone", "one-nat", "endpoints"])
def test_the_core_reckons_with_the_network_that_is_rendered(
    name: str, environment: str, egress: Egress | None
) -> None:
    one = app(name, environment)
    choices, _, found = rendered(one, egress)
    expected = layout_of(one, egress=egress)
    assert found.zones == expected.zones == choices.zones
    assert found.nat_gateways == expected.nat_gateways
    assert found.interface_endpoints == expected.interface_endpoints
    assert found.balancers == expected.balancers
    assert found.keys == expected.keys
    assert found.log_days == expected.log_days
    assert found.is_arm == expected.is_arm


def test_a_collector_beside_a_service_is_seen_and_so_is_who_builds() -> None:
    one = app("weather", "production")
    usual = rendered(one)[2]
    assert (usual.traced, usual.has_builds) == (0, False)
    choices = choices_for(one, traces="xray", builds="remote")
    found = layout_as_rendered(one, choices, stacks(one, choices))
    assert (found.traced, found.has_builds) == (len(one.services), True)


@each_app
@each_environment
def test_databases_are_priced_as_they_are_rendered(name: str, environment: str) -> None:
    one = app(name, environment)
    _, found, layout = rendered(one)
    instances = properties(found, "AWS::RDS::DBInstance")
    classes = {str(each["DBInstanceClass"]) for each in instances}
    wanted = [each for each in one.databases.values() if each.engine == "postgres"]
    assert classes == {
        "db.serverless" if each.serverless else each.size or DATABASE_CLASS for each in wanted
    }
    count = sum(
        max(each.zones, 1 + each.read_replicas) if each.serverless else 1 + each.read_replicas
        for each in wanted
    )
    assert len(instances) == count
    for cluster in properties(found, "AWS::RDS::DBCluster"):
        capacity = cluster["ServerlessV2ScalingConfiguration"]
        assert isinstance(capacity, dict)
        assert capacity["MinCapacity"] == layout.least_acu
        assert capacity["MaxCapacity"] == layout.most_acu


@each_app
@each_environment
def test_caches_are_priced_as_they_are_rendered(name: str, environment: str) -> None:
    one = app(name, environment)
    _, found, layout = rendered(one)
    groups = properties(found, "AWS::ElastiCache::ReplicationGroup")
    assert len(groups) == sum(each.enabled for each in one.caches.values())
    for group in groups:
        assert group["NumCacheClusters"] == layout.cache_nodes
        assert group["Engine"] == layout.cache_engine
        assert group["CacheNodeType"] == CACHE_CLASS


@each_app
def test_alarms_are_counted_by_the_metrics_that_they_look_at(name: str) -> None:
    _, found, layout = rendered(app(name, "production"))
    alarms = properties(found, "AWS::CloudWatch::Alarm")
    assert layout.alarms >= len(alarms)
    # Its file asks for none, and no release of a function is judged by any.
    assert bool(alarms) == (name != "insights")


@each_app
def test_firewalls_metrics_and_dashboards_are_priced_as_they_are_rendered(name: str) -> None:
    one = app(name, "production")
    _, found, layout = rendered(one)
    expected = layout_of(one)
    assert layout.metrics == expected.metrics
    assert layout.dashboards == expected.dashboards
    assert layout.has_insights == expected.has_insights
    priced = estimate(one, prices(), layout=layout)
    walls = [each for each in priced.of("firewall") if each.price.key == "waf.acl"]
    lists = properties(found, "AWS::WAFv2::WebACL")
    assert len(lists) == sum(each.quantity for each in walls)
    assert bool(layout.edge_rules) == bool(expected.edge_rules)
    assert bool(layout.balancer_rules) == bool(expected.balancer_rules)


@each_app
def test_a_run_takes_the_steps_that_are_priced(name: str) -> None:
    _, found, _ = rendered(app(name, "production"))
    for machine in properties(found, "AWS::StepFunctions::StateMachine"):
        assert machine["StateMachineType"] == "STANDARD"  # billed by the transition


def test_what_the_target_does_not_honour_is_priced_as_it_runs_there() -> None:
    one = app("insights", "production")
    told = (Problem("service.api.kind", "it runs as a container"),)
    _, found, _ = rendered(one)
    assert honoured(one, told, found).services["api"].kind == "container"
    assert honoured(one, (), found).services["api"].kind == "function"
    weather = app("weather", "production")
    _, found, _ = rendered(weather)
    assert honoured(weather, (), found) == weather
    assert weather.services["api"].cache
    assert not honoured(weather, (), ()).services["api"].cache


def test_what_is_not_rendered_is_neither_created_nor_priced() -> None:
    one = app("insights", "production")
    _, found, layout = rendered(one)
    there = honoured(one, gaps(one), found)
    assert [*one.streams, *one.models] == ["events", "churn"]
    assert not {"stream", "model"} & {each.kind for each in creations(there, layout)}
    assert not estimate(there, prices(), layout=layout).of("stream events")
    # Nothing of it has an alarm, and the page says so.
    assert [each.what for each in creations(there, layout) if each.kind == "watching"] == [
        "logs of 90 days, no alarms, a dashboard"
    ]


@each_app
def test_every_region_that_has_prices_can_be_asked_for_and_no_other(name: str) -> None:
    one = app(name, "production")
    for region in REGIONS:
        assert plan_aws.plan_of(one, plan_aws.Asked(region=region)).estimate.region == region
    with pytest.raises(Problems, match="there are no prices of mars-north-1"):
        plan_aws.plan_of(one, plan_aws.Asked(region="mars-north-1"))

"""What an app costs: figures worked out by hand, and what holds for any app and any traffic."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.edge import balancer_units, of_transfer
from fairway.core.cost.estimate import estimate
from fairway.core.cost.layout import fargate_size, layout_of
from fairway.core.cost.line import Estimate
from fairway.core.cost.prices import REGIONS
from fairway.core.problem import Problems
from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from tests.core.cost.price_tables import prices
from tests.core.spec.app_texts import app_trees, written
from tests.properties import examples

FILES = Path(__file__).parent.parent / "spec" / "files"
HOURS = 730


def app(text: str, environment: str = "production") -> App:
    return parse(text).app(environment)


def priced(text: str, environment: str = "production", **assumed: float) -> Estimate:
    return estimate(app(text, environment), prices(), Assumptions(**assumed))


def usd(found: Estimate, node: str, unit: str = "") -> float:
    return sum(line.usd for line in found.of(node) if unit in line.price.unit)


WEB = 'app = "x"\n[service.web]\nasgi = "m:a"\npublic = true\nreplicas = "2..10"\n'


@pytest.mark.requirement("R256", "R263")
def test_tasks_are_priced_by_processor_and_memory_hours_at_fewest_expected_and_most() -> None:
    found = priced(f"{WEB}cpu = 1\nmemory = '2 GiB'\n")
    one = HOURS * (0.04048 + 2 * 0.004445)
    assert usd(found, "service web") == pytest.approx(2 * one)
    lines = found.of("service web")
    assert sum(line.lowest_usd for line in lines) == pytest.approx(2 * one)
    assert sum(line.highest_usd for line in lines) == pytest.approx(10 * one)


def test_a_task_is_the_smallest_that_holds_processor_and_memory() -> None:
    assert fargate_size(0.5, 512) == (0.5, 1.0)
    assert fargate_size(0.3, 100) == (0.5, 1.0)
    assert fargate_size(0.25, 512) == (0.25, 0.5)
    assert fargate_size(0.25, 4096) == (0.5, 4.0)
    assert fargate_size(1, 2049) == (1.0, 3.0)
    assert fargate_size(8, 17000) == (8.0, 20.0)
    assert fargate_size(16, 122880) == (16.0, 120.0)
    assert fargate_size(16, 122881) is None
    assert fargate_size(17, 1) is None


def test_the_balancer_costs_its_hours_its_units_and_an_address_in_each_zone() -> None:
    found = priced(WEB, requests_per_month=73e6, response_kb=100)
    units = 73e6 * 100 / 1e6 / HOURS  # 10 GB an hour: the highest of its measures
    assert usd(found, "balancer") - usd(found, "balancer", "GB-month") == pytest.approx(
        HOURS * (0.0225 + 0.008 * units + 2 * 0.005), rel=1e-6
    )


@pytest.mark.parametrize(
    "node", ['[database.x]\nengine = "sqlite"\n', "[cache.x]\nenabled = false\n"]
)
def test_what_no_server_is_made_for_costs_nothing(node: str) -> None:
    assert priced(f'{WEB}uses = ["x"]\n{node}').lines == priced(WEB).lines


def test_a_balancer_unit_is_the_highest_of_its_measures() -> None:
    assert balancer_units(0, HOURS * 3) == pytest.approx(3)
    assert balancer_units(25 * 10 * 3600 * HOURS, 0) == pytest.approx(1)


def test_production_pays_a_way_out_in_each_zone_and_staging_one() -> None:
    each = HOURS * (0.045 + 0.005)
    assert usd(priced(WEB, egress_gb=0), "network") == pytest.approx(2 * each)
    assert usd(priced(WEB, "staging", egress_gb=0), "network") == pytest.approx(each)


@pytest.mark.requirement("R84", "R85", "R246")
def test_a_database_in_two_zones_with_a_replica_has_its_own_rates() -> None:
    found = priced(
        f"{WEB}uses = ['db']\n[database.db]\nzones = 2\nread_replicas = 1\nsize = 'db.t4g.small'\n"
    )
    expected = HOURS * (0.065 + 0.032) + 20 * (0.23 + 0.115) + 20 * 0.02 * 7 * 0.095
    assert usd(found, "database db") == pytest.approx(expected)


@pytest.mark.requirement("R84", "R85")
def test_a_replica_in_two_zones_costs_what_a_database_there_does() -> None:
    found = priced(
        f"{WEB}uses = ['db']\n[database.db]\nzones = 2\nread_replicas = 1\nreplica_zones = 2\n"
        "size = 'db.t4g.small'\nbackups = '1d'\n"
    )
    expected = 2 * (HOURS * 0.065 + 20 * 0.23) + 20 * 0.02 * 0.095
    assert usd(found, "database db") == pytest.approx(expected)


def test_a_serverless_database_is_priced_by_capacity_disk_and_reads() -> None:
    found = priced(f"{WEB}uses = ['db']\n[database.db]\nserverless = true\n")
    expected = HOURS * 0.12 + 20 * 0.1 + 3 * 2 * 0.2
    assert usd(found, "database db") == pytest.approx(expected)


def test_a_node_that_is_elsewhere_or_off_costs_nothing() -> None:
    text = (
        f"{WEB}uses = ['db', 'store']\n[database.db]\nurl = 'env:DB_URL'\n"
        "[cache.store]\nurl = 'env:CACHE_URL'\n"
    )
    found = priced(text)
    assert not found.of("database db")
    assert not found.of("cache store")


@pytest.mark.requirement("R205")
def test_an_attachment_to_a_transit_gateway_is_priced_by_the_hour_and_what_is_sent() -> None:
    text = f"{WEB}[network.plant]\ntransit = 'tgw-0123456789abcdef0'\naddresses = '172.20.0.0/14'\n"
    lines = priced(text, joined_gb=100).of("network plant")
    assert [(each.what, each.usd) for each in lines] == [
        ("attachment to its gateway", pytest.approx(0.05 * 730)),
        ("sent into its gateway", pytest.approx(2.0)),
    ]


@pytest.mark.requirement("R205")
def test_a_peering_costs_what_crosses_zones_and_to_another_region_is_named() -> None:
    peer = "peer = 'vpc-0123456789abcdef0'\naddresses = '10.80.0.0/16'\n"
    near = priced(f"{WEB}[network.office]\n{peer}", joined_gb=100)
    (line,) = near.of("network office")
    assert line.usd == pytest.approx(100 * 2 * 0.5 * 0.01)  # half of it stays in its zone
    assert not [each for each in near.unpriced if "office" in each]
    far = priced(f"{WEB}[network.office]\n{peer}region = 'eu-west-1'\n", joined_gb=100)
    assert not far.of("network office")
    assert "network office: each GB to eu-west-1 and back" in far.unpriced


def test_a_class_without_a_price_is_named_and_never_guessed() -> None:
    found = priced(f"{WEB}uses = ['db']\n[database.db]\nsize = 'db.x9.huge'\n")
    assert any("db.x9.huge" in each for each in found.unpriced)
    assert not usd(found, "database db", "instance-hour")


def test_what_leaves_the_region_costs_by_tiers_beyond_the_free_100_gb() -> None:
    def out(gigabytes: float) -> float:
        return sum(line.usd for line in of_transfer(gigabytes, prices()))

    assert out(0) == out(100) == 0
    assert out(200) == pytest.approx(9)
    first = (10_240 - 100) * 0.09
    assert out(10_240) == pytest.approx(first)
    second = first + 40_960 * 0.085
    assert out(51_200) == pytest.approx(second)
    third = second + 102_400 * 0.07
    assert out(200_000) == pytest.approx(third + (200_000 - 153_600) * 0.05)


def test_an_edge_takes_the_load_off_the_balancer_and_its_first_terabyte_is_free() -> None:
    cached = f"{WEB}cache = {{ '/api/*' = '60s' }}\n"
    plain = priced(WEB, requests_per_month=100e6, response_kb=50)
    found = priced(cached, requests_per_month=100e6, response_kb=50)
    assert usd(plain, "transfer") == pytest.approx((5000 - 100) * 0.09)
    assert not usd(found, "transfer")
    assert usd(found, "edge", "request") == pytest.approx(90 * 1.0)
    assert usd(found, "edge", "GB") - usd(found, "edge", "GB-month") == pytest.approx(4000 * 0.085)
    assert usd(found, "balancer", "LCU") < usd(plain, "balancer", "LCU")
    assert usd(priced(cached), "edge") == usd(priced(cached), "edge", "GB-month")


@pytest.mark.requirement("R256")
def test_access_logs_cost_what_lies_there_after_a_year_and_nothing_to_be_written() -> None:
    cached = f"{WEB}cache = {{ '/api/*' = '60s' }}\n"
    found = priced(cached, requests_per_month=10e6, access_kb=2, edge_hits=80)
    asked = {"edge": 10e6, "balancer": 2e6}
    for node, requests in asked.items():
        (line,) = (each for each in found.of(node) if "access log" in each.what)
        kept = requests * 2e-6 * 0.15 * 12
        assert (line.quantity, line.usd) == pytest.approx((kept, kept * 0.023))
    none = priced("app = 'x'\n[job.a]\ncommand = 'a'\n")
    assert not [each for each in none.lines if "access log" in each.what]


@pytest.mark.requirement("R31", "R264")
def test_a_job_that_may_be_interrupted_is_priced_on_spot() -> None:
    text = "app = 'x'\n[job.load]\ncommand = 'x'\nschedule = '@hourly'\ninterruptible = {}\n"
    full, spot = priced(text.format("false")), priced(text.format("true"))
    hours = 730 * 5 / 60
    assert usd(full, "job load", "hour") == pytest.approx(hours * (0.5 * 0.04048 + 0.004445))
    assert usd(spot, "job load", "hour") == pytest.approx(usd(full, "job load", "hour") / 2)
    assert usd(full, "job load", "transition") == pytest.approx(730 * 4 / 1000 * 0.025)


def test_a_job_that_follows_another_runs_as_often() -> None:
    text = (
        "app = 'x'\n[job.a]\ncommand = 'x'\nschedule = '@hourly'\nthen = 'b'\n"
        "[job.b]\ncommand = 'y'\n"
    )
    found = priced(text)
    assert usd(found, "job b", "hour") == pytest.approx(usd(found, "job a", "hour"))


@pytest.mark.requirement("R18", "R29")
def test_a_function_is_priced_by_memory_seconds_and_requests() -> None:
    found = priced(
        "app = 'x'\n[service.api]\nasgi = 'm:a'\npublic = true\nkind = 'function'\n"
        "memory = '1 GiB'\n"
    )
    expected = 3e6 * 0.1 * 0.0000166667 + 2 * 0.2 + 3 * 1.0
    assert usd(found, "service api") == pytest.approx(expected)
    assert not found.of("balancer")


@pytest.mark.requirement("R18")
def test_the_access_log_of_a_function_s_gateway_is_taken_in_and_kept_as_other_logs_are() -> None:
    text = "app = 'x'\n[service.api]\nasgi = 'm:a'\nkind = 'function'\npublic = true\n"
    public = priced(text, requests_per_month=10e6, gateway_kb=0.5)
    inside = priced(text.replace("public = true\n", ""), requests_per_month=10e6, gateway_kb=0.5)
    (line,) = (each for each in public.of("watching") if "of gateways" in each.what)
    assert (line.quantity, line.price.key) == (pytest.approx(10 * 0.5), "logs.ingest")
    assert not [each for each in inside.lines if "of gateways" in each.what]
    kept, without = (
        next(each.quantity for each in found.of("watching") if "logs kept" in each.what)
        for found in (public, inside)
    )
    assert kept - without == pytest.approx(5 * 0.15 * 90 / 30.4)
    # What the CDN answers itself reaches no gateway, and no function.
    behind = priced(text + "cache = { '/a/*' = '60s' }\n", requests_per_month=10e6, gateway_kb=0.5)
    (less,) = (each for each in behind.of("watching") if "of gateways" in each.what)
    assert less.quantity == pytest.approx(line.quantity * 0.2)
    asked = next(each for each in behind.of("service api") if "gateway" in each.what)
    assert asked.quantity == pytest.approx(2e6)


@pytest.mark.requirement("R11")
@pytest.mark.requirement("R184")
def test_traces_are_priced_where_spans_are_sent_and_builds_where_aws_builds() -> None:
    of, assumed = app(WEB), Assumptions(requests_per_month=2e6, traced=25, builds=10)
    usual = layout_of(of)
    chosen = replace(usual, traced=1, has_builds=True)
    plain, more = (estimate(of, prices(), assumed, layout=each) for each in (usual, chosen))
    traces = [line for line in more.of("watching") if line.price.key == "xray.trace"]
    assert [(line.quantity, line.usd) for line in traces] == [(500_000, pytest.approx(2.5))]
    builds = [line for line in more.of("images") if line.price.unit == "build-minute"]
    assert [(line.quantity, line.usd) for line in builds] == [(30, pytest.approx(0.15))]
    assert len(more.lines) == len(plain.lines) + 2
    arm = estimate(of, prices(), assumed, layout=replace(chosen, is_arm=True))
    assert usd(arm, "images", "build-minute") == pytest.approx(30 * 0.0034)


def test_a_firewall_costs_its_list_its_rules_and_the_requests_it_looks_at() -> None:
    found = priced(f"{WEB}firewall = true\n")
    assert usd(found, "firewall") == pytest.approx(5 + 4 * 1 + 3 * 0.6)


@pytest.mark.requirement("R105")
def test_a_bucket_that_tiers_pays_for_watching_its_objects() -> None:
    text = f"{WEB}uses = ['files']\n[bucket.files]\ntiering = true\n"
    found = priced(text, bucket_gb=100, object_kb=100, bucket_puts=0, bucket_gets=0)
    assert usd(found, "bucket files") == pytest.approx(100 * 0.023 + 1e6 / 1000 * 0.0025)


@pytest.mark.requirement("R264")
def test_savings_are_said_with_figures_and_where_the_discount_was_read() -> None:
    found = priced(f"{WEB}uses = ['db']\n[database.db]\n")
    said = {each.what: each for each in found.savings}
    graviton = said["Graviton (--processor ARM64)"]
    tasks = usd(found, "service web")
    assert graviton.lowest_usd == pytest.approx(0.2 * tasks, rel=0.01)
    on_arm = estimate(app(WEB), prices(), layout=layout_of(app(WEB), is_arm=True))
    assert usd(on_arm, "service web") == pytest.approx(tasks - graviton.lowest_usd)
    assert any(each.is_taken for each in on_arm.savings if "Graviton" in each.what)
    plan = said["a savings plan of 1 or 3 years for the fewest replicas"]
    assert plan.highest_usd == pytest.approx(0.52 * tasks)
    reserved = said["reserved for 1 year, nothing paid in advance"]
    assert reserved.highest_usd == pytest.approx(0.3 * 0.016 * HOURS)
    night = said['off_hours = { replicas = "1..10", from = "22:00", to = "05:00" }']
    assert night.lowest_usd == pytest.approx(tasks / 2 * 7 / 24)
    gateway = next(each for each in found.savings if each.node == "network")
    assert gateway.lowest_usd == pytest.approx(HOURS * 0.05)
    assert all(each.source.startswith("https://") for each in found.savings)


@pytest.mark.requirement("R31", "R264")
def test_spot_is_proposed_for_jobs_that_do_not_use_it_and_counted_where_they_do() -> None:
    text = (
        "app = 'x'\n[job.load]\ncommand = 'x'\nschedule = '@hourly'\ncpu = 4\ninterruptible = {}\n"
    )
    (proposed,) = (each for each in priced(text.format("false")).savings if each.node == "jobs")
    (taken,) = (each for each in priced(text.format("true")).savings if each.is_taken)
    full = usd(priced(text.format("false")), "job load", "hour")
    for each in (proposed, taken):
        assert each.lowest_usd == pytest.approx(full * 0.5)
        assert each.highest_usd == pytest.approx(full * 0.7)


@pytest.mark.parametrize("region", sorted(REGIONS))
@pytest.mark.parametrize("file", sorted(FILES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_app_is_priced_in_every_environment_and_region(file: Path, region: str) -> None:
    spec = parse(file.read_text())
    for environment in ("dev", "staging", "production"):
        found = estimate(spec.app(environment), prices(region))
        assert 0 < found.lowest_usd <= found.usd <= found.highest_usd < 3000
        assert found.region == region


def test_production_costs_more_than_staging_and_staging_than_dev() -> None:
    for file in sorted(FILES.glob("*.toml")):
        spec = parse(file.read_text())
        dev, staging, production = (
            estimate(spec.app(name), prices()).highest_usd
            for name in ("dev", "staging", "production")
        )
        assert dev <= staging < production, file.name


@examples(60)
@given(app_trees, st.floats(0, 1e9), st.floats(1, 10))
def test_whatever_the_app_and_its_traffic_more_of_it_never_costs_less(
    tree: dict[str, object], requests: float, times: float
) -> None:
    try:
        spec = parse(written(tree))
    except Problems:  # most trees make sense; what this one says is another test's
        return
    for environment in spec.environments:
        one = spec.app(environment)
        found = estimate(one, prices(), Assumptions(requests_per_month=requests))
        more = estimate(one, prices(), Assumptions(requests_per_month=requests * times))
        assert found == estimate(one, prices(), Assumptions(requests_per_month=requests))
        assert found.usd <= more.usd * (1 + 1e-9)
        assert 0 <= found.lowest_usd <= found.usd * (1 + 1e-9)
        assert found.usd <= found.highest_usd * (1 + 1e-9)
        assert found.usd == pytest.approx(sum(line.usd for line in found.lines))
        for each in found.savings:
            assert 0 <= each.lowest_usd <= each.highest_usd
        assert layout_of(one).zones >= 2

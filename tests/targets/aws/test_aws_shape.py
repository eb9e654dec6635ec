"""What the apps are made of on AWS: tiers, zones, data, logs, the dashboard, alarms."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairway.core.spec.parse import parse
from tests.targets.aws.shapes import all_resources, app, resources, templates

EXAMPLES = Path(__file__).parents[3] / "examples"


def each(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of every shape and environment."""
    for where, resource in all_resources():
        if resource["Type"] == kind:
            yield where, resource["Properties"]


@pytest.mark.validated("R10", "R25")
def test_services_are_tasks_of_fargate_that_only_the_balancer_shows() -> None:
    found = list(each("AWS::ECS::Service"))
    assert found
    for where, service in found:
        assert service["LaunchType"] == "FARGATE", where
        at = service["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert (at["AssignPublicIp"], at["Subnets"]) == (
            "DISABLED",
            {"Ref": "TakeServicesSubnets"},
        ), where
    for where, balancer in each("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        assert balancer["Subnets"] == {"Ref": "TakePublicSubnets"}, where


@pytest.mark.validated("R30")
def test_tasks_are_spread_over_zones_each_with_a_way_out_of_its_own() -> None:
    network = templates(app("weather", "production"))["network.json"]["Resources"]
    zones = {str(network[f"Services{zone}"]["Properties"]["AvailabilityZone"]) for zone in (1, 2)}
    assert len(zones) == 2
    assert {"Nat1", "Nat2"} <= network.keys()
    for where, service in each("AWS::ECS::Service"):
        if service["DeploymentConfiguration"]["Strategy"] == "ROLLING":  # ECS knows no other here
            assert service["AvailabilityZoneRebalancing"] == "ENABLED", where


@pytest.mark.validated("R4", "R27", "R35")
def test_the_bandit_s_api_scales_from_two_and_its_page_not_with_it() -> None:
    found = templates(app("bandit", "production"))
    scaling = found["service-api.json"]["Resources"]["Scaling"]["Properties"]
    assert (scaling["MinCapacity"], scaling["MaxCapacity"]) == (2, 8)
    (site,) = (
        one
        for one in found["edge-frontend.json"]["Resources"].values()
        if one["Type"] == "AWS::CloudFront::Distribution"
    )
    origins = site["Properties"]["DistributionConfig"]["Origins"]
    assert all("S3OriginConfig" in origin for origin in origins)


@pytest.mark.validated("R220")
def test_the_bandit_s_api_is_limited_at_the_balancer_too() -> None:
    firewall = templates(app("bandit", "production"))["balancer.json"]["Resources"]["Firewall"]
    limits = [
        rule["Statement"]["RateBasedStatement"]
        for rule in firewall["Properties"]["Rules"]
        if "RateBasedStatement" in rule["Statement"]
    ]
    assert limits
    assert all(limit["AggregateKeyType"] == "IP" for limit in limits)


@pytest.mark.validated("R23")
def test_certificates_renew_themselves_by_their_record_in_dns() -> None:
    found = list(each("AWS::CertificateManager::Certificate"))
    assert found
    for where, certificate in found:
        assert certificate["ValidationMethod"] == "DNS", where
        for option in certificate["DomainValidationOptions"]:
            assert option["HostedZoneId"] == {"Ref": "HostedZoneId"}, where


@pytest.mark.validated("R70", "R72")
def test_secrets_are_in_the_secrets_manager_under_the_app_s_own_key() -> None:
    found = list(each("AWS::SecretsManager::Secret"))
    assert found
    for where, secret in found:
        assert secret["KmsKeyId"] == {"Ref": "TakeKey"}, where


@pytest.mark.validated("R79")
def test_a_table_takes_what_comes_and_can_be_brought_back_to_any_second() -> None:
    (table,) = resources(app("bandit", "production"), "AWS::DynamoDB::Table").values()
    assert table["BillingMode"] == "PAY_PER_REQUEST"  # units by use, none reserved
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] is True


@pytest.mark.validated("R80", "R89", "R116")
def test_the_planner_s_database_is_small_and_kept_every_day() -> None:
    (database,) = resources(app("planner", "production"), "AWS::RDS::DBInstance").values()
    assert database["Engine"] == "postgres"
    assert database["DBInstanceClass"] == "db.t4g.micro"  # t3.micro's successor
    assert database["PreferredBackupWindow"] == "03:00-04:00"
    assert database["BackupRetentionPeriod"] == 7


@pytest.mark.validated("R248")
def test_the_planner_s_audit_log_is_kept_a_year() -> None:
    planner = parse((EXAMPLES / "planner" / "fairway.toml").read_text()).app("production")
    bucket = resources(planner, "AWS::S3::Bucket")["data.json/BucketAudit"]
    kept = {"ExpirationInDays": 365, "Id": "keep", "Status": "Enabled"}
    assert kept in bucket["LifecycleConfiguration"]["Rules"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


@pytest.mark.validated("R163")
def test_every_container_writes_to_a_log_group_that_is_kept_for_a_while() -> None:
    found = list(each("AWS::ECS::TaskDefinition"))
    assert found
    for where, task in found:
        for container in task["ContainerDefinitions"]:
            assert container["LogConfiguration"]["LogDriver"] == "awslogs", where
    for where, group in each("AWS::Logs::LogGroup"):
        assert group["RetentionInDays"] >= 14, where


@pytest.mark.validated("R181", "R167", "R168", "R169")
def test_each_app_has_a_dashboard_with_rate_latency_errors_and_load() -> None:
    for name in ("bandit", "weather", "planner"):
        (dashboard,) = resources(app(name, "production"), "AWS::CloudWatch::Dashboard").values()
        body = json.loads(dashboard["DashboardBody"]["Fn::Sub"])
        titles = " ".join(widget["properties"]["title"] for widget in body["widgets"])
        for word in ("requests a minute", "p50, p95, p99", "errors a minute", "CPU and memory"):
            assert word in titles, name


@pytest.mark.validated("R159", "R160", "R192", "R193")
def test_alarms_come_with_the_service_that_they_watch() -> None:
    found = templates(app("planner", "production"))["service-web.json"]["Resources"]
    alarms = {key for key, one in found.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    assert {"ErrorsAlarm", "SlowAlarm", "MemoryAlarm", "UnhealthyAlarm"} <= alarms
    assert all(
        found[key]["Properties"]["AlarmActions"]
        for key in ("ErrorsAlarm", "SlowAlarm", "MemoryAlarm", "UnhealthyAlarm")
    )


@pytest.mark.validated("R198")
def test_data_hears_services_and_itself_and_nobody_else_at_the_second_wall() -> None:
    network = templates(app("weather", "production"))["network.json"]["Resources"]
    entries = [
        one["Properties"]
        for one in network.values()
        if one["Type"] == "AWS::EC2::NetworkAclEntry"
        and one["Properties"]["NetworkAclId"] == {"Ref": "DataAcl"}
        and not one["Properties"]["Egress"]
    ]
    services = {
        network[key]["Properties"]["CidrBlock"]
        for key in network
        if key in ("Services1", "Services2")
    }
    from_services = [one for one in entries if one["CidrBlock"] in services]
    assert {one["PortRange"]["From"] for one in from_services} == {5432, 6379}
    assert all(one["PortRange"]["From"] == one["PortRange"]["To"] for one in from_services)
    own = [one for one in entries if one not in from_services]
    assert all(one["CidrBlock"].startswith("10.") for one in own)
    associated = {
        str(one["Properties"]["SubnetId"])
        for one in network.values()
        if one["Type"] == "AWS::EC2::SubnetNetworkAclAssociation"
    }
    assert len(associated) == 6  # public, services and data, in two zones

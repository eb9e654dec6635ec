"""Services on AWS: hardened tasks, releases, scaling, the balancer, data, the edge."""

from typing import Any

import pytest

from fairway.core.spec.parse import parse
from fairway.targets.aws.render.edge_policies import EVERYTHING, NOT_CACHED
from tests.targets.aws.shapes import FILES, all_resources, app, app_of, resources, templates

WEB = '[service.web]\nasgi = "m:app"\npublic = true\n'


def release(text: str) -> dict[str, Any]:
    (found,) = resources(app_of(WEB + text), "AWS::ECS::Service").values()
    configuration: dict[str, Any] = found["DeploymentConfiguration"]
    return configuration


@pytest.mark.validated("R41", "R46", "R47")
def test_every_container_is_hardened() -> None:
    for where, resource in all_resources():
        if resource["Type"] != "AWS::ECS::TaskDefinition":
            continue
        (container,) = resource["Properties"]["ContainerDefinitions"]
        assert container["User"] == "1000:1000", where
        assert container["ReadonlyRootFilesystem"] is True
        assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
        assert container["LinuxParameters"]["InitProcessEnabled"] is True
        assert "curl" not in str(container.get("HealthCheck"))
        assert container["StopTimeout"] <= 120


@pytest.mark.validated("R223")
def test_a_task_may_take_longer_to_stop_than_its_drain() -> None:
    of = app_of(WEB + "timeouts.drain = '45s'")
    (task,) = resources(of, "AWS::ECS::TaskDefinition").values()
    assert task["ContainerDefinitions"][0]["StopTimeout"] >= 45
    group = resources(of, "AWS::ElasticLoadBalancingV2::TargetGroup")
    (attributes,) = (said["TargetGroupAttributes"] for said in group.values())
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "45"} in attributes


@pytest.mark.validated("R72")
def test_addresses_with_passwords_come_as_secrets() -> None:
    found = resources(app("planner", "production"), "AWS::ECS::TaskDefinition")
    (container,) = found["service-web.json/ServiceTask"]["ContainerDefinitions"]
    secrets = {each["Name"] for each in container["Secrets"]}
    assert secrets == {"DATABASE_URL", "REDIS_URL", "SESSION_KEY"}
    assert not secrets & {each["Name"] for each in container["Environment"]}


@pytest.mark.validated("R115", "R145")
def test_where_one_is_enough_at_night_a_release_can_start_another_beside_it() -> None:
    night = 'off_hours = { replicas = "1..3", from = "22:00", to = "05:00" }'
    assert release(f"replicas = '3..6'\n{night}")["MaximumPercent"] == 200


@pytest.mark.validated("R145", "R147")
def test_rolling_starts_one_more_and_goes_back_by_itself() -> None:
    said = release("replicas = 3")
    assert (said["Strategy"], said["MinimumHealthyPercent"]) == ("ROLLING", 100)
    assert said["MaximumPercent"] == 134
    breaker = said["DeploymentCircuitBreaker"]
    assert breaker["Enable"]
    assert breaker["Rollback"]
    assert breaker["ThresholdConfiguration"] == {"Type": "COUNT", "Value": 3}
    assert said["Alarms"]["Rollback"] is True


@pytest.mark.validated("R148", "R149", "R150")
def test_blue_green_keeps_blue_for_a_while() -> None:
    said = release('release = "blue_green"')
    assert (said["Strategy"], said["BakeTimeInMinutes"]) == ("BLUE_GREEN", 10)
    of = app_of(WEB + 'release = "blue_green"')
    assert len(resources(of, "AWS::ElasticLoadBalancingV2::TargetGroup")) == 2
    (found,) = resources(of, "AWS::ECS::Service").values()
    assert found["LoadBalancers"][0]["AdvancedConfiguration"]["ProductionListenerRule"]


@pytest.mark.validated("R151", "R152")
def test_a_canary_is_ten_percent_for_fifteen_minutes() -> None:
    said = release('release = "canary"')
    assert said["Strategy"] == "CANARY"
    assert said["CanaryConfiguration"] == {"CanaryBakeTimeInMinutes": 15, "CanaryPercent": 10}


@pytest.mark.validated("R153")
def test_even_steps_are_linear() -> None:
    said = release('release.canary = ["25% for 5m", "50% for 5m", "75% for 5m"]')
    assert said["Strategy"] == "LINEAR"
    assert said["LinearConfiguration"] == {"StepBakeTimeInMinutes": 5, "StepPercent": 25}


@pytest.mark.validated("R236", "R237", "R238", "R240", "R241")
def test_scaling_is_up_by_any_and_down_by_both() -> None:
    planner = app("planner", "production")
    (target,) = resources(planner, "AWS::ApplicationAutoScaling::ScalableTarget").values()
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 10)
    alarms = resources(planner, "AWS::CloudWatch::Alarm")
    cpu, memory = (alarms[f"service-web.json/Up{kind}Alarm"] for kind in ("Cpu", "Memory"))
    assert (cpu["Threshold"], cpu["EvaluationPeriods"]) == (70, 1)
    assert (memory["Threshold"], memory["EvaluationPeriods"]) == (80, 1)
    down = alarms["service-web.json/DownAlarm"]
    assert down["Metrics"][0]["Expression"] == "IF(c<30 AND m<40,1,0)"
    assert down["EvaluationPeriods"] == 5


def test_a_count_that_scaling_owns_is_not_set_back_by_an_update() -> None:
    (scaled,) = resources(app_of(WEB + 'replicas = "2..4"'), "AWS::ECS::Service").values()
    assert "DesiredCount" not in scaled
    (fixed,) = resources(app_of(WEB + "replicas = 3"), "AWS::ECS::Service").values()
    assert fixed["DesiredCount"] == 3


@pytest.mark.validated("R115")
def test_fewer_run_at_night() -> None:
    targets = resources(app("weather", "production"), "AWS::ApplicationAutoScaling::ScalableTarget")
    (target,) = targets.values()
    assert [each["Schedule"] for each in target["ScheduledActions"]] == [
        "cron(0 22 * * ? *)",
        "cron(0 5 * * ? *)",
    ]


@pytest.mark.validated("R13", "R14", "R20", "R21", "R22")
def test_the_balancer_speaks_tls_1_3_and_leads_http_there() -> None:
    listeners = resources(app("planner", "production"), "AWS::ElasticLoadBalancingV2::Listener")
    secure = listeners["balancer.json/Listener"]
    assert secure["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-3-2021-06"
    keys = {each["Key"] for each in secure["ListenerAttributes"]}
    assert "routing.http.response.strict_transport_security.header_value" in keys
    redirect = listeners["balancer.json/Redirect"]["DefaultActions"][0]
    assert redirect["RedirectConfig"]["Protocol"] == "HTTPS"


@pytest.mark.validated("R84", "R85")
def test_a_read_replica_has_a_standby_in_another_zone_where_its_file_says_so() -> None:
    text = "[database.db]\nread_replicas = 2\nreplica_zones = 2\n"
    found = resources(app_of(text), "AWS::RDS::DBInstance")
    assert [each["MultiAZ"] for each in found.values()] == [False, True, True]


@pytest.mark.validated("R84", "R85", "R86", "R88", "R91", "R246")
def test_the_weather_database_is_as_its_file_says() -> None:
    databases = resources(app("weather", "production"), "AWS::RDS::DBInstance")
    main, replica = databases["data.json/DatabaseDb"], databases["data.json/DatabaseDbReplica1"]
    assert main["MultiAZ"] is True
    assert main["BackupRetentionPeriod"] == 7
    assert main["StorageEncrypted"] is True
    assert main["DeletionProtection"] is True
    assert main["AutoMinorVersionUpgrade"] is True
    assert replica["SourceDBInstanceIdentifier"] == {"Ref": "DatabaseDb"}
    assert "MultiAZ" not in replica
    parameters = resources(app("weather", "production"), "AWS::RDS::DBParameterGroup")
    (group,) = parameters.values()
    assert group["Parameters"]["rds.force_ssl"] == "1"
    assert int(group["Parameters"]["log_min_duration_statement"]) > 0


@pytest.mark.validated("R78")
def test_a_serverless_database_scales_with_its_load() -> None:
    (cluster,) = resources(app("insights", "production"), "AWS::RDS::DBCluster").values()
    assert cluster["ServerlessV2ScalingConfiguration"]["MinCapacity"] == 0.5


@pytest.mark.validated("R97")
def test_the_cache_speaks_tls_and_asks_for_a_password() -> None:
    found = resources(app("planner", "production"), "AWS::ElastiCache::ReplicationGroup")
    (cache,) = found.values()
    assert cache["TransitEncryptionEnabled"] is True
    assert "resolve:secretsmanager" in str(cache["AuthToken"])
    assert not resources(app("planner", "dev"), "AWS::ElastiCache::ReplicationGroup")


@pytest.mark.validated("R105", "R106")
def test_objects_get_cheaper_and_end_as_the_file_says() -> None:
    files = resources(app("weather", "production"), "AWS::S3::Bucket")["data.json/BucketFiles"]
    assert "INTELLIGENT_TIERING" in str(files["LifecycleConfiguration"])
    kept = resources(app("planner", "production"), "AWS::S3::Bucket")["data.json/BucketReports"]
    assert {"ExpirationInDays": 365, "Id": "keep", "Status": "Enabled"} in (
        kept["LifecycleConfiguration"]["Rules"]
    )


@pytest.mark.validated("R2", "R5", "R7", "R11")
def test_the_bandit_s_page_is_a_private_bucket_behind_the_cdn_with_cors_and_firewall() -> None:
    edge = templates(app("bandit", "production"))["edge-frontend.json"]["Resources"]
    assert edge["SitePageBucket"]["Properties"]["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    distribution = edge["SitePageDistribution"]["Properties"]["DistributionConfig"]
    assert distribution["WebACLId"] == {"Fn::GetAtt": ["Firewall", "Arn"]}
    balancer = templates(app("bandit", "production"))["balancer.json"]["Resources"]
    listener = balancer["Listener"]["Properties"]["ListenerAttributes"]
    (allowed,) = (each["Value"] for each in listener if "allow_origin" in each["Key"])
    assert allowed == {"Fn::Sub": "https://${FrontendDomain}"}
    assert balancer["Firewall"]["Properties"]["Scope"] == "REGIONAL"


@pytest.mark.validated("R8")
def test_answers_of_the_weather_api_are_kept_for_a_minute_without_cookies() -> None:
    edge = templates(app("weather", "production"))["edge.json"]["Resources"]
    config = edge["ServiceApiDistribution"]["Properties"]["DistributionConfig"]
    (kept,) = config["CacheBehaviors"]
    assert kept["PathPattern"] == "/api/v1/*"
    assert "OriginRequestPolicyId" not in kept
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.3_2025"
    policy = edge["ServiceApiKept60"]["Properties"]["CachePolicyConfig"]
    assert policy["MaxTTL"] == 60


@pytest.mark.validated("R9")
def test_one_line_puts_a_cdn_before_the_planner_s_static_files_and_its_sessions_go_through() -> (
    None
):
    text = (FILES / "planner.toml").read_text()
    line = 'sticky   = true\ncache = { "/static/*" = "1h" }'
    later = templates(parse(text.replace("sticky   = true", line)).app("production"))
    assert "edge.json" not in templates(app("planner", "production"))
    config = later["edge.json"]["Resources"]["ServiceWebDistribution"]["Properties"]
    (kept,) = config["DistributionConfig"]["CacheBehaviors"]
    assert kept["PathPattern"] == "/static/*"
    whole = config["DistributionConfig"]["DefaultCacheBehavior"]
    assert (whole["CachePolicyId"], whole["OriginRequestPolicyId"]) == (NOT_CACHED, EVERYTHING)
    assert {"GET", "POST"} <= set(whole["AllowedMethods"])


@pytest.mark.validated("R189", "R190", "R191", "R194", "R195")
def test_people_are_told_by_a_topic() -> None:
    planner = app("planner", "production")
    (subscription,) = resources(planner, "AWS::SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.org")
    alarms = resources(planner, "AWS::CloudWatch::Alarm")
    for kind, above in (("Errors", 1), ("Slow", 2), ("Memory", 80)):
        alarm = alarms[f"service-web.json/{kind}Alarm"]
        assert alarm["Threshold"] == above
        assert alarm["AlarmActions"]
    loud = app_of('[job.load]\ncommand = "x"\n[alarm]\nnotify = "https://example.org/x"')
    assert "alarms.json/RunLoadFailed" in resources(loud, "AWS::CloudWatch::Alarm")


@pytest.mark.parametrize(
    ("limits", "errors", "slow"),
    [
        ('error_rate = "> 0.5%"\np95 = "> 1m30s"', 0.5, 90.0),
        ('error_rate = "> 2%"\np95 = "> 250ms"', 2.0, 0.25),
        ('p95 = "> 1d"', 1.0, 86400.0),
    ],
)
@pytest.mark.validated("R189", "R190")
def test_a_limit_is_the_same_number_on_aws_as_in_the_file(
    limits: str, errors: float, slow: float
) -> None:
    of = app_of(f'{WEB}[alarm]\nnotify = "mailto:ops@example.org"\n{limits}')
    found = resources(of, "AWS::CloudWatch::Alarm")
    thresholds = {key.rpartition("/")[2]: said["Threshold"] for key, said in found.items()}
    assert (thresholds["ErrorsAlarm"], thresholds["SlowAlarm"]) == (errors, slow)

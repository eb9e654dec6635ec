"""The CDN's access logs: each distribution has one, and nobody else writes where they lie."""

from collections.abc import Iterator
from typing import Any

import pytest

from fairway.core import names
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import render, stacks
from tests.targets.aws.shapes import APPS, ENVIRONMENTS, PIPELINE, app, app_of, beside, templates

DISTRIBUTION = "AWS::CloudFront::Distribution"
SOURCE = "AWS::Logs::DeliverySource"
DESTINATION = "AWS::Logs::DeliveryDestination"
DELIVERY = "AWS::Logs::Delivery"
EDGE = """
[site.page]
root = "site"
[site.help]
root = "help"
[service.web]
asgi = "w:app"
public = true
cache = { "/a/*" = "60s" }
[service.light]
asgi = "l:app"
public = true
kind = "function"
cache = { "/b/*" = "60s" }
"""
ACCOUNTS = """
[environment.production.accounts]
frontend = "111111111111"
backend = "222222222222"
"""
Template = dict[str, Any]


def edge(lines: str = EDGE, path: str = "edge.json") -> Template:
    found: Template = templates(app_of(lines))[path]["Resources"]
    return found


def of_type(kind: str, resources: Template) -> Template:
    return {key: each for key, each in resources.items() if each["Type"] == kind}


def sourced(resources: Template) -> dict[str, str]:
    """Distribution -> the source of its log, by their logical ids."""
    return {
        arn.rpartition("${")[2].removesuffix("}"): key
        for key, each in of_type(SOURCE, resources).items()
        for arn in [each["Properties"]["ResourceArn"]["Fn::Sub"]]
    }


def edges() -> Iterator[tuple[str, Template]]:
    """Every rendered template with a distribution."""
    for name in APPS:
        for environment in ENVIRONMENTS:
            for path, template in templates(app(name, environment)).items():
                if of_type(DISTRIBUTION, template["Resources"]):
                    yield f"{name}/{environment}/{path}", template["Resources"]


@pytest.mark.validated("R164")
def test_every_distribution_of_sites_services_and_functions_writes_its_log() -> None:
    found = edge()
    assert sourced(found) == {
        "SitePageDistribution": "SitePageDistributionLogSource",
        "SiteHelpDistribution": "SiteHelpDistributionLogSource",
        "ServiceWebDistribution": "ServiceWebDistributionLogSource",
        "ServiceLightDistribution": "ServiceLightDistributionLogSource",
    }
    for source in sourced(found).values():
        assert found[source]["Properties"]["LogType"] == "ACCESS_LOGS"


@pytest.mark.validated("R164")
def test_no_shape_has_a_distribution_without_a_log() -> None:
    seen = dict(edges())
    assert {"bandit/production/edge-frontend.json", "weather/dev/edge.json"} <= seen.keys()
    for where, found in seen.items():
        assert sourced(found).keys() == of_type(DISTRIBUTION, found).keys(), where
        delivered = [
            each["Properties"]["DeliverySourceName"]["Ref"]
            for each in of_type(DELIVERY, found).values()
        ]
        assert sorted(delivered) == sorted(sourced(found).values()), where


def test_a_source_and_its_destination_are_called_by_stack_and_node() -> None:
    found = edge()
    called = {key: each["Properties"]["Name"] for key, each in of_type(SOURCE, found).items()}
    assert called["SitePageDistributionLogSource"] == "shop-production-edge-page"
    assert called["ServiceLightDistributionLogSource"] == "shop-production-edge-light"
    assert len(set(called.values())) == len(called)
    (destination,) = of_type(DESTINATION, found).values()
    assert destination["Properties"]["Name"] == "shop-production-edge-logs"


def test_a_name_that_is_too_long_for_aws_is_cut_and_stays_one_of_its_own() -> None:
    long = ["a" * 39 + "b", "a" * 39 + "c"]
    lines = "".join(f'[site.{name}]\nroot = "{name}"\n' for name in long)
    called = [each["Properties"]["Name"] for each in of_type(SOURCE, edge(lines)).values()]
    assert [len(name) for name in called] == [60, 60]
    assert len(set(called)) == 2
    whole = names.cloud_name("shop", "production", "edge", long[0], limit=60)
    assert whole in called


def test_a_site_named_logs_does_not_take_the_destinations_name_away() -> None:
    found = edge('[site.logs]\nroot = "site"\n')
    (source,) = of_type(SOURCE, found).values()
    (destination,) = of_type(DESTINATION, found).values()
    # A source and a destination are named apart at AWS: both may be called alike.
    assert source["Properties"]["Name"] == destination["Properties"]["Name"]


@pytest.mark.validated("R164")
def test_lines_are_json_with_who_asked_what_and_without_cookies() -> None:
    found = edge()
    (destination,) = of_type(DESTINATION, found).values()
    assert destination["Properties"]["OutputFormat"] == "json"
    assert destination["Properties"]["DestinationResourceArn"] == {
        "Fn::GetAtt": ["LogsBucket", "Arn"]
    }
    for each in of_type(DELIVERY, found).values():
        fields = each["Properties"]["RecordFields"]
        assert {"date", "time", "c-ip", "cs-method", "cs-uri-stem", "sc-status"} <= set(fields)
        assert {"cs(User-Agent)", "x-edge-request-id", "x-forwarded-for"} <= set(fields)
        assert "cs(Cookie)" not in fields
        assert len(set(fields)) == len(fields)
        # An update of a suffix path would lead out of the folder that the policy opens.
        assert "S3SuffixPath" not in each["Properties"]


def test_deliveries_are_made_one_after_the_other_and_after_the_bucket_lets_them_write() -> None:
    found = of_type(DELIVERY, edge())
    assert {key: each["DependsOn"] for key, each in found.items()} == {
        "SiteHelpDistributionLog": ["LogsBucketPolicy"],
        "SitePageDistributionLog": ["LogsBucketPolicy", "SiteHelpDistributionLog"],
        "ServiceLightDistributionLog": ["LogsBucketPolicy", "SitePageDistributionLog"],
        "ServiceWebDistributionLog": ["LogsBucketPolicy", "ServiceLightDistributionLog"],
    }
    for each in found.values():
        assert each["Properties"]["DeliveryDestinationArn"] == {
            "Fn::GetAtt": ["LogDestination", "Arn"]
        }


@pytest.mark.validated("R164")
def test_the_bucket_is_private_encrypted_and_keeps_a_year_as_that_of_the_balancer() -> None:
    beside_balancer = templates(app_of(EDGE))["data.json"]["Resources"]["LogsBucket"]
    assert edge()["LogsBucket"] == beside_balancer
    (rule,) = beside_balancer["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 365
    assert beside_balancer["Properties"]["OwnershipControls"] == {
        "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]
    }
    assert beside_balancer["DeletionPolicy"] == "RetainExceptOnCreate"


@pytest.mark.validated("R164")
def test_only_the_cdn_s_and_the_sites_logs_of_this_account_come_into_it_by_tls_alone() -> None:
    policy = edge()["LogsBucketPolicy"]["Properties"]
    assert policy["Bucket"] == {"Ref": "LogsBucket"}
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Action": ["s3:*"],
            "Condition": {"Bool": {"aws:SecureTransport": False}},
            "Effect": "Deny",
            "Principal": "*",
            "Resource": [
                {"Fn::GetAtt": ["LogsBucket", "Arn"]},
                {"Fn::Join": ["/", [{"Fn::GetAtt": ["LogsBucket", "Arn"]}, "*"]]},
            ],
        },
        {
            "Action": ["s3:PutObject"],
            "Condition": {"StringEquals": {"aws:SourceAccount": {"Fn::Sub": "${AWS::AccountId}"}}},
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Resource": {"Fn::Sub": "${LogsBucket.Arn}/buckets/*"},
        },
        {
            "Action": ["s3:PutObject"],
            "Condition": {
                "ArnLike": {
                    "aws:SourceArn": {
                        "Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}"
                        ":delivery-source:*"
                    }
                },
                "StringEquals": {
                    "aws:SourceAccount": {"Fn::Sub": "${AWS::AccountId}"},
                    "s3:x-amz-acl": "bucket-owner-full-control",
                },
            },
            "Effect": "Allow",
            "Principal": {"Service": "delivery.logs.amazonaws.com"},
            "Resource": {"Fn::Sub": "${LogsBucket.Arn}/AWSLogs/${AWS::AccountId}/*"},
        },
    ]


def test_all_of_it_stands_in_the_edge_s_own_region() -> None:
    for stack in stacks(app_of(EDGE)):
        kinds = {each.type for each in stack.resources.values()}
        if kinds & {SOURCE, DESTINATION, DELIVERY}:
            assert (stack.name, stack.region) == ("edge", "us-east-1")


@pytest.mark.validated("R164", "R204")
def test_a_site_in_another_account_writes_its_log_there() -> None:
    both = EDGE.replace('"site"\n', '"site"\naccount = "frontend"\n') + ACCOUNTS
    both = both.replace("[service.web]", '[service.web]\naccount = "backend"')
    away, home = edge(both, "edge-frontend.json"), edge(both)
    assert set(sourced(away)) == {"SitePageDistribution"}
    assert "SitePageDistribution" not in sourced(home)
    assert away["LogsBucket"] == home["LogsBucket"]
    assert away["LogsBucketPolicy"] == home["LogsBucketPolicy"]
    assert (
        away["SitePageDistributionLogSource"]["Properties"]["Name"]
        == "shop-production-edge-frontend-page"
    )
    given = away["GiveEdgeFrontendLogs"]["Properties"]
    assert given["Name"] == "/fairway/shop/production/edge-frontend/logs"
    assert given["Value"] == {"Ref": "LogsBucket"}


def test_an_app_without_an_edge_has_no_deliveries() -> None:
    plain = templates(app_of('[service.web]\nasgi = "w:app"\npublic = true\n'))
    assert not [key for each in plain.values() for key in of_type(DELIVERY, each["Resources"])]


def test_no_gap_is_left() -> None:
    for name in APPS:
        for environment in ENVIRONMENTS:
            assert not [gap for gap in gaps(app(name, environment)) if "access log" in gap.what]
    assert not [gap for gap in gaps(app_of(EDGE)) if "access log" in gap.what]


@pytest.mark.validated("R164", "R203")
def test_a_pipeline_s_role_sends_a_site_s_files_and_cannot_touch_the_logs() -> None:
    (policy,) = beside()["ci.json"]["Resources"]["Role"]["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    places = {
        each["Resource"]["Fn::Sub"]
        for each in statements
        if {"s3:DeleteObject", "s3:ListBucket"} & set(each["Action"])
    }
    opened = "arn:${AWS::Partition}:s3:::shop-production-edge-site*"
    assert places == {opened, f"{opened}/*"}
    # AWS names a bucket by its stack and logical id, in small letters.
    buckets = of_type("AWS::S3::Bucket", edge(PIPELINE)).keys()
    assert {key for key in buckets if key.lower().startswith("site")} == {"SitePageBucket"}
    assert "LogsBucket" in buckets


def test_the_same_app_gives_the_same_bytes() -> None:
    assert render(app_of(EDGE)) == render(app_of(EDGE))

"""Names at AWS: what another policy counts on is never cut, and no two are the same."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.core import names
from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from fairway.targets.aws.render import choices_for, stacks
from fairway.targets.aws.render.accounts import account_of_home
from fairway.targets.aws.render.continuous import continuous
from fairway.targets.aws.render.policies import LONGEST_ROLE
from fairway.targets.aws.render.template import Stack
from tests.properties import examples
from tests.targets.aws.shapes import APPS, PIPELINE, app

STACK_ID = (
    "arn:aws:cloudformation:us-east-1:222222222222:stack/it/51af3dc0-da77-11e4-872e-1234567db1"
)
RANDOM = "hdst4ohfvdif"
labels = st.from_regex(r"[a-z][a-z0-9-]{0,38}[a-z0-9]", fullmatch=True).filter(
    lambda text: text not in {"local", "dev", "staging", "production"}
)
PROPERTIES = {
    "AWS::CloudFront::CachePolicy": ("CachePolicyConfig", "Name"),
    "AWS::CloudFront::OriginAccessControl": ("OriginAccessControlConfig", "Name"),
    "AWS::CloudFront::ResponseHeadersPolicy": ("ResponseHeadersPolicyConfig", "Name"),
    "AWS::Logs::DeliveryDestination": ("Name",),
    "AWS::Logs::DeliverySource": ("Name",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::SSM::Parameter": ("Name",),
    "AWS::WAFv2::WebACL": ("Scope", "Name"),
}


def called_by_cloudformation(stack: str, id_: str, limit: int) -> str:
    """The worst that is known: of a name that is too long each part keeps 25 characters or fewer.

    Seen in https://github.com/KensioSoftware/yulin/issues/1113; AWS documents no rule.
    """
    if len(stack) + len(id_) + 2 + len(RANDOM) <= limit:
        return f"{stack}-{id_}-{RANDOM}"
    return f"{stack[:20]}-{id_[:20]}-{RANDOM}"


def bucket_of(stack: Stack, id_: str) -> str:
    """What a bucket is called in the end."""
    properties: Any = stack.resources[id_].properties
    said = properties.get("BucketName")
    if said is None:
        return called_by_cloudformation(stack.stack_name, id_, 63).lower()
    between, parts = said["Fn::Join"]
    assert parts[1:] == [
        {"Fn::Select": [0, {"Fn::Split": ["-", {
            "Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]
        }]}]}
    ]  # fmt: skip
    return str(between).join([parts[0], STACK_ID.split("/")[2].split("-", maxsplit=1)[0]])


def role_of(stack: Stack, id_: str) -> str:
    """A role's path and name."""
    path = str(stack.resources[id_].properties.get("Path", "/"))
    return f"role{path}{called_by_cloudformation(stack.stack_name, id_, LONGEST_ROLE)}"


def allowed(of: App, action: str) -> list[str]:
    """The last part of what the pipeline's role may do this to."""
    role = continuous(of, choices_for(of, builds="remote"))
    assert role is not None
    properties: Any = role.resources["Role"].properties
    (policy,) = properties["Policies"]
    found: list[str] = []
    for each in policy["PolicyDocument"]["Statement"]:
        if action in each["Action"] and each["Effect"] == "Allow":
            listed = each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]]
            found += [str(one["Fn::Sub"]).rpartition(":")[2] for one in listed if "Fn::Sub" in one]
    return found


def matches(patterns: list[str], name: str) -> bool:
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name) is not None
        for pattern in patterns
    )


def shop(name: str, environment: str, site: str, service: str) -> App:
    text = PIPELINE.replace("site.page", f"site.{site}").replace(
        "service.web", f"service.{service}"
    )
    of = parse(f'app = "{name}"\n{text}').app("production")
    pipeline = of.pipeline
    assert pipeline is not None
    promote = {environment: "auto"}
    return replace(of, environment=environment, pipeline=replace(pipeline, promote=promote))


def checked(of: App) -> Iterator[str]:
    """Every bucket and role that the pipeline reaches by name; what it may not is an error."""
    found = {each.name: each for each in stacks(of, choices_for(of, builds="remote"))}
    for id_, each in found["edge"].resources.items():
        if each.type == "AWS::S3::Bucket" and id_ != "LogsBucket":
            name = bucket_of(found["edge"], id_)
            assert len(name) <= 63
            assert matches(allowed(of, "s3:ListBucket"), name), name
            assert matches(allowed(of, "s3:DeleteObject"), f"{name}/index.html"), name
            yield name
    sources = bucket_of(found["build"], "Sources")
    assert len(sources) <= 63
    assert matches(allowed(of, "s3:PutObject"), f"{sources}/one.zip"), sources
    yield sources
    for id_, each in found["before"].resources.items():
        if each.type == "AWS::IAM::Role":
            role = role_of(found["before"], id_)
            assert matches(allowed(of, "iam:PassRole"), role), role
            yield role


@pytest.mark.validated("R127", "R203")
@given(labels, labels, labels, labels)
@examples(40)
def test_a_pipeline_reaches_what_its_app_has_however_long_its_names_are(
    name: str, environment: str, site: str, service: str
) -> None:
    if site != service:
        assert len(list(checked(shop(name, environment, site, service)))) == 4


@pytest.mark.validated("R203")
def test_a_pipeline_reaches_nothing_of_an_app_whose_name_starts_alike() -> None:
    long = "a-company-with-a-long-name-and-a-shop"
    one = shop(f"{long}-1", "production-europe", "the-page-of-the-shop", "web")
    two = shop(f"{long}-2", "production-europe", "the-page-of-the-shop", "web")
    for mine, other in ((one, two), (two, one)):
        for name in checked(other):
            for action in ("s3:ListBucket", "s3:PutObject", "iam:PassRole"):
                patterns = allowed(mine, action)
                assert not matches(patterns, name), (patterns, name)
                assert not matches(patterns, f"{name}/index.html"), (patterns, name)


def test_only_what_would_be_cut_is_named_here() -> None:
    """A name of CloudFormation's own lets a bucket that was kept be beside its successor."""
    short = shop("shop", "production", "page", "web")
    for stack in stacks(short, choices_for(short, builds="remote")):
        for each in stack.resources.values():
            assert "BucketName" not in each.properties
            assert "Path" not in each.properties


@given(labels, labels)
@examples(100)
def test_a_name_that_is_cut_keeps_its_start_and_ends_in_a_digest(stack: str, id_: str) -> None:
    found = names.bucket_start(f"{stack}-production-edge", id_)
    assert len(found) <= 63 - 9
    assert f"{stack}-production-edge-{id_}".startswith(found[:40])
    assert found == names.bucket_start(f"{stack}-production-edge", id_)


# -- The same name twice -----------------------------------------------------------------------


def taken(of: App) -> Counter[tuple[str, ...]]:
    """Account, region, type and name of all that has a name of ours."""
    found: Counter[tuple[str, ...]] = Counter()
    at_home = of.accounts.get(account_of_home(of) or "", "home")
    for stack in stacks(of):
        place = (at_home if stack.account is None else of.accounts[stack.account],)
        for each in stack.resources.values():
            if each.type in PROPERTIES:
                region = "" if "CloudFront" in each.type else stack.region or "its own"
                name = tuple(str(value(each.properties, key)) for key in PROPERTIES[each.type])
                found[(*place, region, each.type, *name)] += 1
    return found


def value(properties: Any, key: str) -> Any:
    found = properties.get(key)
    return found.get("Name") if isinstance(found, dict) and key.endswith("Config") else found


SITES = """
[service.api]
asgi = "m:app"
public = true
firewall = true
account = "backend"
[site.one]
root = "one"
calls = ["api"]
account = "front"
[site.two]
root = "two"
calls = ["api"]
account = "pages"
[accounts]
backend = "222222222222"
front = "111111111111"
pages = "111111111111"
"""


@pytest.mark.validated("R204", "R11")
def test_two_accounts_of_the_file_may_be_one_of_aws() -> None:
    of = parse(f'app = "shop"\n{SITES}').app("production")
    assert {stack.name for stack in stacks(of)} >= {"edge-front", "edge-pages"}
    walls = {key: count for key, count in taken(of).items() if "AWS::WAFv2::WebACL" in key}
    assert len(walls) == 3
    assert [key for key, count in taken(of).items() if count > 1] == []


@pytest.mark.parametrize("name", APPS)
def test_no_two_things_of_an_app_have_one_name(name: str) -> None:
    assert [key for key, count in taken(app(name, "production")).items() if count > 1] == []

"""Front end and back end in accounts of their own, from one file: who stands where, who deploys."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fairway.cli.aws import domains, others
from fairway.core.problem import Problems
from fairway.targets.aws.account import Account
from fairway.targets.aws.course import Given
from fairway.targets.aws.decide.order import asked
from fairway.targets.aws.decide.others import values_of
from fairway.targets.aws.decide.strangers import strangers
from fairway.targets.aws.deploying import deploy
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import Stack, choices_for, stacks
from fairway.targets.aws.render.commands import commands
from fairway.targets.aws.render.limits import limits
from fairway.targets.aws.stacks import Stacks
from fairway.targets.aws.waiting import Clock
from tests.targets.aws.shapes import app, app_of, templates

BANDIT = app("bandit", "production")
FRONT, BACK = "111111111111", "222222222222"
TEXT = """
[site.page]
root = "site"
calls = ["api"]
account = "frontend"
[site.help]
root = "help"
[service.api]
asgi = "m:app"
public = true
account = "backend"
cache = {{ "/a/*" = "60s" }}
[environment.production.accounts]
frontend = "{front}"
backend = "{back}"
"""


def of_both(front: str = FRONT, back: str = BACK) -> Any:
    return app_of(TEXT.format(front=front, back=back))


def there(account: str | None) -> dict[str, Stack]:
    return {each.name: each for each in stacks(BANDIT) if each.account == account}


def taken(stack: Stack) -> set[str]:
    """What a stack takes from others, by its path in SSM."""
    return {
        str(said["Default"])
        for said in stack.parameters.values()
        if str(said["Type"]).startswith("AWS::SSM::")
    }


def given(stack: Stack) -> set[str]:
    return {
        str(each.properties["Name"])
        for each in stack.resources.values()
        if each.type == "AWS::SSM::Parameter"
    }


@pytest.mark.validated("R204", "R2")
def test_bucket_cdn_and_certificate_stand_in_one_account_and_the_rest_in_the_other() -> None:
    front = there("frontend")
    assert set(front) == {"edge-frontend"}
    kinds = {each.type for each in front["edge-frontend"].resources.values()}
    assert {
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::CloudFront::Distribution",
        "AWS::CertificateManager::Certificate",
    } <= kinds
    back = there(None)
    held = {each.type for stack in back.values() for each in stack.resources.values()}
    assert {"AWS::ECS::Cluster", "AWS::EC2::VPC", "AWS::DynamoDB::Table"} <= held
    assert "AWS::CloudFront::Distribution" not in held
    assert "SitePageBucket" not in {key for stack in back.values() for key in stack.resources}


@pytest.mark.validated("R204")
def test_no_stack_takes_what_one_of_another_account_hands_over() -> None:
    for account in (None, "frontend"):
        own = there(account).values()
        handed = {path for stack in own for path in given(stack)}
        assert {path for stack in own for path in taken(stack)} <= handed
    assert not taken(there("frontend")["edge-frontend"])


@pytest.mark.validated("R204", "R7")
def test_what_crosses_accounts_is_a_domain_that_whoever_deploys_gives() -> None:
    found = templates(BANDIT)
    edge = found["edge-frontend.json"]
    assert set(edge["Parameters"]) == {"Domain", "HostedZoneId", "ServicesDomain"}
    headers = edge["Resources"]["SitePageHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    policy = headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    assert "connect-src 'self' https://${ServicesDomain};" in policy["Fn::Sub"]
    balancer = found["balancer.json"]
    assert {"Domain", "HostedZoneId", "FrontendDomain"} <= set(balancer["Parameters"])
    said = balancer["Resources"]["Listener"]["Properties"]["ListenerAttributes"]
    (origin,) = (each["Value"] for each in said if "allow_origin" in each["Key"])
    assert origin == {"Fn::Sub": "https://${FrontendDomain}"}


@pytest.mark.validated("R204", "R11")
def test_a_firewall_stands_before_the_page_in_its_account_too() -> None:
    edge = templates(BANDIT)["edge-frontend.json"]["Resources"]
    config = edge["SitePageDistribution"]["Properties"]["DistributionConfig"]
    assert config["WebACLId"] == {"Fn::GetAtt": ["Firewall", "Arn"]}


def test_a_function_lets_pages_of_the_other_account_read_its_answers() -> None:
    text = TEXT.format(front=FRONT, back=BACK).replace("public", 'kind = "function"\npublic')
    stack = templates(app_of(text))["service-api.json"]
    assert "FrontendDomain" in stack["Parameters"]
    allowed = stack["Resources"]["Api"]["Properties"]["CorsConfiguration"]["AllowOrigins"]
    assert allowed == [{"Fn::Sub": "https://${FrontendDomain}"}]


def test_names_are_those_of_their_own_domain_in_each_account() -> None:
    found = templates(of_both())
    assert set(found) >= {"edge.json", "edge-frontend.json"}
    aliases = {
        key: each["Properties"]["DistributionConfig"]["Aliases"]
        for path in ("edge.json", "edge-frontend.json")
        for key, each in found[path]["Resources"].items()
        if each["Type"] == "AWS::CloudFront::Distribution"
    }
    assert aliases == {
        "SitePageDistribution": [{"Fn::Sub": "${Domain}"}],
        "SiteHelpDistribution": [{"Fn::Sub": "${Domain}"}],
        "ServiceApiDistribution": [{"Fn::Sub": "api.${Domain}"}],
    }
    headers = found["edge-frontend.json"]["Resources"]["SitePageHeaders"]
    assert "https://api.${ServicesDomain}" in str(headers)


@pytest.mark.parametrize("environment", ["dev", "staging"])
def test_an_environment_without_accounts_stands_in_one(environment: str) -> None:
    of = app("bandit", environment)
    assert {stack.account for stack in stacks(of)} == {None}
    said = [gap for gap in gaps(of) if gap.where.endswith(".account")]
    assert [gap.where for gap in said] == ["service.api.account", "site.page.account"]
    assert f"[environment.{environment}.accounts]" in said[0].mend


def test_two_names_of_one_account_are_one_account() -> None:
    of = of_both(front=BACK)
    assert {stack.account for stack in stacks(of)} == {None}
    assert not [gap for gap in gaps(of) if gap.where.endswith(".account")]


# -- Deploy ------------------------------------------------------------------------------------


def lines() -> list[str]:
    return commands(BANDIT, stacks(BANDIT), "infra")


@pytest.mark.requirement("R204")
def test_each_line_says_whose_it_is_by_a_profile_and_a_domain() -> None:
    front = [line for line in lines() if "edge-frontend" in line]
    (deploy,) = front
    assert '--profile "$FRONTEND_PROFILE"' in deploy
    assert 'Domain="$FRONTEND_DOMAIN" HostedZoneId="$FRONTEND_HOSTED_ZONE_ID"' in deploy
    assert 'ServicesDomain="$DOMAIN"' in deploy
    assert '${FRONTEND_DEPLOY_ROLE:+--role-arn "$FRONTEND_DEPLOY_ROLE"}' in deploy
    (balancer,) = [line for line in lines() if "production-balancer" in line]
    assert 'FrontendDomain="$FRONTEND_DOMAIN"' in balancer
    assert "PROFILE" not in balancer
    after = lines()[lines().index(deploy) + 1 :][:4]
    sync, tell, page, anew = after
    assert [line.split()[1] for line in (sync, page, anew)] == ["s3", "s3", "cloudfront"]
    assert "--exclude '.*'" in sync
    told = r'printf %s "{\"API_URL\": \"https://$DOMAIN\"}" | aws s3 cp'
    assert tell.startswith(f"test -e site/fairway.json || {told}")
    for line in after:
        assert line.count("aws ") == line.count('--profile "$FRONTEND_PROFILE"')


def checked(number: str, tmp_path: Any) -> list[subprocess.CompletedProcess[str]]:
    """The lines that look who is signed in, with an `aws` that says this number."""
    tool = tmp_path / "aws"
    tool.write_text(f"#!/bin/sh\necho {number}\n")
    tool.chmod(0o755)
    asked = [line for line in lines() if "get-caller-identity" in line]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "FRONTEND_PROFILE": "front"}
    return [
        subprocess.run(
            ["sh", "-e", "-c", line], env=environment, capture_output=True, text=True, check=False
        )
        for line in asked
    ]


def test_the_script_stops_where_it_is_signed_in_to_another_account(tmp_path: Any) -> None:
    back, front = checked(BACK, tmp_path)
    assert (back.returncode, back.stderr) == (0, "")
    assert front.returncode == 1
    assert front.stderr == f"FRONTEND_PROFILE is not of account {FRONT}\n"
    back, front = checked(FRONT, tmp_path)
    assert back.stderr == f"you are not signed in to account {BACK}\n"
    assert front.returncode == 0


@pytest.mark.requirement("R204")
def test_a_deploy_asks_nobody_to_sign_in_to_another_account_but_whoever_says_how() -> None:
    nothing = Account(session=None, region="eu-west-1", number=BACK)  # a call would fail
    given = Given(images=lambda registry, parameters: {}, values={}, folder=Path())
    with pytest.raises(Problems) as caught:
        deploy(Environment(nothing, BANDIT, stacks(BANDIT)), given)
    assert [problem.where for problem in caught.value.problems] == ["accounts.frontend"]
    assert not [gap for gap in gaps(BANDIT) if "account" in gap.where]


def test_the_profile_of_another_account_is_said_as_in_the_script(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FRONTEND_PROFILE", raising=False)
    with pytest.raises(Problems, match="export FRONTEND_PROFILE=") as caught:
        others(BANDIT, "eu-west-1")("frontend")
    assert FRONT in str(caught.value)
    monkeypatch.setenv("FRONTEND_DOMAIN", "example.net")
    assert domains("frontend") == ("example.net", None)


def test_a_stack_of_another_account_is_given_values_by_its_own_names() -> None:
    values = {
        "Domain": "api.example.org",
        "HostedZoneId": "Z1",
        "FrontendDomain": "example.net",
        "FrontendHostedZoneId": "Z2",
        "Image": "registry:tag",
    }
    edge = there("frontend")["edge-frontend"]
    given = values_of(edge, values)
    assert given == {
        "Domain": "example.net", "HostedZoneId": "Z2", "ServicesDomain": "api.example.org"
    }  # fmt: skip
    assert set(asked(edge)) == set(given)
    assert values_of(there(None)["balancer"], values) == values
    assert set(asked(there(None)["balancer"])) <= set(values)


def test_a_large_template_of_another_account_goes_in_the_call_itself() -> None:
    """Nobody there may read the bucket in which home's large templates lie."""
    uploaded: list[str] = []

    def upload(key: str, body: str) -> str:
        uploaded.append(key)
        return f"https://bucket/{key}"

    home = Account(session=None, region="eu-west-1", number=BACK)
    formation = Stacks(lambda stack: home, Clock(), lambda beat: None, upload)
    edge, balancer = there("frontend")["edge-frontend"], there(None)["balancer"]
    large = json.dumps({"Resources": {f"It{number}": {} for number in range(3500)}}, indent=1)
    assert len(large) > 51_200
    assert json.loads(formation.body(edge, large)["TemplateBody"]) == json.loads(large)
    assert uploaded == []
    assert "TemplateURL" in formation.body(balancer, large)
    larger = json.dumps({"Resources": {f"It{number}": {} for number in range(7000)}})
    with pytest.raises(Problems, match="larger than what one call takes"):
        formation.body(edge, larger)


def test_a_deploy_by_another_account_than_the_file_says_is_refused() -> None:
    of = of_both(front=BACK)
    assert strangers(of, BACK) == []
    (problem,) = strangers(of, FRONT)
    assert BACK in problem.what
    assert FRONT in problem.what
    assert strangers(BANDIT, BACK, {"frontend": FRONT}) == []
    (problem,) = strangers(BANDIT, BACK, {"frontend": BACK})
    assert problem.where == "accounts.frontend"
    assert strangers(app_of(TEXT.split("[environment", maxsplit=1)[0].format()), FRONT) == []


# -- What cannot be ----------------------------------------------------------------------------


def test_services_of_two_accounts_are_a_problem() -> None:
    more = '[service.other]\nasgi = "m:app"\naccount = "frontend"\n'
    of = app_of(more + TEXT.format(front=FRONT, back=BACK))
    problems = limits(of, choices_for(of))
    assert [problem.where for problem in problems] == ["service.other.account"]


@pytest.mark.parametrize("number", ["1", "11111111111x", "1111-1111-1111", ""])
def test_the_number_of_an_account_has_twelve_digits(number: str) -> None:
    with pytest.raises(Problems) as caught:
        of_both(front=number)
    (problem,) = caught.value.problems
    assert problem.where.endswith("environment.production.accounts.frontend")
    assert "12 digits" in problem.mend


def test_an_account_that_is_not_there_is_a_problem() -> None:
    with pytest.raises(Problems, match="There is no account"):
        app_of(TEXT.format(front=FRONT, back=BACK).replace("frontend =", "front ="))

"""Every role of every shape: named actions on named resources, nothing else (R203)."""

from collections.abc import Iterator
from typing import Any

import pytest

from fairway.targets.aws.render import choices_for
from fairway.targets.aws.render.continuous import continuous, subjects
from fairway.targets.aws.render.policies import ON_ANY
from tests.targets.aws.shapes import PIPELINE, all_resources, app_of, beside, resources

# All that any role may do. Who adds a line here says in the change why.
ALLOWED = frozenset(
    {
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteChangeSet",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStackResources",
        "cloudformation:DescribeStacks",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:GetTemplate",
        "cloudfront:CreateInvalidation",
        # How CodeDeploy moves a function's traffic by steps, and when it takes it back.
        "cloudwatch:DescribeAlarms",
        "codebuild:BatchGetBuilds",
        "codebuild:StartBuild",
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:DescribeTable",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        # How Lambda puts a function into the network; its code is denied them.
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:DescribeImages",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
        "ecs:DescribeServices",
        "ecs:DescribeTasks",
        "ecs:RunTask",
        "ecs:StopTask",
        # How services that read what was renewed start anew.
        "ecs:UpdateService",
        "elasticloadbalancing:DeregisterTargets",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:ModifyRule",
        "elasticloadbalancing:RegisterTargets",
        "events:DescribeRule",
        "events:PutRule",
        "events:PutTargets",
        "iam:PassRole",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "lambda:GetAlias",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:UpdateAlias",
        "logs:CreateLogDelivery",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
        "logs:DescribeResourcePolicies",
        "logs:FilterLogEvents",
        "logs:GetLogDelivery",
        "logs:GetLogEvents",
        "logs:ListLogDeliveries",
        "logs:PutLogEvents",
        "logs:PutResourcePolicy",
        "logs:PutRetentionPolicy",
        "logs:UpdateLogDelivery",
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetRandomPassword",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
        "sqs:PurgeQueue",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
        "ssm:GetParameter",
        # How what renews secrets finds the texts that hold them.
        "ssm:GetParametersByPath",
        "states:DescribeExecution",
        "states:ListExecutions",
        "states:StartExecution",
        "states:StopExecution",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
# AWS documents no condition that these two would meet.
UNCONDITIONAL = {"ecs.amazonaws.com", "lambda.amazonaws.com"}
PIPELINES = {"shop/production/ci.json/Role", "shop/production/ci-frontend.json/Role"}
STARTERS = {"events.amazonaws.com", "scheduler.amazonaws.com"}
USES = """
[service.api]
asgi = "a:app"
uses = ["db", "files", "state"]
[service.other]
asgi = "o:app"
uses = ["db"]
[database.db]
[bucket.files]
[bucket.unused]
[table.state]
key = "id"
"""


@pytest.mark.requirement("R203")
def test_no_role_may_do_what_is_not_on_the_list() -> None:
    seen: set[str] = set()
    for where, statement in role_statements():
        actions = listed(statement["Action"])
        seen.update(actions)
        denied = where in PIPELINES and "stack/" in str(statement["Resource"])
        denied |= "lambda:SourceFunctionArn" in str(statement.get("Condition"))
        assert statement["Effect"] == "Allow" or denied, where
        assert not set(actions) - ALLOWED, where
    assert seen == ALLOWED, "an action that no role has any more is taken off the list"


@pytest.mark.requirement("R203")
def test_no_role_may_do_it_to_everything() -> None:
    for where, statement in role_statements():
        named = [each for each in listed(statement["Resource"]) if isinstance(each, str)]
        if "*" in named and statement["Effect"] == "Allow":
            assert set(listed(statement["Action"])) <= ON_ANY, where


@pytest.mark.requirement("R203")
def test_each_task_has_a_role_of_its_own_with_only_what_it_uses() -> None:
    roles = resources(app_of(USES), "AWS::IAM::Role")
    assert "Policies" not in roles["service-other.json/ServiceRole"]  # a database needs a password
    text = str(roles["service-api.json/ServiceRole"])
    assert "TakeBucketFiles" in text
    assert "TakeTableStateArn" in text
    assert "Unused" not in text


@pytest.mark.validated("R203", "R104")
def test_who_uses_a_model_may_read_it_where_it_lies_and_write_nothing() -> None:
    text = """
[service.api]
asgi = "a:app"
uses = ["churn"]
[job.train]
command = "train"
uses = ["lake"]
[model.churn]
artifact = "lake/models/churn/"
serve = "a:predict"
[bucket.lake]
"""
    roles = resources(app_of(text), "AWS::IAM::Role")
    reads = [
        each
        for each in roles["service-api.json/ServiceRole"]["Policies"][0]["PolicyDocument"][
            "Statement"
        ]
        if "s3:GetObject" in each["Action"]
    ]
    assert [each["Action"] for each in reads] == [["s3:GetObject", "s3:GetObjectVersion"]]
    assert reads[0]["Resource"]["Fn::Join"][1][1] == "models/churn/*"
    assert "s3:PutObject" in str(roles["job-train.json/JobRole"])


def test_roles_are_taken_by_one_service_of_aws_for_this_account() -> None:
    for where, resource in all_resources():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        (statement,) = resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        if "Federated" in statement["Principal"]:
            assert where in PIPELINES
            continue
        services = set(listed(statement["Principal"]["Service"]))
        assert len(services) == 1 or services == STARTERS, where
        assert "ManagedPolicyArns" not in resource["Properties"], where
        assert "Condition" in statement or services <= UNCONDITIONAL, where


@pytest.mark.validated("R127", "R203")
def test_a_pipeline_s_role_is_taken_by_its_repository_s_branch_or_environment_alone() -> None:
    role = beside()["ci.json"]["Resources"]["Role"]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": ["repo:example/shop:environment:production"],
        }
    }
    staging = app_of(PIPELINE, "staging").pipeline
    assert staging is not None
    assert subjects(staging, "staging") == (
        "repo:example/shop:environment:staging",
        "repo:example/shop:ref:refs/heads/main",
    )
    assert subjects(staging, "dev") == ()


def test_nothing_is_rendered_for_a_pipeline_without_a_repository() -> None:
    of = app_of(PIPELINE.replace('repository = "example/shop"', ""))
    assert continuous(of, choices_for(of)) is None


@pytest.mark.validated("R127")
def test_a_pipeline_s_roles_stand_before_anything_else_does() -> None:
    for path in ("ci.json", "ci-frontend.json"):
        assert list(beside()[path]["Parameters"]) == ["DeployRole"]
    (policy,) = beside()["ci.json"]["Resources"]["Role"]["Properties"]["Policies"]
    (push,) = [
        each["Resource"]
        for each in policy["PolicyDocument"]["Statement"]
        if "ecr:PutImage" in each["Action"]
    ]
    (registry,) = resources(app_of(PIPELINE), "AWS::ECR::Repository").values()
    assert push["Fn::Sub"].endswith(f":repository/{registry['RepositoryName']}")


@pytest.mark.validated("R204", "R203")
def test_a_pipeline_s_role_in_another_account_reaches_its_edge_and_its_sites_alone() -> None:
    template = beside()["ci-frontend.json"]
    role = template["Resources"]["Role"]["Properties"]
    there, here = role["AssumeRolePolicyDocument"], beside()["ci.json"]["Resources"]["Role"]
    assert there == here["Properties"]["AssumeRolePolicyDocument"]  # GitHub's word, not home's
    (policy,) = role["Policies"]
    reached: dict[str, str] = {}
    for each in policy["PolicyDocument"]["Statement"]:
        assert each["Effect"] == "Allow"
        reached |= dict.fromkeys(each["Action"], str(each["Resource"]))
    assert "stack/shop-production-edge-frontend/*" in reached["cloudformation:ExecuteChangeSet"]
    assert "shop-production-edge-frontend-site" in reached["s3:PutObject"]
    assert reached["ssm:GetParameter"].count("us-east-1") == 1
    assert {each.partition(":")[0] for each in reached} == {
        "cloudformation", "cloudfront", "iam", "s3", "ssm",
    }  # fmt: skip
    given = template["Resources"]["GiveCiFrontendRole"]["Properties"]
    assert given["Name"] == "/fairway/shop/production/ci-frontend/role"


@pytest.mark.validated("R203")
def test_a_pipeline_s_role_changes_the_app_s_stacks_through_cloudformation_s_role_only() -> None:
    role = beside()["ci.json"]["Resources"]["Role"]["Properties"]
    (policy,) = role["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    changes = [each for each in statements if "cloudformation:ExecuteChangeSet" in each["Action"]]
    allowed, denied = changes
    assert allowed["Condition"] == {
        "StringEquals": {"cloudformation:RoleArn": {"Ref": "DeployRole"}}
    }
    assert all(":stack/shop-production-*/*" in str(each) for each in allowed["Resource"])
    assert denied["Effect"] == "Deny"
    own, others = denied["Resource"]
    assert ":stack/shop-production-ci/*" in str(own)
    assert ":stack/shop-production-ci-*/*" in str(others)
    for each in statements:
        if "iam:PassRole" in each["Action"]:
            assert each["Condition"]["StringEquals"]["iam:PassedToService"] in {
                "cloudformation.amazonaws.com",
                "ecs-tasks.amazonaws.com",
            }


def role_statements() -> Iterator[tuple[str, dict[str, Any]]]:
    for where, resource in all_resources():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"].get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield where, statement


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

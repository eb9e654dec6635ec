"""How the traffic of a function moves to a new version: a share first, watched, then all (R151).

`live` is an alias. CodeDeploy moves its weights by time, watches the alarms of the new version and
goes back by itself, inside CloudFormation's own update of the alias: so it does where nobody is
left who asked for it. What it cannot do of what the file asks is said in `function_gaps.py`. Pure.

https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-lambda.html (2026-11).
"""

from collections.abc import Mapping

from fairway.core.spec.model import Alarm, App, Canary, Service
from fairway.core.spec.readers.sentences import above_percent, above_seconds
from fairway.targets.aws.render.dashboard import metrics_namespace
from fairway.targets.aws.render.deployment import hold_minutes, is_linear
from fairway.targets.aws.render.function_names import ALIAS, function_name
from fairway.targets.aws.render.metrics import Metric, Query, When, add_alarm, topic_arn
from fairway.targets.aws.render.policies import add_role, statement
from fairway.targets.aws.render.service_alarms import LEAST_REQUESTS
from fairway.targets.aws.render.template import (
    ACCOUNT,
    PARTITION,
    REGION,
    Draft,
    Value,
    get,
    join,
    ref,
    sub,
)

__all__ = ["LINE_VERSION", "add_shift", "is_shifted", "whole_percent"]

LINE_VERSION = "version"  # of a line that the runtime writes inside Lambda
MILLISECONDS = 1000


def is_shifted(service: Service) -> bool:
    """Whether the traffic of a function moves step by step."""
    return isinstance(service.release, Canary) and bool(service.release.steps)


def whole_percent(percent: float) -> int:
    """CodeDeploy knows whole ones, from 1 to 99."""
    return min(99, max(1, round(percent)))


def add_shift(app: App, service: Service, draft: Draft) -> tuple[Mapping[str, Value], list[str]]:
    """Add what moves the alias; the alias's `UpdatePolicy`, and what must be there before it."""
    assert isinstance(service.release, Canary), "nothing else is moved by steps"
    _count_failures(service, draft)
    alarms = [_errors(app, service, draft), _slow(app, service, draft)]
    draft.add("ReleaseApplication", "AWS::CodeDeploy::Application", {"ComputePlatform": "Lambda"})
    draft.add(
        "ReleaseSteps",
        "AWS::CodeDeploy::DeploymentConfig",
        {"ComputePlatform": "Lambda", "TrafficRoutingConfig": _steps(service.release)},
    )
    draft.add(
        "ReleaseGroup",
        "AWS::CodeDeploy::DeploymentGroup",
        {
            "AlarmConfiguration": {
                "Alarms": [{"Name": alarm} for alarm in alarms],
                "Enabled": True,
                "IgnorePollAlarmFailure": False,
            },
            "ApplicationName": ref("ReleaseApplication"),
            "AutoRollbackConfiguration": {
                "Enabled": True,
                "Events": [
                    "DEPLOYMENT_FAILURE",
                    "DEPLOYMENT_STOP_ON_ALARM",
                    "DEPLOYMENT_STOP_ON_REQUEST",
                ],
            },
            "DeploymentConfigName": ref("ReleaseSteps"),
            "DeploymentStyle": {
                "DeploymentOption": "WITH_TRAFFIC_CONTROL",
                "DeploymentType": "BLUE_GREEN",
            },
            "ServiceRoleArn": _role(service, draft),
        },
    )
    policy: Mapping[str, Value] = {
        "CodeDeployLambdaAliasUpdate": {
            "ApplicationName": ref("ReleaseApplication"),
            "DeploymentGroupName": ref("ReleaseGroup"),
        }
    }
    return policy, ["ReleaseErrorsAlarm", "ReleaseSlowAlarm"]


def _steps(canary: Canary) -> Value:
    """Even steps as they are; of others the first, then all."""
    first = canary.steps[0]
    percent, minutes = whole_percent(first.percent), max(1, hold_minutes(first.hold_seconds))
    if is_linear(canary.steps):
        return {
            "TimeBasedLinear": {"LinearInterval": minutes, "LinearPercentage": percent},
            "Type": "TimeBasedLinear",
        }
    return {
        "TimeBasedCanary": {"CanaryInterval": minutes, "CanaryPercentage": percent},
        "Type": "TimeBasedCanary",
    }


def _role(service: Service, draft: Draft) -> Value:
    """It moves this alias and looks at alarms; AWS's own policy for it allows that of any."""
    function = f"arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:" + function_name(
        draft, service.name
    )
    return add_role(
        draft,
        "ReleaseRole",
        "codedeploy.amazonaws.com",
        [
            statement(
                (
                    "lambda:GetAlias",
                    "lambda:GetProvisionedConcurrencyConfig",
                    "lambda:UpdateAlias",
                ),
                [sub(function), sub(f"{function}:*")],
            ),
            statement(
                ("cloudwatch:DescribeAlarms",),
                sub(f"arn:{PARTITION}:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"),
            ),
        ],
    )


def _count_failures(service: Service, draft: Draft) -> None:
    """Count what the runtime's lines call a failure, for each version by itself.

    To Lambda a request that was answered 500 went well.
    """
    if service.command is not None:
        return
    draft.add(
        "VersionFailedFilter",
        "AWS::Logs::MetricFilter",
        {
            "FilterPattern": "{ $.success IS FALSE }",
            "LogGroupName": ref("ServiceLogs"),
            "MetricTransformations": [
                {
                    "Dimensions": [{"Key": "Version", "Value": f"$.{LINE_VERSION}"}],
                    "MetricName": f"{service.name}-version-failed",
                    "MetricNamespace": metrics_namespace(draft),
                    "MetricValue": "1",
                }
            ],
        },
    )


def _of_version(name: str, statistic: str) -> Metric:
    """What Lambda measures of the new version, as far as `live` leads to it."""
    return Metric(
        namespace="AWS/Lambda",
        name=name,
        dimensions={
            "ExecutedVersion": get("Version", "Version"),
            "FunctionName": ref("Function"),
            "Resource": join(":", [ref("Function"), ALIAS]),
        },
        statistic=statistic,
    )


def _errors(app: App, service: Service, draft: Draft) -> Value:
    metrics = {"e": _of_version("Errors", "Sum"), "r": _of_version("Invocations", "Sum")}
    failed = "FILL(e,0)"
    if service.command is None:
        failed = "(FILL(e,0)+FILL(f,0))"
        metrics["f"] = Metric(
            namespace=metrics_namespace(draft),
            name=f"{service.name}-version-failed",
            dimensions={"Version": get("Version", "Version")},
            statistic="Sum",
        )
    share = Query(
        expression=f"IF(FILL(r,0)>={LEAST_REQUESTS},100*{failed}/FILL(r,1),0)",
        label="failed requests, %",
        metrics=metrics,
    )
    wanted = (app.alarm or Alarm()).error_rate
    return add_alarm(
        draft,
        "ReleaseErrorsAlarm",
        When(of=share, above=above_percent(wanted), periods=2, of_periods=3),
        name=f"{service.name}.release.errors",
        why=f"{service.name}: failed requests of the new version {wanted}.",
        actions=topic_arn(app, draft),
    )


def _slow(app: App, service: Service, draft: Draft) -> Value:
    seconds = Query(
        expression=f"IF(FILL(r,0)>={LEAST_REQUESTS},FILL(p,0)/{MILLISECONDS},0)",
        label="p95, s",
        metrics={"p": _of_version("Duration", "p95"), "r": _of_version("Invocations", "Sum")},
    )
    wanted = (app.alarm or Alarm()).p95
    return add_alarm(
        draft,
        "ReleaseSlowAlarm",
        When(of=seconds, above=above_seconds(wanted), periods=2, of_periods=3),
        name=f"{service.name}.release.p95",
        why=f"{service.name}: the 95th percentile of the new version {wanted}.",
        actions=topic_arn(app, draft),
    )

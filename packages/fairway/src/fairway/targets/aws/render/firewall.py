"""Web application firewalls (R11): on the balancer, and on the CDN in its own region.

AWS's own rules against known attacks, and a rate for each address from `limits.per_ip`: the
runtime's token bucket answers first, this stops floods before they cost a task.
"""

from collections.abc import Sequence

from fairway.core import names
from fairway.core.spec.model import App, Service
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.hosts import balanced, host, is_at_edge
from fairway.targets.aws.render.logs import add_log_group
from fairway.targets.aws.render.template import Draft, Value, get

__all__ = ["add_acl", "add_firewall", "rate_rule"]

# In the order in which they are asked: cheap and certain ones first.
MANAGED = (
    ("AWSManagedRulesAmazonIpReputationList", ()),
    ("AWSManagedRulesKnownBadInputsRuleSet", ()),
    # Uploads are larger than 8 KB; `limits.body` limits them.
    ("AWSManagedRulesCommonRuleSet", ("SizeRestrictions_BODY",)),
)
WINDOWS = (60, 120, 300, 600)  # seconds over which AWS counts
LEAST = 10
LONGEST_NAME = 120


def add_firewall(app: App, ground: Ground, *, balancer: Value) -> None:
    """Add the balancer's firewall and its log."""
    draft = ground.draft
    rates = [
        rate_rule(service, number, host(app, service.name))
        for number, service in enumerate(balanced(app))
        # Behind the CDN every address is the CDN's: its own firewall counts there.
        if service.firewall
        and service.limits.per_ip is not None
        and not is_at_edge(app, service.name)
    ]
    add_acl(draft, "REGIONAL", rates)
    draft.add(
        "FirewallAssociation",
        "AWS::WAFv2::WebACLAssociation",
        {"ResourceArn": balancer, "WebACLArn": get("Firewall")},
    )
    log = f"aws-waf-logs-{draft.called(limit=200)}"
    add_log_group(draft, "FirewallLogs", log, ground.key, ground.choices.log_days)
    draft.add(
        "FirewallLogging",
        "AWS::WAFv2::LoggingConfiguration",
        {"LogDestinationConfigs": [get("FirewallLogs")], "ResourceArn": get("Firewall")},
    )


def add_acl(draft: Draft, scope: str, rates: list[Value], of: Sequence[str] = ()) -> None:
    """Add `Firewall`: AWS's own rules and these; `of` tells its name from another one's."""
    name = draft.called(*of, limit=LONGEST_NAME)
    managed: list[Value] = [
        {
            "Name": group,
            "OverrideAction": {"None": {}},
            "Priority": 100 + number,
            "Statement": {
                "ManagedRuleGroupStatement": {
                    "Name": group,
                    "VendorName": "AWS",
                    "RuleActionOverrides": [
                        {"ActionToUse": {"Count": {}}, "Name": rule} for rule in counted
                    ],
                }
            },
            "VisibilityConfig": seen(group),
        }
        for number, (group, counted) in enumerate(MANAGED)
    ]
    draft.add(
        "Firewall",
        "AWS::WAFv2::WebACL",
        {
            "DefaultAction": {"Allow": {}},
            "Name": name,
            "Rules": [*rates, *managed],
            "Scope": scope,
            "VisibilityConfig": seen(name),
        },
    )


def rate_rule(service: Service, number: int, name_of_host: Value) -> Value:
    """Refuse an address that asks this host more often than `limits.per_ip`."""
    assert service.limits.per_ip is not None
    rate = service.limits.per_ip
    window = next((each for each in WINDOWS if each >= rate.seconds), WINDOWS[-1])
    limit = max(LEAST, round(rate.count * window / rate.seconds))
    name = names.cloud_name("rate", service.name, limit=LONGEST_NAME)
    return {
        "Action": {"Block": {"CustomResponse": {"ResponseCode": 429}}},
        "Name": name,
        "Priority": number,
        "Statement": {
            "RateBasedStatement": {
                "AggregateKeyType": "IP",
                "EvaluationWindowSec": window,
                "Limit": limit,
                "ScopeDownStatement": _is_host(name_of_host),
            }
        },
        "VisibilityConfig": seen(name),
    }


def _is_host(name: Value) -> Value:
    return {
        "ByteMatchStatement": {
            "FieldToMatch": {"SingleHeader": {"Name": "host"}},
            "PositionalConstraint": "EXACTLY",
            "SearchString": name,
            "TextTransformations": [{"Priority": 0, "Type": "LOWERCASE"}],
        }
    }


def seen(name: str) -> Value:
    """Counted in CloudWatch under this name."""
    return {
        "CloudWatchMetricsEnabled": True,
        "MetricName": name,
        "SampledRequestsEnabled": True,
    }

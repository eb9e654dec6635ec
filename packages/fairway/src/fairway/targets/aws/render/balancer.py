"""The balancer's stack: cluster, balancer, certificate, listeners, firewall, names.

What all services share and no release touches. Rules and weights belong to the services' stacks,
and during a release to ECS. TLS 1.3 only (R20) but behind the edge, HTTP leads to HTTPS, HSTS
(R22), access logs (R164), invalid headers dropped. Pure.
"""

import math
from collections.abc import Sequence

from fairway.core import names
from fairway.core.spec.model import App, Service
from fairway.targets.aws.render.accounts import home, origins
from fairway.targets.aws.render.addresses import ANYWHERE
from fairway.targets.aws.render.firewall import add_firewall
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.hosts import (
    ask_domain,
    balanced,
    origin,
    public_services,
)
from fairway.targets.aws.render.security import add_group
from fairway.targets.aws.render.template import Draft, Stack, Value, get, ref, sub

__all__ = ["add_certificate", "balancer", "cross_origin", "speaks_inside"]

TLS = "ELBSecurityPolicy-TLS13-1-3-2021-06"
# CloudFront is documented to speak TLS 1.2 to what stands behind it.
TLS_BEHIND_EDGE = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
YEAR = 31_536_000
MARGIN_SECONDS = 5  # the app answers "too late" itself before the balancer gives up (R235)


def balancer(whole: App, ground: Ground) -> Stack:
    """Render it; `whole` is the app with what stands in other accounts."""
    draft, app = ground.draft, home(whole)
    cluster: dict[str, Value] = {
        "CapacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "ClusterName": draft.called(),
        "ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}],
    }
    if speaks_inside(app):
        draft.add(
            "Namespace",
            "AWS::ServiceDiscovery::HttpNamespace",
            {"Description": "Services that others use.", "Name": draft.called()},
        )
        draft.give("namespace", get("Namespace"))
    draft.add("Cluster", "AWS::ECS::Cluster", cluster)
    draft.give("cluster", get("Cluster"))
    if public_services(app):
        ask_domain(draft)
        add_certificate(ground)
        draft.give("domain", ref("Domain"))
    if balanced(app):
        _balancer(app, ground, balanced(app), _cors(whole, draft))
    if len(public_services(app)) > len(balanced(app)):
        # A function's gateway stands in its own stack, at a name below the domain.
        draft.give("certificate", ref("Certificate"))
        draft.give("zone", ref("HostedZoneId"))
    return draft.stack()


def speaks_inside(app: App) -> bool:
    """Whether a service is used by another node."""
    nodes = [*app.programs.values(), *app.jobs.values()]
    return any(name in app.services for node in nodes for name in node.uses)


def _balancer(app: App, ground: Ground, public: Sequence[Service], cors: dict[str, Value]) -> None:
    draft = ground.draft
    group = add_group(
        draft,
        "BalancerGroup",
        "The balancer: heard by everybody, speaks to public services.",
        ground.network,
        into=((ANYWHERE, 80, "HTTP, which leads to HTTPS."), (ANYWHERE, 443, "HTTPS.")),
    )
    longest = max(service.timeouts.request_seconds for service in public)
    attributes: dict[str, Value] = {
        "access_logs.s3.bucket": draft.take("logs/bucket"),
        "access_logs.s3.enabled": "true",
        "access_logs.s3.prefix": "balancer",
        "deletion_protection.enabled": "false" if app.environment == "dev" else "true",
        "idle_timeout.timeout_seconds": str(math.ceil(longest) + MARGIN_SECONDS),
        "routing.http.drop_invalid_header_fields.enabled": "true",
    }
    draft.add(
        "Balancer",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        {
            "LoadBalancerAttributes": _pairs(attributes),
            "Name": draft.called(limit=32),
            "Scheme": "internet-facing",
            "SecurityGroups": [group],
            "Subnets": ground.subnets("public"),
            "Type": "application",
        },
    )
    _listeners(ground, public, cors)
    _names(app, ground, public)
    draft.give("balancer/group", group)
    draft.give("balancer/listener", ref("Listener"))
    draft.give("balancer/name", get("Balancer", "LoadBalancerFullName"))
    if any(service.firewall for service in public):
        add_firewall(app, ground, balancer=ref("Balancer"))


def _pairs(attributes: dict[str, Value]) -> list[Value]:
    return [{"Key": key, "Value": value} for key, value in sorted(attributes.items())]


def add_certificate(ground: Ground) -> None:
    """Add the certificate: renewed by itself (R14, R23), for the domain and what is below it."""
    domains = ("${Domain}", "*.${Domain}")
    ground.draft.add(
        "Certificate",
        "AWS::CertificateManager::Certificate",
        {
            "DomainName": ref("Domain"),
            "DomainValidationOptions": [
                {"DomainName": sub(domain), "HostedZoneId": ref("HostedZoneId")}
                for domain in domains
            ],
            "SubjectAlternativeNames": [sub(domains[1])],
            "ValidationMethod": "DNS",
        },
    )


def _listeners(ground: Ground, public: Sequence[Service], cors: dict[str, Value]) -> None:
    draft = ground.draft
    draft.add(
        "Redirect",
        "AWS::ElasticLoadBalancingV2::Listener",
        {
            "DefaultActions": [
                {
                    "RedirectConfig": {
                        "Port": "443",
                        "Protocol": "HTTPS",
                        "StatusCode": "HTTP_301",
                    },
                    "Type": "redirect",
                }
            ],
            "LoadBalancerArn": ref("Balancer"),
            "Port": 80,
            "Protocol": "HTTP",
        },
    )
    headers: dict[str, Value] = {
        "routing.http.response.server.enabled": "false",
        "routing.http.response.strict_transport_security.header_value": (
            f"max-age={YEAR}; includeSubDomains"
        ),
        "routing.http.response.x_content_type_options.header_value": "nosniff",
        **cors,
    }
    draft.add(
        "Listener",
        "AWS::ElasticLoadBalancingV2::Listener",
        {
            "Certificates": [{"CertificateArn": ref("Certificate")}],
            "DefaultActions": [
                {
                    "FixedResponseConfig": {
                        "ContentType": "text/plain",
                        "MessageBody": "There is nothing at this name.",
                        "StatusCode": "404",
                    },
                    "Type": "fixed-response",
                }
            ],
            "ListenerAttributes": _pairs(headers),
            "LoadBalancerArn": ref("Balancer"),
            "Port": 443,
            "Protocol": "HTTPS",
            "SslPolicy": TLS_BEHIND_EDGE if any(each.cache for each in public) else TLS,
        },
    )


def cross_origin(app: App) -> list[str]:
    """The sites whose pages call services behind the balancer."""
    return [
        site.name
        for site in app.sites.values()
        if any(app.services[name].kind == "container" for name in site.calls)
    ]


def _cors(whole: App, draft: Draft) -> dict[str, Value]:
    """What lets the pages of the only site that calls read the answers (R7)."""
    callers = cross_origin(whole)
    if len(callers) != 1:
        return {}
    (caller,) = origins(whole, callers, draft)
    cors = "routing.http.response.access_control_"
    return {
        f"{cors}allow_headers.header_value": "authorization,content-type,x-request-id",
        f"{cors}allow_methods.header_value": "GET,HEAD,OPTIONS,POST,PUT,PATCH,DELETE",
        f"{cors}allow_origin.header_value": caller,
        f"{cors}max_age.header_value": "600",
    }


def _names(app: App, ground: Ground, public: Sequence[Service]) -> None:
    for service in public:
        ground.draft.add(
            names.logical_id("name", service.name),
            "AWS::Route53::RecordSet",
            {
                "AliasTarget": {
                    "DNSName": get("Balancer", "DNSName"),
                    "EvaluateTargetHealth": True,
                    "HostedZoneId": get("Balancer", "CanonicalHostedZoneID"),
                },
                "HostedZoneId": ref("HostedZoneId"),
                "Name": origin(app, service.name),
                "Type": "A",
            },
        )

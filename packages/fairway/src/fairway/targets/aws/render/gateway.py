"""What leads people to a function (R18, R24): an HTTP API of API Gateway, with a name of its own.

One API a function, in the function's own stack: what it lets through goes back with a release. It
answers what browsers ask before they call from another site's pages (R7), and writes who asked for
what. The app answers everything else: there is one route. Pure.
"""

import json
import math

from fairway.core import pages
from fairway.core.spec.model import App, Service
from fairway.targets.aws.render.accounts import home, origins
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.hosts import host, is_at_edge, origin
from fairway.targets.aws.render.logs import add_log_group
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

__all__ = ["LONGEST_MILLISECONDS", "add_gateway"]

LONGEST_MILLISECONDS = 30_000  # quota of HTTP APIs; nobody raises it
MOST_AT_ONCE = 5_000  # what an account's bucket holds
DOMAIN = "${TakeDomain}"
STAGE = "$default"
# The only one that a name of an HTTP API has; it takes TLS 1.3 too.
TLS = "TLS_1_2"
HEADERS = ("authorization", "content-type", "x-request-id")
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
# A line for each request, beside the app's own: also for those that never reach it.
LINE = {
    "bytes": "$context.responseLength",
    "error": "$context.integrationErrorMessage",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "milliseconds": "$context.responseLatency",
    "path": "$context.path",
    "request": "$context.requestId",
    "status": "$context.status",
    "time": "$context.requestTime",
}


def add_gateway(whole: App, node: Service, ground: Ground, alias: Value) -> None:
    """Add it before `alias`; `whole` is the app with what stands in other accounts."""
    draft, app = ground.draft, home(whole)
    draft.take("domain")
    said: dict[str, Value] = {
        "Description": f"Leads to {node.name}.",
        "DisableExecuteApiEndpoint": True,  # its own name is the only way in
        "Name": draft.called(node.name),
        "ProtocolType": "HTTP",
        **_cors(whole, node, draft),
    }
    draft.add("Api", "AWS::ApiGatewayV2::Api", said)
    draft.give(f"service/{node.name}/api", ref("Api"))
    draft.add(
        "Integration",
        "AWS::ApiGatewayV2::Integration",
        {
            "ApiId": ref("Api"),
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": alias,
            "PayloadFormatVersion": "2.0",
            "TimeoutInMillis": LONGEST_MILLISECONDS,
        },
    )
    draft.add(
        "Route",
        "AWS::ApiGatewayV2::Route",
        {
            "ApiId": ref("Api"),
            "AuthorizationType": "NONE",  # the app knows who may do what
            "RouteKey": "$default",
            "Target": join("/", ["integrations", ref("Integration")]),
        },
    )
    draft.add(
        "Permission",
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": alias,
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": sub(f"arn:{PARTITION}:execute-api:{REGION}:{ACCOUNT}:${{Api}}/*"),
        },
    )
    _stage(node, ground)
    _names(app, node, ground)


def _cors(whole: App, node: Service, draft: Draft) -> dict[str, Value]:
    """Lets the pages of the sites that call it read its answers; it answers OPTIONS itself."""
    callers = pages.callers(whole, node)
    if not callers:
        return {}
    return {
        "CorsConfiguration": {
            "AllowHeaders": list(HEADERS),
            "AllowMethods": list(METHODS),
            "AllowOrigins": origins(whole, callers, draft, DOMAIN),
            "MaxAge": 600,
        }
    }


def _stage(node: Service, ground: Ground) -> None:
    draft = ground.draft
    log_days = ground.choices.log_days
    add_log_group(draft, "GatewayLogs", draft.path(node.name, "gateway"), ground.key, log_days)
    settings: dict[str, Value] = {"DetailedMetricsEnabled": False}
    if node.scale.requests is not None:
        # What all copies serve a second, as the file says it of one.
        most = math.ceil(node.scale.requests * node.replicas.maximum)
        settings["ThrottlingBurstLimit"] = min(most, MOST_AT_ONCE)
        settings["ThrottlingRateLimit"] = most
    draft.add(
        "Stage",
        "AWS::ApiGatewayV2::Stage",
        {
            "AccessLogSettings": {
                "DestinationArn": get("GatewayLogs"),
                "Format": json.dumps(LINE, sort_keys=True),
            },
            "ApiId": ref("Api"),
            "AutoDeploy": True,
            "DefaultRouteSettings": settings,
            "StageName": STAGE,
        },
        after=["Route"],
    )


def _names(app: App, node: Service, ground: Ground) -> None:
    """The name that people ask, and where the CDN stands before it the one that this asks."""
    draft = ground.draft
    hosts: list[tuple[str, Value]] = [("Name", host(app, node.name, DOMAIN))]
    if is_at_edge(app, node.name):
        hosts.append(("Origin", origin(app, node.name, DOMAIN)))
    for id_, name in hosts:
        draft.add(
            id_,
            "AWS::ApiGatewayV2::DomainName",
            {
                "DomainName": name,
                "DomainNameConfigurations": [
                    {
                        "CertificateArn": draft.take("certificate"),
                        "EndpointType": "REGIONAL",
                        "SecurityPolicy": TLS,
                    }
                ],
            },
        )
        draft.add(
            f"{id_}Mapping",
            "AWS::ApiGatewayV2::ApiMapping",
            {"ApiId": ref("Api"), "DomainName": ref(id_), "Stage": ref("Stage")},
        )
    last, name = hosts[-1]
    draft.add(
        "Record",
        "AWS::Route53::RecordSet",
        {
            "AliasTarget": {
                "DNSName": get(last, "RegionalDomainName"),
                "HostedZoneId": get(last, "RegionalHostedZoneId"),
            },
            "HostedZoneId": draft.take("zone"),
            "Name": name,
            "Type": "A",
        },
    )

"""The edge's stack, in CloudFront's own region: sites, cached answers, certificate, firewall.

A site is a private bucket that only its distribution reads (R2). A service with `cache` has a
distribution before the balancer; the paths that it names are kept at the edge, without cookies
(R8). Everything else goes through as it came. Each distribution writes its access log. Pure.
"""

from collections.abc import Sequence

from fairway.core import names
from fairway.core.spec.model import App, Service, Site
from fairway.targets.aws.render.accounts import home, services_domain
from fairway.targets.aws.render.balancer import add_certificate
from fairway.targets.aws.render.buckets import add_bucket_policy, closed, named, tls_only
from fairway.targets.aws.render.edge_logs import add_delivery, add_destination
from fairway.targets.aws.render.edge_policies import (
    EVERYTHING,
    NOT_CACHED,
    OPTIMISED,
    add_cache_policy,
    add_headers,
)
from fairway.targets.aws.render.firewall import add_acl, rate_rule
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.hosts import (
    address,
    ask_domain,
    cached_services,
    host,
    origin,
)
from fairway.targets.aws.render.policies import statement
from fairway.targets.aws.render.template import ACCOUNT, PARTITION, Stack, Value, get, ref, sub

__all__ = ["REGION_OF_EDGE", "bucket_of_site", "edge", "has_edge", "is_guarded"]

REGION_OF_EDGE = "us-east-1"  # where CloudFront takes certificates and firewalls from
ZONE_OF_CLOUDFRONT = "Z2FDTNDATAQYW2"  # the same for every distribution
TLS = "TLSv1.3_2025"
READ = ("GET", "HEAD")
ALL = ("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")
DAYS_OF_OLD = 7
NOTHING_FOUND = (403, 404)  # a private bucket says 403 of what is not there


def has_edge(app: App) -> bool:
    """Whether anything stands behind the CDN."""
    return bool(app.sites or cached_services(app))


def edge(app: App, ground: Ground, whole: App | None = None) -> Stack:
    """Render it; where `app` is what stands in another account, `whole` is all of it."""
    draft = ground.draft
    ask_domain(draft)
    add_certificate(ground)
    cached = cached_services(app)
    if any(is_guarded(app, node) for node in (*app.sites.values(), *cached)):
        rates = [
            rate_rule(service, number, host(app, service.name))
            for number, service in enumerate(cached)
            if service.firewall and service.limits.per_ip is not None
        ]
        # Two accounts of the file may be one of AWS's, where names are told apart by the stack's.
        add_acl(draft, "CLOUDFRONT", rates, [] if whole is None else [draft.name])
    add_destination(draft, of_buckets=bool(app.sites))
    for site in app.sites.values():
        _site(app, site, ground, _called(app, site, ground, whole))
    for service in cached:
        _service(app, service, ground)
    return draft.stack()


def bucket_of_site(name: str) -> str:
    """The id of the bucket that a site's files are sent to."""
    return f"{names.logical_id('site', name)}Bucket"


def is_guarded(app: App, node: Site | Service) -> bool:
    """Whether a firewall stands before it: its own, or that of a service that its pages call."""
    called = node.calls if isinstance(node, Site) else ()
    return node.firewall or any(app.services[name].firewall for name in called)


def _called(app: App, site: Site, ground: Ground, whole: App | None) -> list[str]:
    """The addresses that a site's pages call: in another account, below the services' domain."""
    if whole is None:
        return [address(app, name) for name in site.calls]
    calls = whole.sites[site.name].calls
    return [address(home(whole), name, services_domain(ground.draft)) for name in calls]


def _site(app: App, site: Site, ground: Ground, called: Sequence[str]) -> None:
    draft, id_ = ground.draft, names.logical_id("site", site.name)
    bucket, distribution = bucket_of_site(site.name), f"{id_}Distribution"
    rule: Value = {
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        "Id": "old-files",
        "NoncurrentVersionExpiration": {"NoncurrentDays": DAYS_OF_OLD},
        "Status": "Enabled",
    }
    log = (ref("LogsBucket"), f"buckets/{site.name}/")
    properties = {**closed([rule], log=log), **named(draft, bucket)}
    draft.add(bucket, "AWS::S3::Bucket", properties, keep="Retain", after=["LogsBucketPolicy"])
    draft.add(
        f"{id_}Access",
        "AWS::CloudFront::OriginAccessControl",
        {
            "OriginAccessControlConfig": {
                "Name": draft.called(site.name, limit=64),
                "OriginAccessControlOriginType": "s3",
                "SigningBehavior": "always",
                "SigningProtocol": "sigv4",
            }
        },
    )
    headers = add_headers(draft, id_, called)
    _distribution(
        app,
        ground,
        distribution,
        site,
        {
            "CustomErrorResponses": [
                {
                    "ErrorCachingMinTTL": 10,
                    "ErrorCode": code,
                    "ResponseCode": 200,
                    # Pages are paths of one app: a deep link survives a reload.
                    "ResponsePagePath": "/index.html",
                }
                for code in NOTHING_FOUND
            ],
            "DefaultCacheBehavior": {
                "AllowedMethods": list(READ),
                "CachePolicyId": OPTIMISED,
                "Compress": True,
                "ResponseHeadersPolicyId": headers,
                "TargetOriginId": "site",
                "ViewerProtocolPolicy": "redirect-to-https",
            },
            "DefaultRootObject": "index.html",
            "Origins": [
                {
                    "DomainName": get(bucket, "RegionalDomainName"),
                    "Id": "site",
                    "OriginAccessControlId": get(f"{id_}Access", "Id"),
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                }
            ],
        },
    )
    _only_the_distribution_reads(ground, bucket, distribution)
    draft.give(f"site/{site.name}/bucket", ref(bucket))
    draft.give(f"site/{site.name}/distribution", ref(distribution))


def _only_the_distribution_reads(ground: Ground, bucket: str, distribution: str) -> None:
    arn = f"arn:{PARTITION}:cloudfront::{ACCOUNT}:distribution/${{{distribution}}}"
    add_bucket_policy(
        ground.draft,
        bucket,
        [
            tls_only(bucket),
            statement(
                ("s3:GetObject",),
                sub(f"${{{bucket}.Arn}}/*"),
                principal={"Service": "cloudfront.amazonaws.com"},
                when={"StringEquals": {"AWS:SourceArn": sub(arn)}},
            ),
        ],
    )


def _service(app: App, service: Service, ground: Ground) -> None:
    id_ = names.logical_id("service", service.name)
    through: dict[str, Value] = {
        "AllowedMethods": list(ALL),
        "CachePolicyId": NOT_CACHED,
        "Compress": True,
        "OriginRequestPolicyId": EVERYTHING,
        "TargetOriginId": "balancer",
        "ViewerProtocolPolicy": "redirect-to-https",
    }
    kept: list[Value] = [
        {
            "AllowedMethods": [*READ, "OPTIONS"],
            "CachePolicyId": add_cache_policy(ground.draft, id_, seconds),
            "Compress": True,
            "PathPattern": path,
            "TargetOriginId": "balancer",
            "ViewerProtocolPolicy": "redirect-to-https",
        }
        for path, seconds in _by_precision(service)
    ]
    _distribution(
        app,
        ground,
        f"{id_}Distribution",
        service,
        {
            "CacheBehaviors": kept,
            "DefaultCacheBehavior": through,
            "Origins": [
                {
                    "CustomOriginConfig": {
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "https-only",
                        "OriginReadTimeout": min(60, round(service.timeouts.request_seconds)),
                        "OriginSSLProtocols": ["TLSv1.2"],
                    },
                    "DomainName": origin(app, service.name),
                    "Id": "balancer",
                }
            ],
        },
    )


def _by_precision(service: Service) -> Sequence[tuple[str, float]]:
    """Longer patterns first: CloudFront takes the first one that fits."""
    return sorted(service.cache.items(), key=lambda item: (-len(item[0]), item[0]))


def _distribution(
    app: App, ground: Ground, id_: str, node: Site | Service, special: dict[str, Value]
) -> None:
    """Add a distribution and its names; `special` is what differs by what is behind it."""
    draft, name = ground.draft, host(app, node.name)
    config: dict[str, Value] = {
        "Aliases": [name],
        "Comment": f"{node.name} of {draft.app} in {draft.environment}.",
        "Enabled": True,
        "HttpVersion": "http2and3",
        "IPV6Enabled": True,
        "PriceClass": "PriceClass_100" if draft.environment != "production" else "PriceClass_All",
        "ViewerCertificate": {
            "AcmCertificateArn": ref("Certificate"),
            "MinimumProtocolVersion": TLS,
            "SslSupportMethod": "sni-only",
        },
        **special,
    }
    if is_guarded(app, node):
        config["WebACLId"] = get("Firewall")
    draft.add(id_, "AWS::CloudFront::Distribution", {"DistributionConfig": config})
    add_delivery(draft, id_, node.name)
    for kind in ("A", "AAAA"):
        draft.add(
            f"{id_}{kind.title()}",
            "AWS::Route53::RecordSet",
            {
                "AliasTarget": {
                    "DNSName": get(id_, "DomainName"),
                    "HostedZoneId": ZONE_OF_CLOUDFRONT,
                },
                "HostedZoneId": ref("HostedZoneId"),
                "Name": name,
                "Type": kind,
            },
        )

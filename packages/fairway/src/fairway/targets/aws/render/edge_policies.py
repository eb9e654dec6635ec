"""What the CDN keeps, what it passes on, and the headers that it adds (R22)."""

import math
from collections.abc import Sequence

from fairway.core import names, pages
from fairway.targets.aws.render.template import Draft, Value, ref, sub

__all__ = ["EVERYTHING", "NOT_CACHED", "OPTIMISED", "add_cache_policy", "add_headers"]

# CloudFront's own policies, the same in every account (2026-11).
OPTIMISED = "658327ea-f89d-4fab-a63d-7e88639e58f6"  # Managed-CachingOptimized
NOT_CACHED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # Managed-CachingDisabled
EVERYTHING = "216adef6-5c7f-47e4-b989-5492eafa07d3"  # Managed-AllViewer
YEAR = 31_536_000


def add_cache_policy(draft: Draft, id_: str, seconds: float) -> Value:
    """Keep answers for at most so long, by path, query and who is signed in; never by cookie.

    One policy a time: several paths share it. What the answer itself says (`Cache-Control`)
    shortens it.
    """
    most = math.ceil(seconds)
    policy = f"{id_}Kept{most}"
    if policy in draft.resources:
        return ref(policy)
    return draft.add(
        policy,
        "AWS::CloudFront::CachePolicy",
        {
            "CachePolicyConfig": {
                "DefaultTTL": most,
                "MaxTTL": most,
                "MinTTL": 0,
                "Name": names.cloud_name(draft.app, draft.environment, id_, str(most), limit=128),
                "ParametersInCacheKeyAndForwardedToOrigin": {
                    "CookiesConfig": {"CookieBehavior": "none"},
                    "EnableAcceptEncodingBrotli": True,
                    "EnableAcceptEncodingGzip": True,
                    "HeadersConfig": {
                        "HeaderBehavior": "whitelist",
                        "Headers": ["Authorization", "Origin"],
                    },
                    "QueryStringsConfig": {"QueryStringBehavior": "all"},
                },
            }
        },
    )


def add_headers(draft: Draft, id_: str, called: Sequence[str]) -> Value:
    """Security headers of a site; its pages may call themselves and these addresses."""
    return draft.add(
        f"{id_}Headers",
        "AWS::CloudFront::ResponseHeadersPolicy",
        {
            "ResponseHeadersPolicyConfig": {
                "Name": names.cloud_name(draft.app, draft.environment, id_, limit=128),
                "SecurityHeadersConfig": {
                    "ContentSecurityPolicy": {
                        "ContentSecurityPolicy": sub(pages.content_policy(called)),
                        "Override": False,
                    },
                    "ContentTypeOptions": {"Override": True},
                    "FrameOptions": {"FrameOption": "DENY", "Override": True},
                    "ReferrerPolicy": {
                        "Override": True,
                        "ReferrerPolicy": "strict-origin-when-cross-origin",
                    },
                    "StrictTransportSecurity": {
                        "AccessControlMaxAgeSec": YEAR,
                        "IncludeSubdomains": True,
                        "Override": True,
                    },
                },
            }
        },
    )

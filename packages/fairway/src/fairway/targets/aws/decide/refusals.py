"""AWS's refusals in words that can be acted on: who is asking, may they, where. Pure.

What lacks is said with the smallest policy that grants it: one action, on the resource that AWS
named where it did.
"""

import json
import re

from fairway.core.problem import Problem

__all__ = ["action_of", "no_credentials", "no_region", "policy_for", "refusal", "unreachable"]

EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
)
UNKNOWN_KEY = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotSignedUp",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "ForbiddenException",
        "UnauthorizedOperation",
        "403",
    }
)
BUSY = frozenset(
    {"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"}
)
SENTENCE = re.compile(
    r"not authorized to perform: (?P<action>[a-z0-9-]+:[A-Za-z]+)"
    r"(?:\s+on (?:the )?resource: (?P<resource>arn:\S+))?"
)
# Calls whose permission has another name (service authorization reference, 2026-11).
RENAMED = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
}


def action_of(service: str, operation: str) -> str:
    """The permission that a call needs: `ecs`, `ListTasks` -> `ecs:ListTasks`."""
    name = f"{service}:{operation}"
    return RENAMED.get(name, name)


def policy_for(action: str, resource: str) -> str:
    """The smallest policy that grants it, on one line."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def refusal(code: str, message: str, *, action: str, region: str) -> Problem:
    """What AWS refused, and how to get it; `action` is what was asked, as a permission."""
    where = f"AWS {action}"
    denied = SENTENCE.search(message)
    if denied is not None:
        return _denied(denied["action"], (denied["resource"] or "*").rstrip(".,"), message)
    if code in DENIED:
        return _denied(action, "*", message)
    if code in EXPIRED:
        mend = (
            "Sign in again: `aws sso login`, or take new keys; then call Fairway again. "
            "What was begun goes on at AWS."
        )
        return Problem(where, "your session at AWS has expired", mend)
    if code in UNKNOWN_KEY:
        what = f"AWS does not know these credentials in {region} ({code})"
        mend = (
            "`aws sts get-caller-identity` says who you are. A region that is not switched on "
            f"refuses everybody: is {region} the right one, and enabled in your account?"
        )
        return Problem(where, what, mend)
    if code in BUSY:
        return Problem(where, "AWS answers no more for a while: too many calls", "Try again.")
    return Problem(where, f"{message or 'it failed'} ({code})" if code else message)


def _denied(action: str, resource: str, message: str) -> Problem:
    mend = f"Ask for it; this policy is enough:\n{policy_for(action, resource)}"
    what = f"you may not: {action}"
    if "explicit deny" in message:
        what += " (a policy denies it explicitly)"
        mend = "Somebody forbids it on purpose: a service control policy or a boundary. Ask them."
    return Problem(f"AWS {action}", what, mend)


def no_credentials(profile: str | None) -> Problem:
    """Nobody to act as."""
    mend = (
        "Sign in with `aws sso login` or `aws configure`, set AWS_PROFILE, or AWS_ACCESS_KEY_ID "
        "and AWS_SECRET_ACCESS_KEY."
    )
    if profile is not None:
        what = f"the profile {profile} gives no credentials"
        return Problem("AWS", what, f"`aws configure list --profile {profile}` says why.\n{mend}")
    return Problem("AWS", "there are no credentials", mend)


def no_region(known: str | None = None) -> Problem:
    """Nowhere to act; `known` is what was said and is none."""
    mend = "Say it with --region, or set AWS_REGION, or `region` in your profile."
    what = "no region is said" if known is None else f"there is no region {known}"
    return Problem("AWS", what, mend)


def unreachable(why: str, *, region: str) -> Problem:
    """No answer at all."""
    mend = f"Is there a way to the internet, and is {region} the right region?"
    return Problem("AWS", f"it does not answer: {why}", mend)

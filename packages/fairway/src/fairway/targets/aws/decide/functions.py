"""Whether the version of a function that was put in service answers, by what it says itself. Pure.

CloudFormation knows that Lambda took an image, not that the app in it starts. So the version that
`live` names is asked once what the adapter asks a new copy, as the gateway would ask it.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from fairway.targets.aws.decide.rollout import Verdict

__all__ = ["asked", "is_settled", "judge_answer", "judge_state", "moved_share", "tail"]

HEALTHY = range(200, 400)
SHOWN = 200  # characters of an answer
LINES = 20


def asked(path: str) -> bytes:
    """The event of `GET path`, as an HTTP API sends it (format 2.0)."""
    http = {
        "method": "GET",
        "path": path,
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "fairway",
    }
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"accept": "*/*", "host": "fairway", "user-agent": "fairway"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "fairway",
            "domainName": "fairway",
            "domainPrefix": "fairway",
            "http": http,
            "requestId": "fairway",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/1970:00:00:00 +0000",
            "timeEpoch": 0,
        },
        "isBase64Encoded": False,
    }
    return json.dumps(event, sort_keys=True).encode()


def is_settled(configuration: Mapping[str, Any]) -> bool:
    """Whether Lambda is through with making or changing it."""
    return configuration.get("State") != "Pending" and (
        configuration.get("LastUpdateStatus") != "InProgress"
    )


def judge_state(configuration: Mapping[str, Any]) -> Verdict | None:
    """A failure that Lambda itself tells; None where there is none."""
    for state, code, reason in (
        ("State", "StateReasonCode", "StateReason"),
        ("LastUpdateStatus", "LastUpdateStatusReasonCode", "LastUpdateStatusReason"),
    ):
        if configuration.get(state) == "Failed":
            why = configuration.get(reason) or configuration.get(code) or "it says no reason"
            return Verdict("failed", f"Lambda could not start it: {why}")
    return None


def judge_answer(version: str, path: str, error: str | None, payload: bytes) -> Verdict:
    """What the version answered; `error` is Lambda's word for a run that failed."""
    try:
        said = json.loads(payload)
    except ValueError:
        said = None
    found = cast("Mapping[str, Any]", said if isinstance(said, dict) else {})
    if error is not None:
        why = found.get("errorMessage") or found.get("errorType") or error
        return Verdict("failed", f"version {version} failed: {why}")
    status = found.get("statusCode")
    if not isinstance(status, int):
        return Verdict("failed", f"version {version} answers nothing that is HTTP to {path}")
    if status not in HEALTHY:
        body = str(found.get("body") or "").strip()[:SHOWN]
        words = f"version {version} answers {status} to {path}"
        return Verdict("failed", f"{words}: {body}" if body else words)
    return Verdict("done", f"version {version} answers {path}")


def moved_share(alias: Mapping[str, Any]) -> str:
    """How far a release by steps is, by the weights of the alias; empty where none goes on."""
    routing = cast("Mapping[str, Any]", alias.get("RoutingConfig") or {})
    weights = cast("Mapping[str, float]", routing.get("AdditionalVersionWeights") or {})
    return ", ".join(
        f"version {version} answers {100 * share:g}%" for version, share in sorted(weights.items())
    )


def tail(text: str) -> tuple[str, ...]:
    """The last lines of a run's log, without what Lambda says in between."""
    return tuple(line.rstrip() for line in text.splitlines() if line.strip())[-LINES:]

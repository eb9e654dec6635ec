"""Reads secrets from AWS Secrets Manager before the app starts, where nobody else puts them there.

A container finds its secrets in its environment (R72): the platform has read them. AWS Lambda
reads none, and whoever may look at a function's configuration would see what stands in it. So
there `FAIRWAY_SECRETS` says only where each value is, `NAME=ARN NAME=ARN`, and the process
fetches them by its own role; `NAME=ARN:key::` is one key of a secret that holds JSON, as ECS
writes it. What the environment holds already wins (R56).

One signed request a secret (Signature Version 4), written here: the SDK would be the largest
package of many an app. Must not: print a value, or keep one.
"""

import hashlib
import hmac
import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from urllib.parse import urlsplit

from fairway_runtime import contract

__all__ = ["Request", "SecretsError", "fetched", "signed"]

ENDPOINT = "AWS_ENDPOINT_URL_SECRETS_MANAGER"  # as every AWS SDK reads it; absent on AWS itself
KEY, SECRET, TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
SERVICE = "secretsmanager"
TARGET = "secretsmanager.GetSecretValue"
ANSWER_SECONDS = 5.0
ATTEMPTS = 3
_ARN_WORDS = 7  # arn:aws:secretsmanager:region:account:secret:name


class SecretsError(Exception):
    """A secret can't be had: which, and why; never its value."""


@dataclass(frozen=True, slots=True)
class Request:
    """A POST that is ready to be sent."""

    url: str
    headers: Mapping[str, str]
    body: bytes


Send = Callable[[Request], tuple[int, bytes]]


def fetched(env: Mapping[str, str], now: datetime, send: "Send | None" = None) -> dict[str, str]:
    """The values of the variables that `FAIRWAY_SECRETS` names and `env` lacks.

    `now` is UTC: AWS takes no request that is signed minutes off. Raises `SecretsError`.
    """
    post = send or _post
    found: dict[str, str] = {}
    asked: dict[str, str] = {}
    for word in env.get(contract.SECRETS, "").split():
        name, _, place = word.partition("=")
        if not place.startswith("arn:"):
            raise SecretsError(f"{contract.SECRETS} must be NAME=ARN, not {word}")
        if env.get(name):
            continue
        words = place.split(":")
        arn, key = ":".join(words[:_ARN_WORDS]), ":".join(words[_ARN_WORDS:]).removesuffix("::")
        if arn not in asked:
            asked[arn] = _value(name, arn, env, now, post)
        found[name] = _of_key(name, key, asked[arn]) if key else asked[arn]
    return found


def signed(arn: str, env: Mapping[str, str], now: datetime) -> Request:
    """The request for one value, with the signature of the role whose keys `env` holds."""
    missing = [name for name in (KEY, SECRET) if not env.get(name)]
    if missing:
        raise SecretsError(f"{' and '.join(missing)} must be set to read {arn}")
    partition, region = arn.split(":")[1], arn.split(":")[3]
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    url = env.get(ENDPOINT) or f"https://{SERVICE}.{region}.{suffix}"
    body = json.dumps({"SecretId": arn}).encode()
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": urlsplit(url).netloc,
        "x-amz-date": stamp,
        "x-amz-target": TARGET,
    }
    if env.get(TOKEN):
        headers["x-amz-security-token"] = env[TOKEN]
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    asked = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{stamp[:8]}/{region}/{SERVICE}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    key = f"AWS4{env[SECRET]}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={env[KEY]}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return Request(url, headers, body)


def _value(name: str, arn: str, env: Mapping[str, str], now: datetime, send: Send) -> str:
    request = signed(arn, env, now)
    status, answer = 0, b""
    for attempt in range(ATTEMPTS):
        try:
            status, answer = send(request)
        except (OSError, http.client.HTTPException) as error:
            if attempt + 1 == ATTEMPTS:
                raise SecretsError(f"{name}: Secrets Manager does not answer: {error}") from error
            continue
        if status < 500:
            break
    said = _read(answer)
    if status != 200:
        reason = said.get("message") or said.get("Message") or said.get("__type") or "no reason"
        raise SecretsError(f"{name}: Secrets Manager answers {status}: {reason}")
    if "SecretString" not in said:
        raise SecretsError(f"{name}: {arn} holds no text")
    return str(said["SecretString"])


def _of_key(name: str, key: str, text: str) -> str:
    """One value of a secret that holds JSON."""
    said = _read(text.encode())
    if key not in said:
        raise SecretsError(f"{name}: its secret has no key {key}")
    return str(said[key])


def _read(answer: bytes) -> Mapping[str, object]:
    try:
        said = json.loads(answer)
    except ValueError:
        return {}
    return cast("Mapping[str, object]", said) if isinstance(said, dict) else {}


def _post(request: Request) -> tuple[int, bytes]:
    """Send it; status and body."""
    url = urlsplit(request.url)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.netloc, timeout=ANSWER_SECONDS)
    try:
        connection.request("POST", "/", request.body, dict(request.headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()

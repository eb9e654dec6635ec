"""The account that Fairway acts in: credentials by AWS's standard chain, calls, refusals.

Place in the flow: every call to AWS goes through a `Client`, which wraps a refusal once, as a
`Refused` with its `Problem`. boto3 is imported here and nowhere else, when something acts.
"""

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from fairway.core.problem import Problem, Problems
from fairway.targets.aws.decide import refusals

__all__ = ["Account", "Client", "Refused", "connect"]

TRIES = 5
CONNECT_SECONDS = 10
READ_SECONDS = 60


class Refused(Problems):
    """What AWS refused: its own `code` and `message` beside the problem."""

    def __init__(self, problem: Problem, *, code: str = "", message: str = "") -> None:
        super().__init__([problem], exit_code=1)
        self.code = code
        self.message = message


class Client:
    """One service's API: `client.describe_stacks(StackName=…)`; a refusal is a `Refused`."""

    def __init__(self, raw: Any, region: str) -> None:
        self._raw = raw
        self._region = region

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._raw, name)

        def asking(**arguments: Any) -> Any:
            return self._asked(name, lambda: call(**arguments))

        return asking

    def pages(self, operation: str, key: str, **arguments: Any) -> list[Mapping[str, Any]]:
        """Everything that a call lists, under `key`, over all its pages."""
        paginator = self._raw.get_paginator(operation)

        def listed() -> list[Mapping[str, Any]]:
            return [each for page in paginator.paginate(**arguments) for each in page.get(key, ())]

        return cast("list[Mapping[str, Any]]", self._asked(operation, listed))

    def _asked(self, name: str, call: Callable[[], Any]) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            return call()
        except ClientError as error:
            said = cast("Mapping[str, Any]", cast("Any", error).response).get("Error", {})
            code, message = str(said.get("Code", "")), str(said.get("Message", ""))
            operation = str(self._raw.meta.method_to_api_mapping.get(name, name))
            service = str(self._raw.meta.service_model.signing_name)
            problem = refusals.refusal(
                code,
                message,
                action=refusals.action_of(service, operation),
                region=self._region,
            )
            raise Refused(problem, code=code, message=message) from error
        except BotoCoreError as error:
            raise Refused(fault(error, self._region)) from error
        except ResponseParserError as error:
            what = "what answered is not AWS: a proxy, or another address (AWS_ENDPOINT_URL)"
            raise Refused(Problem(f"AWS {name}", what)) from error


@dataclass(slots=True)
class Account:
    """A session of somebody in an account; `who` is their ARN."""

    session: Any
    region: str
    who: str = ""
    number: str = ""
    _clients: dict[tuple[str, str], Client] = field(default_factory=dict[tuple[str, str], Client])

    def client(self, service: str, region: str | None = None) -> Client:
        """The API of a service, in the app's region where no other is said."""
        place = region or self.region
        key = (service, place)
        if key not in self._clients:
            from botocore.config import Config

            settings = Config(
                retries={"mode": "standard", "total_max_attempts": TRIES},
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
            )
            raw = self.session.client(service, region_name=place, config=settings)
            self._clients[key] = Client(raw, place)
        return self._clients[key]


def connect(*, region: str | None, profile: str | None = None) -> Account:
    """The account of whoever calls, asked once who that is.

    Raises `Problems`: without boto3, without a region or credentials, where they have expired.
    """
    sdk = loaded()
    from botocore.exceptions import BotoCoreError

    try:
        # AWS's own command line reads AWS_REGION first; boto3 knows AWS_DEFAULT_REGION alone.
        said = region or os.environ.get("AWS_REGION") or None
        session = sdk.Session(profile_name=profile, region_name=said)
        place = session.region_name
        if not place:
            raise Problems([refusals.no_region()], exit_code=1)
        known = cast("Sequence[str]", session.get_available_regions("ecs"))
        if place not in known:
            raise Problems([refusals.no_region(place)], exit_code=1)
        if session.get_credentials() is None:
            raise Problems([refusals.no_credentials(profile)], exit_code=1)
    except BotoCoreError as error:
        raise Problems([fault(error, region or "", profile)], exit_code=1) from error
    account = Account(session, str(place))
    caller = account.client("sts").get_caller_identity()
    account.who, account.number = str(caller["Arn"]), str(caller["Account"])
    return account


def loaded() -> Any:
    """boto3; raises `Problems` where it is not installed."""
    try:
        return importlib.import_module("boto3")
    except ModuleNotFoundError as error:
        mend = "Install it with `uv tool install 'fairway[aws]'`, or `pip install 'fairway[aws]'`."
        problem = Problem("AWS", "what speaks to AWS is not installed: boto3", mend)
        raise Problems([problem], exit_code=1) from error


def fault(error: Exception, region: str, profile: str | None = None) -> Problem:
    """A fault on this side of the network."""
    from botocore import exceptions as found

    match error:
        case found.NoCredentialsError() | found.PartialCredentialsError():
            return refusals.no_credentials(profile)
        case found.ProfileNotFound():
            mend = "`aws configure list-profiles` lists them."
            return Problem("AWS", f"there is no profile {profile or ''}".rstrip(), mend)
        case (
            found.TokenRetrievalError()
            | found.SSOTokenLoadError()
            | found.UnauthorizedSSOTokenError()
        ):
            return refusals.refusal("ExpiredToken", "", action="sso", region=region)
        case found.NoRegionError():
            return refusals.no_region()
        case found.InvalidRegionError():
            return refusals.no_region(region)
        case found.CredentialRetrievalError():
            return Problem("AWS", f"the credentials could not be read: {error}")
        case found.HTTPClientError() | found.ConnectionError():
            return refusals.unreachable(str(error), region=region)
        case _:
            return Problem("AWS", str(error))

"""What renews an app's secrets, inside AWS Lambda: random values, and logins of PostgreSQL (R74).

Place in the flow: `render/renewal.py` writes the files of this folder, this one last, into a
template, and Secrets Manager calls `handler` for each of the four steps of a rotation. Must not
import anything else but the standard library and boto3: there is nothing more there.

Each step may be repeated, and may be killed anywhere: with the same token it goes on. A text that
holds what is renewed, and more, is a secret too: it is put together anew before the new value is
the current one.
"""

import importlib
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fairway.targets.aws.renewal.logins import GROUP, OWNER, Login, next_login, preparation
from fairway.targets.aws.renewal.texts import Text
from fairway.targets.aws.renewal.wire import Connection, Refused, verifier

__all__ = ["Renewal", "Renewer", "handler"]

SETTINGS = "{}"  # what is renewed: the template says it at this file's end
LENGTH = 48
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
MOST_DESCRIBED = 10  # services in one question to ECS
LOOKS, LOOK_SECONDS = 60, 10.0  # another renewal's readers start anew in minutes
WRONG_PASSWORD = "28P01"  # noqa: S105 - a code of PostgreSQL's


# -- What is decided ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Renewal:
    """What is renewed with a secret: who reads it; of a database's login the two secrets beside it.

    `services` are names of ECS services; `owner` holds the owner's password, `url` the address.
    """

    services: tuple[str, ...]
    owner: str = ""
    url: str = ""

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Renewal":
        """What the settings say of a secret."""
        return cls(tuple(said["services"]), said.get("owner", ""), said.get("url", ""))


def outdated(services: Sequence[Mapping[str, Any]], since: datetime) -> list[str]:
    """The services of which tasks may run that read their secrets before `since`."""
    return [
        service["serviceName"]
        for service in services
        if any(
            each["createdAt"] < since
            for each in service["deployments"]
            if each["runningCount"] + each["pendingCount"] > 0
        )
    ]


def unsettled(services: Sequence[Mapping[str, Any]]) -> list[str]:
    """The services of which a release is in progress."""
    return [
        service["serviceName"]
        for service in services
        if len(service["deployments"]) > 1
        or any(each.get("rolloutState") == "IN_PROGRESS" for each in service["deployments"])
    ]


# -- What is done ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Renewer:
    """The four steps for a secret; `manager`, `ecs` and `ssm` are clients of AWS.

    `texts` is the path in SSM below which the secrets stand that hold texts. `wait` takes seconds,
    `now` tells those since 1970.
    """

    manager: Any
    ecs: Any
    ssm: Any
    cluster: str
    texts: str
    connect: Callable[[str], Connection] = Connection
    wait: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time

    def do(self, step: str, secret: str, token: str, renewal: Renewal) -> None:
        """One of the four, by the name that Secrets Manager has for it."""
        match step:
            case "createSecret":
                self.create(secret, token, renewal)
            case "setSecret":
                self.set(secret, token, renewal)
            case "testSecret":
                self.test(secret, token, renewal)
            case _:
                self.finish(secret, token, renewal)

    def create(self, secret: str, token: str, renewal: Renewal) -> None:
        """Make the value that is to come; of a database, once nothing uses its next login."""
        if self._has_value(secret, token):
            return
        if not renewal.url:
            self._put(secret, token, self._random())
            return
        current = Login.of(self._value(secret)[0])
        self._see_nobody_is_behind(secret, renewal, current)
        self._put(secret, token, Login(next_login(current.username), self._random()).text)

    def set(self, secret: str, token: str, renewal: Renewal) -> None:
        """Have the server know the login that is to come. Nothing uses the owner's own: anew too.

        Until there was a renewal the owner itself is current, and keeps its password.
        """
        if not renewal.url or self._is_current(secret, token):
            return
        url = self._value(renewal.url)[0]
        pending = Login.of(self._value(secret, token=token)[0])
        with self._as_owner(url, renewal.owner) as server:
            kept = verifier(pending.password, secrets.token_bytes(16))
            server.query(preparation(pending.username, kept))
            if Login.of(self._value(secret)[0]).username != OWNER:
                self._renew_owner(server, url, renewal.owner, token)

    def test(self, secret: str, token: str, renewal: Renewal) -> None:
        """See that the login that is to come may do what the app may."""
        if not renewal.url:
            return
        pending = Login.of(self._value(secret, token=token)[0])
        with self.connect(pending.within(self._value(renewal.url)[0])) as server:
            acts_as = server.query("SELECT current_user")
        if acts_as != [GROUP]:
            raise Refused(f"{pending.username} acts as {acts_as}, not as {GROUP}")

    def finish(self, secret: str, token: str, renewal: Renewal) -> None:
        """Make the new value the current one, and start what read the old one anew.

        A release in progress is waited for: another would take its place. On the second time
        what is being started anew goes on.
        """
        if self._is_current(secret, token):
            self._start_anew(self._services(renewal))
            return
        services = self._settled(renewal)
        self._spread(secret, self._value(secret, token=token)[0], renewal)
        self._promote(secret, token)
        self._start_anew(services)

    def _see_nobody_is_behind(self, secret: str, renewal: Renewal, current: Login) -> None:
        """Raise `Refused` where a task may use the next login: it is started anew, for next time.

        A task started before this login was the current one may; so may one that read an address
        or a text that says another login, which a renewal that was given up has left.
        """
        written = self._spread(secret, current.text, renewal)
        since = max(self._value(secret)[1], self._value(renewal.url)[1], *written)
        services = self._settled(renewal)
        if behind := outdated(services, since):
            self._start_anew([each for each in services if each["serviceName"] in behind])
            raise Refused(f"tasks of {', '.join(behind)} are older than the login: started anew")

    def _as_owner(self, url: str, owner: str) -> Connection:
        """A connection of the owner's; its password may be one that a renewal has just set."""
        try:
            return self.connect(Login.of(self._value(owner)[0]).within(url))
        except Refused as refused:
            if refused.code != WRONG_PASSWORD:
                raise
        version = self._version(owner, PENDING)
        server = self.connect(Login.of(self._value(owner, token=version)[0]).within(url))
        self._promote(owner, version)
        return server

    def _renew_owner(self, server: Connection, url: str, owner: str, token: str) -> None:
        if self._is_current(owner, token):
            return
        if not self._has_value(owner, token):
            self._put(owner, token, Login(OWNER, self._random()).text)
        pending = Login.of(self._value(owner, token=token)[0])
        kept = verifier(pending.password, secrets.token_bytes(16))
        server.query(f"SET ROLE NONE; ALTER ROLE \"{OWNER}\" PASSWORD '{kept}'")
        with self.connect(pending.within(url)):
            self._promote(owner, token)

    # Secrets Manager

    def _value(self, secret: str, *, token: str = "") -> tuple[str, datetime]:
        """The current value of a secret, or that of a version, and when it was put."""
        which = {"VersionId": token} if token else {"VersionStage": CURRENT}
        found = self.manager.get_secret_value(SecretId=secret, **which)
        return found["SecretString"], found["CreatedDate"]

    def _has_value(self, secret: str, token: str) -> bool:
        try:
            self._value(secret, token=token)
        except self.manager.exceptions.ResourceNotFoundException:
            return False
        return True

    def _put(self, secret: str, token: str, value: str) -> None:
        self.manager.put_secret_value(
            SecretId=secret, ClientRequestToken=token, SecretString=value, VersionStages=[PENDING]
        )

    def _random(self) -> str:
        made = self.manager.get_random_password(PasswordLength=LENGTH, ExcludePunctuation=True)
        return str(made["RandomPassword"])

    def _spread(self, secret: str, value: str, renewal: Renewal) -> list[datetime]:
        """Have the address and the texts say this value of a secret, and of others that of now.

        The times at which renewals of this secret wrote texts.
        """
        values = {secret: value}
        if renewal.url:
            values[renewal.url] = self._write(renewal.url, Login.of(value))
        own = tuple(values)

        def known(other: str) -> str:
            if other not in values:
                values[other] = self._value(other)[0]
            return values[other]

        written: list[float] = []
        for place in self._texts():
            try:
                before = Text.of(self._value(place)[0])
                if not before.holds(*own):
                    continue
                after = before.anew(secret, known, self.now())
                if after != before:
                    self.manager.put_secret_value(SecretId=place, SecretString=after.said)
            except self.manager.exceptions.ClientError:
                # Where a secret is gone, so is the tag that allows to read it: AWS refuses that.
                if place in self._texts():
                    raise
                continue
            if secret in after.since:
                written.append(after.since[secret])
        return [datetime.fromtimestamp(each, UTC) for each in written]

    def _write(self, secret: str, login: Login) -> str:
        """Have an address say this login; the address."""
        before = self._value(secret)[0]
        if (after := login.within(before)) != before:
            self.manager.put_secret_value(SecretId=secret, SecretString=after)
        return after

    def _texts(self) -> Iterator[str]:
        """The secrets that hold texts: each stack hands its own over."""
        more: dict[str, str] = {}
        while True:
            found = self.ssm.get_parameters_by_path(Path=self.texts, Recursive=True, **more)
            yield from (each["Value"] for each in found["Parameters"])
            if not found.get("NextToken"):
                return
            more = {"NextToken": found["NextToken"]}

    def _version(self, secret: str, stage: str) -> str:
        found = self.manager.describe_secret(SecretId=secret)["VersionIdsToStages"]
        return next((each for each, stages in sorted(found.items()) if stage in stages), "")

    def _is_current(self, secret: str, token: str) -> bool:
        return self._version(secret, CURRENT) == token

    def _promote(self, secret: str, token: str) -> None:
        self.manager.update_secret_version_stage(
            SecretId=secret,
            VersionStage=CURRENT,
            MoveToVersionId=token,
            RemoveFromVersionId=self._version(secret, CURRENT),
        )

    # ECS

    def _services(self, renewal: Renewal) -> list[Mapping[str, Any]]:
        """Those of the services that there are."""
        found: list[Mapping[str, Any]] = []
        for start in range(0, len(renewal.services), MOST_DESCRIBED):
            names = list(renewal.services[start : start + MOST_DESCRIBED])
            try:
                said = self.ecs.describe_services(cluster=self.cluster, services=names)
            except self.ecs.exceptions.ClusterNotFoundException:
                return []
            found += [each for each in said["services"] if each["status"] == "ACTIVE"]
        return found

    def _settled(self, renewal: Renewal) -> list[Mapping[str, Any]]:
        """The services, once no release of them is in progress; raises where one goes on."""
        busy: list[str] = []
        for _ in range(LOOKS):
            services = self._services(renewal)
            busy = unsettled(services)
            if not busy:
                return services
            self.wait(LOOK_SECONDS)
        raise Refused(f"a release of {', '.join(busy)} is in progress")

    def _start_anew(self, services: Sequence[Mapping[str, Any]]) -> None:
        """Start the tasks of services anew, but where a release does that already."""
        busy = unsettled(services)
        for each in services:
            if (name := each["serviceName"]) not in busy:
                self.ecs.update_service(cluster=self.cluster, service=name, forceNewDeployment=True)


def handler(event: Mapping[str, str], context: object) -> None:
    """One step of a rotation, as Secrets Manager asks for it."""
    del context
    boto3: Any = importlib.import_module("boto3")
    secret, token = event["SecretId"], event["ClientRequestToken"]
    said = json.loads(SETTINGS)
    renewal = Renewal.of(said["secrets"][secret])
    manager, ecs, ssm = (boto3.client(each) for each in ("secretsmanager", "ecs", "ssm"))
    renewer = Renewer(manager, ecs, ssm, said["cluster"], said["texts"])
    renewer.do(event["Step"], secret, token, renewal)

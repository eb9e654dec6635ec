"""One environment of an app at AWS: its names, what its stacks hand over, what was given before.

Place in the flow: what deploys, looks and takes down shares it. It only reads. Most of it stands in
one account; a stack of another one (R204) is asked there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from fairway.core import names
from fairway.core.problem import Problem, Problems
from fairway.core.spec.model import App
from fairway.targets.aws.account import Account, Refused
from fairway.targets.aws.decide.order import asked, may_go
from fairway.targets.aws.decide.others import DOMAIN, ZONE, domain_of, zone_of
from fairway.targets.aws.decide.progress import Beat
from fairway.targets.aws.render.template import Stack
from fairway.targets.aws.running import Running
from fairway.targets.aws.stacks import Stacks
from fairway.targets.aws.store import Store, own_stack
from fairway.targets.aws.waiting import Clock

__all__ = ["DOMAIN", "Environment", "Said", "alone", "named_stack", "nothing_said", "silent"]

Said = tuple[str | None, str | None]
"""A domain and its zone, as far as whoever deploys says them."""


def silent(beat: Beat) -> None:
    """Nobody is told."""
    del beat


def alone(name: str) -> Account:
    """Nobody signs in to another account."""
    what = "nobody is signed in to it"
    raise Problems([Problem(f"accounts.{name}", what)], exit_code=1)


def nothing_said(name: str) -> Said:
    """Neither the domain of an account is said, nor its zone."""
    del name
    return None, None


def named_stack(app: App, name: str, stack_name: str) -> Stack:
    """What stands for a stack of which only the name is known: the file asks for it no more."""
    return Stack(
        name=name,
        stack_name=stack_name,
        description="",
        resources={},
        parameters={},
        tags={"fairway:app": app.name, "fairway:environment": app.environment},
    )


@dataclass(frozen=True, slots=True)
class Environment:
    """An app with what was rendered of it, in an account; `tell` hears what happens.

    `other` signs in to another account of the file, by its name there; only what needs it asks.
    """

    account: Account
    app: App
    stacks: tuple[Stack, ...]
    clock: Clock = Clock()
    tell: Callable[[Beat], None] = silent
    other: Callable[[str], Account] = alone

    def account_of(self, stack: Stack | None) -> Account:
        """The account that a stack stands in."""
        return self.account_called("" if stack is None else stack.account or "")

    def account_called(self, name: str) -> Account:
        """The account of this name in the file; home has none."""
        return self.other(name) if name else self.account

    @property
    def own(self) -> Stack:
        """The stack of what Fairway keeps."""
        return own_stack(self.app)

    @property
    def cluster(self) -> str:
        """The name of its ECS cluster."""
        return names.cloud_name(self.app.name, self.app.environment, limit=255)

    @property
    def running(self) -> Running:
        """What runs in it."""
        return Running(self.account, self.cluster, self.clock, self.tell)

    def formation(self, store: Store | None = None) -> Stacks:
        """Its stacks; with a store, templates may be larger."""
        upload = None if store is None else store.upload
        return Stacks(self.account_of, self.clock, self.tell, upload)

    def stack(self, name: str) -> Stack | None:
        """The stack of that name, as it was rendered."""
        return next((each for each in self.stacks if each.name == name), None)

    def orphans(self) -> tuple[Stack, ...]:
        """Stacks of this environment that the file does not ask for any more."""
        app = self.app
        wanted = {stack.stack_name for stack in (self.own, *self.stacks)}
        ours = {"fairway:app": app.name, "fairway:environment": app.environment}
        start = names.cloud_name(app.name, app.environment, "", limit=128)
        return tuple(
            named_stack(app, str(each["StackName"]).removeprefix(start), str(each["StackName"]))
            for each in self.account.client("cloudformation").pages("describe_stacks", "Stacks")
            if str(each["StackName"]) not in wanted
            and may_go(str(each["StackName"]).removeprefix(start))
            and str(each["StackStatus"]) != "DELETE_COMPLETE"
            and ours.items() <= {tag["Key"]: tag["Value"] for tag in each.get("Tags", ())}.items()
        )

    def store(self) -> Store | None:
        """Its bucket; None where nothing was ever deployed."""
        formation = self.formation()
        if formation.described(self.own) is None:
            return None
        bucket = formation.resources(self.own).get("Bucket")
        return None if not bucket else Store(self.account, bucket, self.clock)

    def opened(self) -> Store:
        """Its bucket; raises `Problems` where nothing was ever deployed."""
        store = self.store()
        if store is None:
            what = f"nothing of {self.app.name} is deployed in {self.account.region}"
            mend = (
                f"`fairway deploy {self.app.environment}` does; or is another region meant "
                "(--region)?"
            )
            where = f"fairway {self.app.environment}"
            raise Problems([Problem(where, what, mend)], exit_code=1)
        return store

    def handed(self, *key: str, by: Stack | None = None) -> str | None:
        """What a stack handed over, in its account and region; None where it did not."""
        return self.at(names.cloud_path(self.app.name, self.app.environment, *key), by=by)

    def at(self, path: str, *, by: Stack | None = None) -> str | None:
        """What stands at a path in SSM; None where nothing does."""
        region = None if by is None else by.region
        try:
            found = self.account_of(by).client("ssm", region).get_parameter(Name=path)
        except Refused as refused:
            if refused.code == "ParameterNotFound":
                return None
            raise
        return str(found["Parameter"]["Value"])

    def needed(self, *key: str, by: Stack | None = None) -> str:
        """The same; raises `Problems` where it is not there."""
        found = self.handed(*key, by=by)
        if found is None:
            path = names.cloud_path(self.app.name, self.app.environment, *key)
            what = f"the parameter {path} is not there"
            mend = f"`fairway deploy {self.app.environment}` makes it."
            raise Problems([Problem("AWS", what, mend)], exit_code=1)
        return found

    def values(
        self,
        *,
        domain: str | None,
        zone: str | None,
        others: Callable[[str], Said] = nothing_said,
    ) -> Mapping[str, str]:
        """The domain and its zone, where a stack asks: given, else as before, else looked up.

        `others` says those of another account by its name. Raises `Problems` where nobody ever
        said them.
        """
        asking = [each for each in self.stacks if DOMAIN in asked(each)]
        found: dict[str, str] = {}
        for account in sorted({each.account or "" for each in asking}):
            said = others(account) if account else (domain, zone)
            there = [each for each in asking if (each.account or "") == account]
            found |= self._values(there, account or None, *said)
        return found

    def _values(
        self, asking: Sequence[Stack], account: str | None, domain: str | None, zone: str | None
    ) -> Mapping[str, str]:
        """Those of the stacks of one account."""
        kept = self._kept(asking)
        name = domain or kept.get(DOMAIN)
        if name is None:
            say = "--domain" if account is None else f"{names.variable_stem(account)}_DOMAIN"
            of = "" if account is None else f" of {account}"
            mend = f"Say it once with {say}; its zone must be in Route 53."
            where = f"fairway deploy {self.app.environment}"
            raise Problems([Problem(where, f"no domain{of} is said", mend)])
        if zone is None and domain in {None, kept.get(DOMAIN)}:
            zone = kept.get(ZONE)
        held = zone or self._zone_of(name, self.account_called(account or ""))
        return {domain_of(account): name, zone_of(account): held}

    def _kept(self, stacks: Sequence[Stack]) -> dict[str, str]:
        found: dict[str, str] = {}
        for stack in stacks:
            described = self.formation().described(stack) or {}
            for each in cast("Sequence[Mapping[str, Any]]", described.get("Parameters", ())):
                found.setdefault(str(each["ParameterKey"]), str(each.get("ParameterValue", "")))
        return found

    def _zone_of(self, domain: str, account: Account) -> str:
        """The public zone of an account that holds a domain, the nearest one."""
        zones = account.client("route53").pages("list_hosted_zones", "HostedZones")
        found = [
            (len(name), str(each["Id"]).rpartition("/")[2])
            for each in zones
            if not each.get("Config", {}).get("PrivateZone")
            and f".{domain}".endswith(f".{(name := str(each['Name']).rstrip('.'))}")
        ]
        if not found:
            mend = "Make one for it, and point the domain's name servers there; or say --zone."
            problem = Problem("Route 53", f"no hosted zone holds {domain}", mend)
            raise Problems([problem], exit_code=1)
        return max(found)[1]

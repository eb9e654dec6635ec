"""Brings one stack to what was rendered: change set, execution, events, as `decide` says.

Place in the flow: `deploying.py` calls `apply` for each stack. Nothing here knows the app.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from fairway.core.problem import Problem, Problems
from fairway.targets.aws.account import Account, Client, Refused
from fairway.targets.aws.decide import refusals
from fairway.targets.aws.decide.held import held_seconds
from fairway.targets.aws.decide.order import asked, offered
from fairway.targets.aws.decide.progress import Beat, Told
from fairway.targets.aws.decide.stack_status import has_settled, way, went_well
from fairway.targets.aws.render.template import Stack, text
from fairway.targets.aws.waiting import Clock, until

__all__ = ["Applied", "Stacks", "nothing"]

# What CloudFormation takes in the call itself; larger templates go by the environment's bucket.
LARGEST_DIRECT_BYTES = 51_200
STACK_SECONDS = 2 * 3600.0  # a database in two zones, then a distribution, each within the hour
SAME = ("didn't contain changes", "No updates are to be performed", "no changes")
CANCELLED = ("cancelled", "canceled")  # what failed because something else did
Upload = Callable[[str, str], str]
"""`(key, text)` -> the address from which CloudFormation reads it."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did, and the stack's resources: logical id -> physical id."""

    outcome: Literal["created", "updated", "unchanged"]
    resources: Mapping[str, str]


def nothing() -> None:
    """Nothing is looked at beside the stack's own events."""


class Stacks:
    """The stacks of an environment; `tell` hears what happens in them.

    `at` is the account that each stands in; `upload` puts templates where home reads them.
    """

    def __init__(
        self,
        at: Callable[[Stack], Account],
        clock: Clock,
        tell: Callable[[Beat], None],
        upload: Upload | None = None,
    ) -> None:
        self.at = at
        self.clock = clock
        self.tell = tell
        self.upload = upload

    def formation(self, stack: Stack) -> Client:
        """CloudFormation where the stack is."""
        return self.at(stack).client("cloudformation", stack.region)

    def apply(
        self,
        stack: Stack,
        values: Mapping[str, str],
        *,
        step: str,
        template: str | None = None,
        beside: Callable[[], None] = nothing,
    ) -> Applied:
        """Bring it to its template; returns when CloudFormation has ended.

        `values` are those of the parameters that are asked for; one that is not given keeps what
        it has. `beside` is called at each look. Raises `Problems` where it failed.
        """
        self.settle(stack, step)
        status = self.status(stack)
        is_new = way(status) == "create"
        change = self.changes(stack, values, template=template)
        if change is None:
            return Applied("unchanged", self.resources(stack))
        seen = self.event_ids(stack)
        self.formation(stack).execute_change_set(
            StackName=stack.stack_name, ChangeSetName=change, RetainExceptOnCreate=True
        )
        ended = self.follow(stack, seen, step, beside)
        if not went_well(ended):
            raise self.failed(stack, seen, ended)
        return Applied("created" if is_new else "updated", self.resources(stack))

    def settle(self, stack: Stack, step: str) -> None:
        """Bring a stack to where it can be created or updated, whatever was left of it."""
        while True:
            match way(self.status(stack)):
                case "create" | "update":
                    return
                case "wait":
                    self.tell(
                        Told(step, f"something goes on in {stack.stack_name}; waiting for it")
                    )
                    self.follow(stack, None, step, nothing)
                case "finish-rollback":
                    self.tell(Told(step, "its last rollback got stuck; it is continued"))
                    self.acted(stack, step, "continue_update_rollback")
                case "roll-back":
                    self.tell(Told(step, "its last update was left half done; it is taken back"))
                    self.acted(stack, step, "rollback_stack")
                case "remake":
                    self.tell(Told(step, "it never came up; what is left of it goes first"))
                    self.delete(stack, step)

    def acted(
        self, stack: Stack, step: str, verb: Literal["continue_update_rollback", "rollback_stack"]
    ) -> None:
        """Do one thing with the stack as a whole, and wait for its end."""
        seen = self.event_ids(stack)
        formation = self.formation(stack)
        if verb == "rollback_stack":
            formation.rollback_stack(StackName=stack.stack_name)
        else:
            formation.continue_update_rollback(StackName=stack.stack_name)
        ended = self.follow(stack, seen, step, nothing)
        if ended.endswith("_FAILED"):
            raise self.failed(stack, seen, ended)

    def changes(
        self, stack: Stack, values: Mapping[str, str], *, template: str | None = None
    ) -> str | None:
        """Make a change set; its ARN, or None where nothing would change."""
        arn, found, is_new = self.made(stack, values, template)
        if found["Status"] == "CREATE_COMPLETE" and (is_new or found.get("Changes")):
            return arn
        self.drop(stack, arn)
        return None

    def preview(self, stack: Stack, values: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        """What an update of a stack that is there would change; nothing is."""
        arn, _, _ = self.made(stack, values, None)
        try:
            return self.formation(stack).pages(
                "describe_change_set", "Changes", ChangeSetName=arn, StackName=stack.stack_name
            )
        finally:
            self.drop(stack, arn)

    def drop(self, stack: Stack, change_set: str) -> None:
        """Delete a change set that nobody executes."""
        self.formation(stack).delete_change_set(
            ChangeSetName=change_set, StackName=stack.stack_name
        )

    def made(
        self, stack: Stack, values: Mapping[str, str], template: str | None
    ) -> tuple[str, Mapping[str, Any], bool]:
        """A change set's ARN, what is in it, and whether it creates the stack."""
        formation = self.formation(stack)
        before = self.described(stack)
        is_new = before is None or way(str(before["StackStatus"])) == "create"
        name = f"fairway-{int(self.clock.now() * 1000)}"
        made = formation.create_change_set(
            StackName=stack.stack_name,
            ChangeSetName=name,
            ChangeSetType="CREATE" if is_new else "UPDATE",
            Capabilities=["CAPABILITY_IAM"],
            Parameters=self.parameters(stack, values, None if is_new else before),
            Tags=[{"Key": key, "Value": value} for key, value in sorted(stack.tags.items())],
            **self.body(stack, template or text(stack)),
        )
        arn = str(made["Id"])
        found: Mapping[str, Any] = {}

        def is_made() -> bool:
            nonlocal found
            found = formation.describe_change_set(ChangeSetName=arn, StackName=stack.stack_name)
            return str(found["Status"]) in {"CREATE_COMPLETE", "FAILED"}

        until(self.clock, 600.0, is_made, waiting_for=f"the change set of {stack.stack_name}")
        reason = str(found.get("StatusReason", ""))
        if found["Status"] == "FAILED" and not any(words in reason for words in SAME):
            self.drop(stack, arn)
            raise Problems([said_by_stack(stack.stack_name, reason)], exit_code=1)
        return arn, found, is_new

    def parameters(
        self, stack: Stack, values: Mapping[str, str], before: Mapping[str, Any] | None
    ) -> list[Mapping[str, Any]]:
        """Those that are asked for; raises `Problems` for one that nobody ever gave."""
        kept = {str(each["ParameterKey"]) for each in (before or {}).get("Parameters", ())}
        found: list[Mapping[str, Any]] = []
        missing: list[Problem] = []
        needed = asked(stack)
        for name in (*needed, *offered(stack)):
            if name in values:
                found.append({"ParameterKey": name, "ParameterValue": values[name]})
            elif name in kept:
                found.append({"ParameterKey": name, "UsePreviousValue": True})
            elif name in needed:
                missing.append(Problem(stack.stack_name, f"nobody said its {name}"))
        if missing:
            raise Problems(missing)
        return found

    def body(self, stack: Stack, template: str) -> Mapping[str, str]:
        """The template, or the address where it lies."""
        if len(template.encode()) <= LARGEST_DIRECT_BYTES or self.upload is None:
            return {"TemplateBody": template}
        if stack.account is not None:
            return {"TemplateBody": in_one_call(stack, template)}
        return {"TemplateURL": self.upload(f"templates/{stack.path}", template)}

    def described(self, stack: Stack) -> Mapping[str, Any] | None:
        """The stack as CloudFormation describes it; None where there is none."""
        try:
            found = self.formation(stack).describe_stacks(StackName=stack.stack_name)["Stacks"]
        except Refused as refused:
            if "does not exist" in refused.message:
                return None
            raise
        return cast("Mapping[str, Any] | None", found[0] if found else None)

    def status(self, stack: Stack) -> str | None:
        """Its status; None where there is no such stack."""
        found = self.described(stack)
        return None if found is None else str(found["StackStatus"])

    def template(self, stack: Stack) -> Mapping[str, Any]:
        """The template that it has now, as it was given."""
        found = self.formation(stack).get_template(
            StackName=stack.stack_name, TemplateStage="Original"
        )["TemplateBody"]
        return cast("Mapping[str, Any]", json.loads(found) if isinstance(found, str) else found)

    def resources(self, stack: Stack) -> dict[str, str]:
        """Logical id -> physical id of all that is there."""
        found = self.formation(stack).pages(
            "list_stack_resources", "StackResourceSummaries", StackName=stack.stack_name
        )
        return {
            str(each["LogicalResourceId"]): str(each.get("PhysicalResourceId", ""))
            for each in found
            if not str(each["ResourceStatus"]).startswith("DELETE")
        }

    def events(self, stack: Stack) -> Sequence[Mapping[str, Any]]:
        """What happened last in it, newest first: one page."""
        try:
            found = self.formation(stack).describe_stack_events(StackName=stack.stack_name)
        except Refused as refused:
            if "does not exist" in refused.message:
                return ()
            raise
        return cast("Sequence[Mapping[str, Any]]", found["StackEvents"])

    def event_ids(self, stack: Stack) -> frozenset[str]:
        """The events that there are already."""
        return frozenset(str(each["EventId"]) for each in self.events(stack))

    def follow(
        self, stack: Stack, seen: frozenset[str] | None, step: str, beside: Callable[[], None]
    ) -> str:
        """Tell what happens in it until nothing goes on; its last status, or `DELETE_COMPLETE`.

        `seen` are the events from before it began; None: it is somebody else's, and told by them.
        """
        told = set(seen or ())
        status: str | None = None

        def has_ended() -> bool:
            nonlocal status
            status = self.status(stack)
            beside()
            if status is None or seen is None:
                return status is None or has_settled(status)
            news = [each for each in self.events(stack) if str(each["EventId"]) not in seen]
            for each in reversed(news):
                if str(each["EventId"]) not in told:
                    self.told(each, stack, step)
                told.add(str(each["EventId"]))
            # Before it begins, a stack has the status that it had: its newest event tells more.
            own = next((each for each in news if is_own(each, stack)), None)
            return own is not None and has_settled(str(own["ResourceStatus"]))

        seconds = STACK_SECONDS + held_seconds(stack)
        until(self.clock, seconds, has_ended, waiting_for=stack.stack_name)
        return self.status(stack) or "DELETE_COMPLETE"

    def told(self, event: Mapping[str, Any], stack: Stack, step: str) -> None:
        """Tell an event, if it says something."""
        if (line := in_words(event, stack)) is not None:
            self.tell(Told(step, *line))

    def failed(self, stack: Stack, seen: frozenset[str], status: str) -> Problems:
        """Why it failed: every resource that did, but for those that others pulled along."""
        news = [each for each in self.events(stack) if str(each["EventId"]) not in seen]
        found = [
            said_by_stack(
                f"{stack.stack_name} {each['LogicalResourceId']}",
                str(each.get("ResourceStatusReason") or "it failed"),
            )
            for each in reversed(news)
            if str(each["ResourceStatus"]).endswith("_FAILED")
            and not any(word in str(each.get("ResourceStatusReason", "")) for word in CANCELLED)
            and not is_own(each, stack)
        ]
        words = status.lower().replace("_", " ")
        return Problems(found or [Problem(stack.stack_name, f"it ended in {words}")], exit_code=1)

    def protect(self, stack: Stack, *, is_on: bool) -> None:
        """Let nobody delete it by mistake, or let it be deleted."""
        self.formation(stack).update_termination_protection(
            StackName=stack.stack_name, EnableTerminationProtection=is_on
        )

    def delete(self, stack: Stack, step: str) -> bool:
        """Delete it and wait; whether there was anything. Raises `Problems` where it stays."""
        found = self.described(stack)
        if found is None:
            return False
        # By its id: a stack that is gone has no name any more.
        self.protect(stack, is_on=False)
        seen = self.event_ids(stack)
        self.formation(stack).delete_stack(StackName=stack.stack_name)
        ended = self.follow(stack, seen, step, nothing)
        if ended != "DELETE_COMPLETE":
            raise self.failed(stack, seen, ended)
        return True


def in_one_call(stack: Stack, template: str) -> str:
    """The template without a space; another account reads nothing that lies in home's bucket."""
    short = json.dumps(json.loads(template), separators=(",", ":"), ensure_ascii=False)
    if len(short.encode()) > LARGEST_DIRECT_BYTES:
        what = f"its template is larger than what one call takes: {LARGEST_DIRECT_BYTES:,} bytes"
        mend = "Put fewer sites into this account, or deploy by the lines of `fairway render`."
        raise Problems([Problem(stack.stack_name, what, mend)], exit_code=1)
    return short


def is_own(event: Mapping[str, Any], stack: Stack) -> bool:
    """Whether an event is about the stack itself, not about a resource in it."""
    return event.get("LogicalResourceId") == stack.stack_name


def in_words(
    event: Mapping[str, Any], stack: Stack
) -> tuple[str, Literal["info", "good", "bad"]] | None:
    """A line of an event; None for one that says nothing new."""
    if is_own(event, stack):
        return None
    status = str(event["ResourceStatus"])
    kind = str(event.get("ResourceType", "")).removeprefix("AWS::").replace("::", " ")
    what = f"{event['LogicalResourceId']} ({kind})"
    if status.endswith("_FAILED"):
        return f"{what}: {event.get('ResourceStatusReason') or 'failed'}", "bad"
    if status.endswith("_COMPLETE"):
        return f"{what} {status.removesuffix('_COMPLETE').lower()}d", "info"
    return None


def said_by_stack(where: str, reason: str) -> Problem:
    """What CloudFormation says of a resource; a missing permission with its policy."""
    if refusals.SENTENCE.search(reason):
        denied = refusals.refusal("AccessDenied", reason, action="", region="")
        return Problem(where, denied.what, denied.mend)
    return Problem(where, reason)

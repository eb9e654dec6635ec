"""What outlives its stack: buckets, tables, secrets, images, the key, a database's last snapshot.

CloudFormation leaves them, and then no stack names them any more. What takes a stack down writes
them into the environment's bucket first, so that they can be found and deleted later, however
often that was interrupted.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from fairway.targets.aws.environment import Environment
from fairway.targets.aws.render.template import Stack
from fairway.targets.aws.store import Store

__all__ = ["Kept", "note", "of_stack", "read"]

NAME = "kept.json"
POLICIES = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Kept:
    """One resource: its type and physical id; `policy` is its DeletionPolicy.

    `region` is empty where it is the app's own, `account` where it is home.
    """

    type: str
    id: str
    policy: str
    region: str = ""
    account: str = ""


def of_stack(environment: Environment, stack: Stack) -> tuple[Kept, ...]:
    """What would stay of a stack that is there, by the template that it has now."""
    formation = environment.formation()
    if formation.described(stack) is None:
        return ()
    said = cast("Mapping[str, Mapping[str, Any]]", formation.template(stack)["Resources"])
    there = formation.resources(stack)
    return tuple(
        Kept(
            type=str(each["Type"]),
            id=there[id_],
            policy=str(each["DeletionPolicy"]),
            region=stack.region or "",
            account=stack.account or "",
        )
        for id_, each in sorted(said.items())
        if each.get("DeletionPolicy") in POLICIES and there.get(id_)
    )


def read(store: Store) -> tuple[Kept, ...]:
    """What was written down so far."""
    said = cast("Sequence[dict[str, str]]", json.loads(store.read(NAME) or "[]"))
    return tuple(Kept(**each) for each in said)


def note(environment: Environment, store: Store, stack: Stack) -> None:
    """Write down what will stay of a stack, under the lock."""
    before = read(store)
    whole = {*before, *of_stack(environment, stack)}
    if whole != set(before):
        store.write(NAME, json.dumps([asdict(each) for each in sorted(whole)], indent=1) + "\n")

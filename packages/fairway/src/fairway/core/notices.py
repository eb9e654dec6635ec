"""What people are told of a change between two observations. Pure.

Only of what nobody asked for: a database that stopped answering, a replica that left the
balancer by itself. What the engine does on purpose, it tells where it does it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fairway.core.target import Node, Observed

__all__ = ["Notice", "notices"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence about one node; `level`: info, good, bad."""

    node: str
    text: str
    level: str


def notices(before: Observed, after: Observed) -> tuple[Notice, ...]:
    """What changed by itself, sorted by node."""
    found = [*of_nodes(before, after), *of_replicas(before, after)]
    if before.balancer and not after.balancer:
        found.append(Notice("balancer", "stopped; it is started again", "bad"))
    return tuple(sorted(found, key=lambda notice: notice.node))


def of_nodes(before: Observed, after: Observed) -> Iterator[Notice]:
    known = {node.name: node for node in before.nodes}
    for node in after.nodes:
        was = known.get(node.name)
        if was is not None and was != node:
            yield from of_node(was, node)


def of_node(was: Node, node: Node) -> Iterator[Notice]:
    if was.running and not node.running:
        yield Notice(node.name, f"the {node.kind} stopped; it is started again", "bad")
    elif was.accepts and not node.accepts:
        yield Notice(node.name, f"the {node.kind} does not accept connections", "bad")
    elif not was.accepts and node.accepts and not was.fresh:
        yield Notice(node.name, f"the {node.kind} accepts connections again", "good")


def of_replicas(before: Observed, after: Observed) -> Iterator[Notice]:
    known = {replica.name: replica for replica in before.replicas}
    for replica in after.replicas:
        was = known.get(replica.name)
        if was is None:
            continue
        if was.phase == "ready" and replica.phase == "unready":
            yield Notice(replica.name, "not ready any more; it gets no traffic", "bad")
        elif was.phase == "unready" and replica.phase == "ready":
            yield Notice(replica.name, "ready again", "good")

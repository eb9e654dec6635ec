"""What is told when something changes by itself."""

from dataclasses import replace

from fairway.core.notices import notices
from fairway.core.replicas import Replica
from fairway.core.target import Node, Observed

UP = Node(name="db", kind="database", running=True, accepts=True)
REPLICA = Replica(
    name="api.1", service="api", revision="one", port=1, phase="ready", started_at=0.0
)


def test_nothing_is_told_where_nothing_changed_or_it_is_first_seen() -> None:
    seen = Observed(nodes=(UP,), replicas=(REPLICA,), balancer=True)
    assert notices(seen, seen) == ()
    assert notices(Observed(), seen) == ()


def test_a_database_that_stops_and_comes_back_is_told_of_twice() -> None:
    up = Observed(nodes=(UP,))
    down = Observed(nodes=(replace(UP, running=False, accepts=False),))
    silent = Observed(nodes=(replace(UP, accepts=False),))
    assert [notice.level for notice in notices(up, down)] == ["bad"]
    assert "does not accept" in notices(up, silent)[0].text
    assert [notice.level for notice in notices(down, up)] == ["good"]


def test_what_comes_up_for_the_first_time_does_not_come_back() -> None:
    fresh = Observed(nodes=(replace(UP, accepts=False, fresh=True),))
    assert notices(fresh, Observed(nodes=(UP,))) == ()


def test_a_replica_that_leaves_the_balancer_and_returns_is_told_of() -> None:
    ready = Observed(replicas=(REPLICA,), balancer=True)
    unready = Observed(replicas=(replace(REPLICA, phase="unready"),), balancer=False)
    told = notices(ready, unready)
    assert [(notice.node, notice.level) for notice in told] == [
        ("api.1", "bad"),
        ("balancer", "bad"),
    ]
    assert notices(unready, ready)[0].text == "ready again"

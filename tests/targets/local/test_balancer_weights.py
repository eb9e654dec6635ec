"""Shares of traffic as weights, and the order in which endpoints come and go."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fairway.targets.local.balancer.model import Endpoint
from fairway.targets.local.balancer.weights import newcomers, steps, weigh

REVISIONS = ("a", "b", "c", "d")


def replicas(**counts: int) -> dict[str, list[Endpoint]]:
    made: dict[str, list[Endpoint]] = {}
    for place, (revision, count) in enumerate(counts.items()):
        made[revision] = [Endpoint(port=1000 * (place + 1) + n) for n in range(count)]
    return made


def share_of(endpoints: tuple[Endpoint, ...], own: list[Endpoint]) -> float:
    keys = {endpoint.key for endpoint in own}
    serving = [endpoint for endpoint in endpoints if not endpoint.draining]
    total = sum(endpoint.weight for endpoint in serving)
    return 100 * sum(each.weight for each in serving if each.key in keys) / total


def shares_of_whole_percents() -> st.SearchStrategy[dict[str, float]]:
    cuts = st.lists(st.integers(0, 100), min_size=3, max_size=3).map(sorted)
    return cuts.map(
        lambda at: dict(
            zip(REVISIONS, (at[0], at[1] - at[0], at[2] - at[1], 100 - at[2]), strict=True)
        )
    )


counts = st.fixed_dictionaries({name: st.integers(1, 40) for name in REVISIONS})


@given(shares_of_whole_percents(), counts)
def test_each_revision_gets_its_share_within_one_percent(
    shares: dict[str, float], count: dict[str, int]
) -> None:
    made = replicas(**count)
    weighed = weigh(shares, made)
    for revision, share in shares.items():
        assert share_of(weighed, made[revision]) == pytest.approx(share, rel=0.01)


@example(0.13422, 1, 39)
@given(st.floats(0.1, 99.9), st.integers(1, 40), st.integers(1, 40))
def test_a_share_in_fractions_of_a_percent_is_met_within_one_percent_of_it(
    share: float, old: int, new: int
) -> None:
    made = replicas(old=old, new=new)
    weighed = weigh({"new": share, "old": 100 - share}, made)
    assert share_of(weighed, made["new"]) == pytest.approx(share, rel=0.01)


@given(shares_of_whole_percents(), counts)
def test_no_endpoint_is_lost_or_made_up_and_weights_fit_envoy(
    shares: dict[str, float], count: dict[str, int]
) -> None:
    made = replicas(**count)
    weighed = weigh(shares, made)
    assert [each.key for each in weighed] == [each.key for name in REVISIONS for each in made[name]]
    assert 1 <= sum(each.weight for each in weighed) < 2**32


@given(shares_of_whole_percents(), counts)
def test_replicas_of_a_revision_weigh_the_same_and_those_without_a_share_drain(
    shares: dict[str, float], count: dict[str, int]
) -> None:
    made = replicas(**count)
    by_key = {each.key: each for each in weigh(shares, made)}
    for revision, own in made.items():
        assert len({by_key[each.key].weight for each in own}) == 1
        assert all(by_key[each.key].draining == (shares[revision] == 0) for each in own)


@pytest.mark.requirement("C18")
def test_a_tenth_of_the_traffic_on_one_of_four_replicas() -> None:
    weighed = weigh({"old": 90, "new": 10}, replicas(old=3, new=1))
    assert [each.weight for each in weighed] == [1, 3, 3, 3]


def test_one_revision_alone_weighs_one() -> None:
    assert [each.weight for each in weigh({"a": 100}, replicas(a=3))] == [1, 1, 1]


def test_a_draining_replica_stays_so_and_its_share_goes_to_its_siblings() -> None:
    made = {"a": [Endpoint(port=1), Endpoint(port=2, draining=True)], "b": [Endpoint(port=3)]}
    weighed = weigh({"a": 50, "b": 50}, made)
    assert share_of(weighed, made["a"]) == 50
    assert [each.draining for each in weighed] == [False, True, False]


def test_a_revision_that_no_share_names_drains() -> None:
    old, new = weigh({"new": 100}, replicas(old=1, new=1))[::-1]
    assert old.draining
    assert not new.draining


def test_the_share_of_a_revision_without_replicas_goes_to_the_others() -> None:
    made = replicas(old=2)
    assert share_of(weigh({"old": 90, "new": 10}, made), made["old"]) == 100


@pytest.mark.parametrize("shares", [{"a": 50.0}, {"a": 150.0, "b": -50.0}, {}])
def test_shares_that_do_not_total_a_hundred_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="total 100"):
        weigh(shares, replicas(a=1))


# -- Make before break ---------------------------------------------------------------------------

one, two, three = Endpoint(port=1), Endpoint(port=2), Endpoint(port=3)
one_drains = Endpoint(port=1, draining=True)


def test_what_only_arrives_or_only_leaves_is_one_step() -> None:
    assert steps([one], [one, two]) == ((one, two),)
    assert steps([one, two], [two]) == ((two,),)
    assert steps([], [one]) == ((one,),)
    assert steps([one], []) == ((),)


@pytest.mark.requirement("R154", "R149")
def test_who_leaves_serves_until_who_arrives_can() -> None:
    assert steps([one, two], [two, three]) == ((two, three, one), (two, three))


@pytest.mark.requirement("R154")
def test_who_is_to_drain_serves_until_who_arrives_can() -> None:
    assert steps([one], [one_drains, two]) == ((two, one), (one_drains, two))


def test_an_endpoint_that_comes_back_from_draining_is_a_newcomer() -> None:
    assert newcomers([one_drains, two], [one, two]) == {one.key}


endpoint_lists = st.lists(
    st.builds(Endpoint, port=st.integers(1, 6), draining=st.booleans()),
    unique_by=lambda endpoint: endpoint.key,
)


@given(endpoint_lists, endpoint_lists)
def test_a_change_ends_as_wanted_and_never_leaves_only_newcomers(
    before: list[Endpoint], after: list[Endpoint]
) -> None:
    way = steps(before, after)
    assert way[-1] == tuple(after)
    served = {each.key for each in before if not each.draining}
    first = {each.key for each in way[0] if not each.draining}
    if served and first - served:
        assert first & served

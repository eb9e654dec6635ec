"""The exact tests, against counting every case."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairway.core.release.analysis_exact import binomial_at_least, fisher_at_least


def counted_fisher(hits: int, of: int, other_hits: int, other_of: int) -> Fraction:
    """Every way to deal the hits to the two groups, counted one by one."""
    marked = hits + other_hits
    # comb is 0 where the other group is too small.
    ways = [comb(of, x) * comb(other_of, marked - x) for x in range(hits, min(of, marked) + 1)]
    return Fraction(sum(ways), comb(of + other_of, marked))


def counted_binomial(hits: int, of: int, share: Fraction) -> Fraction:
    terms = (comb(of, x) * share**x * (1 - share) ** (of - x) for x in range(hits, of + 1))
    return sum(terms, start=Fraction(0))


def test_fisher_is_exact_for_every_table_of_up_to_seven_and_nine() -> None:
    tables = [
        (hits, of, other_hits, other_of)
        for of in range(8)
        for other_of in range(10)
        for hits in range(of + 1)
        for other_hits in range(other_of + 1)
    ]
    assert len(tables) == 1980
    for table in tables:
        assert fisher_at_least(*table) == pytest.approx(float(counted_fisher(*table)), rel=1e-11), (
            table
        )


@pytest.mark.parametrize(
    ("table", "published"),
    [
        ((3, 4, 1, 4), 17 / 70),  # the lady who tasted tea (Fisher 1935, The Design of Experiments)
        ((10, 13, 2, 17), 0.0004652),  # convicted twins (Fisher 1962; R's help of fisher.test)
    ],
)
def test_fisher_gives_the_published_values(
    table: tuple[int, int, int, int], published: float
) -> None:
    assert fisher_at_least(*table) == pytest.approx(published, rel=1e-4)


@pytest.mark.parametrize(
    "table",
    [(41, 1000, 180, 9000), (12, 1000, 180, 9000), (120, 500, 200, 4500), (150, 300, 1300, 2700)],
)
def test_fisher_is_exact_for_large_tables_and_for_tiny_probabilities(
    table: tuple[int, int, int, int],
) -> None:
    assert fisher_at_least(*table) == pytest.approx(float(counted_fisher(*table)), rel=1e-8)


def test_the_binomial_test_is_exact_for_every_count_of_up_to_twenty() -> None:
    for share in (Fraction(1, 100), Fraction(1, 20), Fraction(1, 2), Fraction(9, 10)):
        for of in range(21):
            for hits in range(of + 1):
                found = binomial_at_least(hits, of, float(share))
                assert found == pytest.approx(float(counted_binomial(hits, of, share)), rel=1e-10)


def test_the_binomial_test_is_exact_far_out() -> None:
    far = binomial_at_least(90, 300, 0.01)
    assert far == pytest.approx(float(counted_binomial(90, 300, Fraction(1, 100))), rel=1e-9)
    assert far < 1e-80


def test_millions_of_requests_are_no_matter() -> None:
    assert fisher_at_least(20_000, 1_000_000, 180_000, 9_000_000) == pytest.approx(0.5, abs=0.01)
    assert fisher_at_least(900_000, 1_000_000, 0, 9_000_000) == 0.0
    assert binomial_at_least(10_000, 1_000_000, 0.01) == pytest.approx(0.5, abs=0.01)


def test_nothing_proves_nothing() -> None:
    assert fisher_at_least(0, 0, 0, 0) == 1.0
    assert fisher_at_least(0, 0, 5, 10) == 1.0
    assert fisher_at_least(7, 7, 0, 0) == 1.0
    assert binomial_at_least(0, 0, 0.01) == 1.0


@pytest.mark.parametrize("counts", [(2, 1, 0, 1), (-1, 1, 0, 1), (0, 1, 2, 1)])
def test_more_hits_than_there_are_is_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="not a count of hits"):
        fisher_at_least(*counts)


def test_a_share_that_allows_no_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        binomial_at_least(1, 2, 1.0)


@given(some.data())
def test_one_more_hit_is_never_likelier_by_chance(data: some.DataObject) -> None:
    of, other_of = data.draw(some.integers(1, 10**5)), data.draw(some.integers(0, 10**6))
    hits = data.draw(some.integers(0, of - 1))
    other_hits = data.draw(some.integers(0, other_of))
    before = fisher_at_least(hits, of, other_hits, other_of)
    after = fisher_at_least(hits + 1, of, other_hits, other_of)
    assert 0.0 <= after <= before + 1e-9 <= 1.0 + 1e-9


@given(some.integers(1, 40), some.integers(1, 40), some.data())
def test_either_group_may_be_called_the_first(
    of: int, other_of: int, data: some.DataObject
) -> None:
    """So many or more hits here is so many or fewer there."""
    hits = data.draw(some.integers(1, of))
    other_hits = data.draw(some.integers(0, other_of - 1))
    more_here = fisher_at_least(hits, of, other_hits, other_of)
    more_there = fisher_at_least(other_hits + 1, other_of, hits - 1, of)
    assert more_here + more_there == pytest.approx(1.0, abs=1e-9)

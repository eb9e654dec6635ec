"""Blocks of addresses: which are private, which overlap, held against a slow twin."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.core.addresses import (
    NETWORK,
    bits,
    block,
    is_private,
    overlapping,
    overlaps,
    part,
)
from tests.properties import examples

ODD = ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "256.0.0.0/8", "010.0.0.0/8", "::1/64", "a/b"]
blocks = st.builds(
    lambda second, third, bits: str(block(f"10.{second}.{third}.0/{bits}")),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(12, 26),
)


@pytest.mark.parametrize("text", ODD)
def test_what_is_no_block_is_none(text: str) -> None:
    assert block(text) is None


def test_a_block_starts_where_its_bits_do() -> None:
    assert block("10.40.1.2/16") == "10.40.0.0/16"
    assert block("0.0.0.0/0") == "0.0.0.0/0"


def test_addresses_of_the_internet_are_not_private() -> None:
    assert is_private(NETWORK)
    assert is_private("172.31.255.0/24")
    assert not is_private("172.32.0.0/16")
    assert not is_private("8.8.8.8/32")
    assert not is_private("10.0.0.0/7")


@given(st.lists(blocks, max_size=8))
@examples(100)
def test_blocks_overlap_where_a_pair_of_them_does(texts: list[str]) -> None:
    owned = [(text, str(number)) for number, text in enumerate(texts)]
    found = list(overlapping(owned))
    assert bool(found) == any(overlaps(one, two) for one, two in combinations(texts, 2))
    for inner, owner, outer, other in found:
        assert overlaps(inner, outer)
        assert owner != other
        assert (inner, owner) in owned
        assert (outer, other) in owned


@given(blocks, st.integers(0, 4), st.integers(0, 15))
@examples(100)
def test_a_part_lies_in_its_block_and_apart_from_the_others(
    text: str, more: int, number: int
) -> None:
    size = bits(text) + more
    parts = [part(text, size, each) for each in range(2**more)]
    assert all(bits(each) == size and overlaps(each, text) for each in parts)
    assert not list(overlapping((each, each) for each in parts))
    assert parts[number % 2**more] == part(text, size, number % 2**more)

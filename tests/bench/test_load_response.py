"""A response is read alike from any pieces, and a broken one is never taken for a whole one."""

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load_response import Malformed, Response

LENGTH = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;note=x\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: y\r\n\r\n"
)
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH
EMPTY = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def fed(pieces: list[bytes]) -> tuple[Response, bool]:
    response, is_complete = Response(keep_body=True), False
    for piece in pieces:
        assert not is_complete
        is_complete = response.feed(piece)
    return response, is_complete


@given(st.sampled_from([LENGTH, CHUNKED, CONTINUED]), st.lists(st.integers(0, 120), max_size=8))
def test_any_pieces_give_the_same_response(whole: bytes, cuts: list[int]) -> None:
    bounds = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(bounds)]
    response, is_complete = fed([piece for piece in pieces if piece])
    assert is_complete
    assert response.status == (201 if whole is CHUNKED else 200)
    assert response.body() == b"hello"
    assert not response.is_last


@given(st.sampled_from([LENGTH, CHUNKED, CONTINUED]), st.data())
def test_a_response_cut_short_is_never_complete(whole: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(whole) - 1))
    response = Response()
    assert not (cut and response.feed(whole[:cut]))
    assert not response.end()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_response_or_malformed(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        Response().feed(data)


def test_no_content_is_complete_without_a_body_and_says_that_it_is_the_last() -> None:
    response, is_complete = fed([EMPTY])
    assert is_complete
    assert response.is_last


def test_without_a_length_the_body_ends_with_the_connection() -> None:
    response, is_complete = fed([b"HTTP/1.0 200 OK\r\n\r\nhel", b"lo"])
    assert not is_complete
    assert response.end()
    assert response.is_last
    assert response.body() == b"hello"


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        LENGTH + b"more",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a" * 70_000,
    ],
)
def test_what_is_no_response_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        Response().feed(data)

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.worker.body import (
    CHUNKED,
    MAX_CHUNK_LINE,
    UNTIL_CLOSE,
    Body,
    BodyError,
    body_for,
    chunk,
    last_chunk,
)

Fields = tuple[tuple[bytes, bytes], ...]


def feed_all(body: Body, data: bytes, cuts: list[int]) -> bytes:
    """Feed data in pieces, as a network would cut it; gives the content."""
    content = b""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for begin, end in itertools.pairwise(edges):
        if body.done:
            body.rest += data[begin:end]
        else:
            content += body.feed(data[begin:end])
    return content


cuts = st.lists(st.integers(0, 500), max_size=8)
trailers = st.lists(
    st.tuples(st.sampled_from([b"x-a", b"grpc-status"]), st.sampled_from([b"", b"0", b"a b"])), max_size=3
)


@given(st.lists(st.binary(max_size=40), max_size=6), trailers, st.binary(max_size=10), cuts)
def test_chunks_come_out_as_they_went_in_however_they_are_cut(
    parts: list[bytes], fields: list[tuple[bytes, bytes]], rest: bytes, where: list[int]
) -> None:
    body = body_for(CHUNKED)
    data = b"".join(chunk(part) for part in parts) + last_chunk(tuple(fields)) + rest
    assert feed_all(body, data, where) == b"".join(parts)
    assert body.done
    assert body.trailers == tuple(fields)
    assert body.rest == rest


@given(st.binary(max_size=100), st.binary(max_size=10), cuts)
def test_a_length_is_exact_however_the_bytes_are_cut(content: bytes, rest: bytes, where: list[int]) -> None:
    body = body_for(len(content))
    assert feed_all(body, content + rest, where) == content
    assert body.done
    assert body.rest == rest


@given(st.binary(max_size=200), cuts)
def test_garbage_is_refused_or_read_but_never_more_than_was_sent(data: bytes, where: list[int]) -> None:
    body = body_for(CHUNKED)
    try:
        content = feed_all(body, data, where)
    except BodyError:
        return
    assert len(content) <= len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"x\r\n",
        b"-1\r\n",
        b"0x1\r\na\r\n",
        b"\r\n",
        b" 1\r\na\r\n",
        b"1 2\r\na\r\n",
        b"1;a=\x00\r\na\r\n",
        b"1\na\n0\n\n" + b"y" * MAX_CHUNK_LINE,
        b"ffffffffffffffffff\r\n",
        b"1\r\nab\r\n",
        b"1\r\naXY",
        b"0\r\nbad trailer\r\n\r\n",
        b"0\r\nx: a\x00\r\n\r\n",
        b"0\r\n folded: 1\r\n\r\n",
        b"1" * (MAX_CHUNK_LINE + 1),
        b"0\r\nx: " + b"y" * 20_000,
        b"0\r\n" + b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 1000,
    ],
)
def test_wrong_framing_is_refused(data: bytes) -> None:
    with pytest.raises(BodyError):
        body_for(CHUNKED).feed(data)


def test_only_a_body_until_close_is_complete_at_the_end_of_the_connection() -> None:
    chunked, length, until = body_for(CHUNKED), body_for(5), body_for(UNTIL_CLOSE)
    chunked.feed(b"5\r\nab")
    length.feed(b"ab")
    until.feed(b"ab")
    assert [body.eof() for body in (chunked, length, until)] == [False, False, True]
    assert until.done


def test_a_body_of_no_bytes_is_done_at_once() -> None:
    assert body_for(0).done


def test_an_empty_piece_makes_no_chunk() -> None:
    assert chunk(b"") == b""
    assert chunk(b"hello") == b"5\r\nhello\r\n"
    assert last_chunk(()) == b"0\r\n\r\n"

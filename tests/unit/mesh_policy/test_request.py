from __future__ import annotations

from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy.request import decode_query_value, header_values, joined_header, query_value, view


def test_a_written_request_is_split_at_its_query() -> None:
    request = view("GET", "/a?b=c", [("X-One", "é")])
    assert (request.path, request.query, request.fields) == (b"/a", b"b=c", ((b"X-One", "é".encode()),))
    assert request.peer is None


def test_repeated_headers_are_joined_whatever_their_case() -> None:
    fields = ((b"X-A", b"1"), (b"b", b"2"), (b"x-a", b"3"))
    assert header_values(fields, b"x-a") == [b"1", b"3"]
    assert joined_header(fields, b"x-a") == b"1,3"
    assert joined_header(fields, b"x-c") is None


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (b"a=1&a=2", b"1"),
        (b"b=1", None),
        (b"a", b""),
        (b"a=b+c%20d", b"b c d"),
        (b"a=%zz&a=1", None),
        (b"a=%4", None),
        (b"%61=1", None),
        (b"a=1;b=2", b"1;b=2"),
    ],
)
def test_the_first_value_of_a_parameter_decides(query: bytes, value: bytes | None) -> None:
    assert query_value(query, b"a") == value


@given(st.binary())
def test_what_is_encoded_is_decoded(value: bytes) -> None:
    assert decode_query_value(quote_plus(value).encode()) == value

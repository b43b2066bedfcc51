"""Hypothesis strategies for every value of a snapshot that its types allow, sensible or not."""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

TEXTS = st.one_of(
    st.sampled_from(
        [
            "", "/", "/a", "/a/../b", "/a//b", "/%2e", "a", "shop/api/80", "shop/v1@subset/80", "10.0.0.1", "::1",
            "x-a", "Host",
            "content-length", "x-mesh-internal-backend", "a\r\nb", "é", "*", "*.example", "https://a.example", "(",
            "a+", "(a*)*",
            "[[:alpha:]-z]", "spiffe://cluster.local/ns/shop/sa/web", "%[src]", "'", '"', "GET", "x" * 5000,
        ]
    ),
    st.text(max_size=8),
)  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 80, 65535, 65536, 1_000_000, 2**31, 2**53]), st.integers(-(2**53), 2**53)
)
FLOATS = st.one_of(
    st.sampled_from([0.0, 0.5, 1.0, 25.0, 100.0, -1.0, 1e9]), st.floats(allow_nan=False, allow_infinity=False)
)


@cache
def anything(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type that a snapshot uses."""
    simple = {str: TEXTS, int: NUMBERS, float: FLOATS, bool: st.booleans(), type(None): st.none()}
    if kind in simple:
        return simple[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is None:
        assert issubclass(kind, msgspec.Struct), kind
        return st.builds(kind, **_fields(kind))
    return _composed(origin, arguments)


def _composed(origin: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, UnionType):
        return st.one_of(*(anything(one) for one in arguments))
    if origin is dict:
        return st.dictionaries(TEXTS, TEXTS, max_size=2)
    assert origin is tuple, origin
    if arguments[-1] is Ellipsis:
        return st.lists(anything(arguments[0]), max_size=2).map(tuple)
    return st.tuples(*(anything(one) for one in arguments))


def _fields(kind: type[msgspec.Struct]) -> dict[str, st.SearchStrategy[Any]]:
    """Most fields have their default most of the time: else nothing that is generated is small."""
    hints = get_type_hints(kind)
    found = {}
    for one in msgspec.structs.fields(kind):
        strategy = anything(hints[one.name])
        if one.default is not msgspec.NODEFAULT:
            strategy = st.one_of(st.just(one.default), strategy)
        found[one.name] = strategy
    return found

"""Load balancing of a policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.policies import wrong


def test_what_is_right() -> None:
    assert wrong(loadBalancing={}) == []
    assert wrong(loadBalancing={"algorithm": "ConsistentHash", "hash": {"cookie": "user"}}) == []
    assert wrong(loadBalancing={"locality": "Prefer", "slowStart": "0s"}) == []


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"algorithm": "Fastest"}, "loadBalancing.algorithm"),
        ({"algorithm": "ConsistentHash"}, "loadBalancing.hash"),
        ({"hash": {"address": True}}, "loadBalancing.hash"),
        ({"algorithm": "ConsistentHash", "hash": {}}, "loadBalancing.hash"),
        ({"algorithm": "ConsistentHash", "hash": {"header": "a", "cookie": "b"}}, "loadBalancing.hash"),
        ({"algorithm": "ConsistentHash", "hash": {"header": "a b"}}, "loadBalancing.hash.header"),
        ({"algorithm": "ConsistentHash", "hash": {"cookie": "a;b"}}, "loadBalancing.hash.cookie"),
        ({"locality": "Only"}, "loadBalancing.locality"),
        ({"slowStart": "2h"}, "loadBalancing.slowStart"),
    ],
)
def test_what_is_wrong_is_named(spec: dict[str, Any], path: str) -> None:
    assert wrong(loadBalancing=spec) == [path]

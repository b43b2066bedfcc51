"""Rate limits of a policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.policies import wrong


def test_what_is_right() -> None:
    assert wrong(rateLimit={"requests": 1}) == []
    assert wrong(rateLimit={"requests": 100, "per": "1h", "burst": 20, "by": "Header", "header": "X-User"}) == []


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"per": "1s"}, "rateLimit"),
        ({"requests": 0}, "rateLimit.requests"),
        ({"requests": 1, "per": "10ms"}, "rateLimit.per"),
        ({"requests": 1, "burst": -1}, "rateLimit.burst"),
        ({"requests": 1, "by": "Pod"}, "rateLimit.by"),
        ({"requests": 1, "by": "Header"}, "rateLimit.header"),
        ({"requests": 1, "by": "Caller", "header": "x-user"}, "rateLimit.header"),
        ({"requests": 1, "by": "Header", "header": "x-mesh-internal-peer"}, "rateLimit.header"),
    ],
)
def test_what_is_wrong_is_named(spec: dict[str, Any], path: str) -> None:
    assert wrong(rateLimit=spec) == [path]

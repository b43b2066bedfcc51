"""The CORS filter."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from control_plane.kinds.cors import CorsFilter, violations


def paths(**body: Any) -> list[str]:
    return [violation.path for violation in violations("at", msgspec.convert(body, CorsFilter))]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"allowOrigins": ["example.org"]}, "at.allowOrigins"),
        ({"allowOrigins": [f"https://a{n}.example" for n in range(65)]}, "at.allowOrigins"),
        ({"allowMethods": ["FETCH"]}, "at.allowMethods[0]"),
        ({"allowMethods": ["*", "GET"]}, "at.allowMethods"),
        ({"allowHeaders": ["a b"]}, "at.allowHeaders"),
        ({"maxAge": 0}, "at.maxAge"),
    ],
)
def test_malformed(body: dict[str, Any], path: str) -> None:
    assert paths(**body) == [path]


def test_what_the_specification_allows_is_right() -> None:
    assert paths() == []
    assert paths(allowOrigins=["*"], allowMethods=["*"], allowHeaders=["*"], exposeHeaders=["*"], maxAge=3600) == []

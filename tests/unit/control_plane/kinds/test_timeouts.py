"""`timeouts` of a rule."""

from __future__ import annotations

import pytest

from control_plane.kinds.timeouts import HttpTimeouts, limit_seconds, violations


@pytest.mark.parametrize(
    ("request_", "backend", "paths"),
    [
        (None, None, []),
        ("2s", "500ms", []),
        ("2s", "2s", []),
        ("0s", "10s", []),
        ("1s", "0s", []),
        ("1s", "1001ms", ["at.backendRequest"]),
        ("25h", None, ["at.request"]),
        (None, "25h", ["at.backendRequest"]),
        ("1", None, ["at.request"]),
        ("1s", "-1s", ["at.backendRequest"]),
        ("1.5s", None, ["at.request"]),
    ],
)
def test_what_the_specification_allows(request_: str | None, backend: str | None, paths: list[str]) -> None:
    found = violations("at", HttpTimeouts(request=request_, backend_request=backend))
    assert [violation.path for violation in found] == paths


def test_zero_is_no_limit() -> None:
    assert limit_seconds("0s") is None
    assert limit_seconds(None) is None
    assert limit_seconds("1m30s") == 90

from __future__ import annotations

import pytest

from mesh_policy.snapshot import Timeouts
from mesh_policy.timeouts import check, check_seconds


@pytest.mark.parametrize(
    ("request_", "backend", "paths"),
    [
        (None, None, []),
        (0.001, None, []),
        (2.0, 2.0, []),
        (None, 86_400.0, []),
        (0.0, None, ["at.requestSeconds"]),
        (-1.0, -1.0, ["at.requestSeconds", "at.backendSeconds"]),
        (86_401.0, None, ["at.requestSeconds"]),
        (1.0, 2.0, ["at.backendSeconds"]),
    ],
)
def test_limits_are_above_zero_and_one_try_fits_into_the_whole(
    request_: float | None, backend: float | None, paths: list[str]
) -> None:
    found = check(Timeouts(request_seconds=request_, backend_seconds=backend), "at")
    assert [violation.path for violation in found] == paths


def test_no_limits_are_right() -> None:
    assert check(None, "at") == []


def test_silence_has_a_limit_of_its_own() -> None:
    assert check(Timeouts(request_seconds=1.0, idle_seconds=60.0), "at") == []
    assert [violation.path for violation in check(Timeouts(idle_seconds=0.0), "at")] == ["at.idleSeconds"]


@pytest.mark.parametrize(("seconds", "right"), [(None, True), (0.001, True), (0.0, False), (86_400.5, False)])
def test_one_limit(seconds: float | None, right: bool) -> None:
    assert ([v.path for v in check_seconds(seconds, "at")] == []) == right

"""Conditions: made and merged."""

from __future__ import annotations

import pytest

from control_plane.status.conditions import (
    accepted,
    condition,
    invalid,
    merged,
    plain,
    programmed,
    resolved,
    was_programmed,
)
from control_plane.status.progress import Progress
from mesh_policy.errors import Violation

NOW = "2026-03-01T00:00:00Z"


@pytest.mark.parametrize(
    ("done", "status", "reason", "says"),
    [
        (Progress(42, 41, "shop/a"), "False", "Pending", "running in 41 of 42 sidecars; waiting for shop/a"),
        (Progress(42, 42), "True", "Programmed", "running in 42 of 42 sidecars"),
        (Progress(0, 0), "True", "Programmed", "no sidecar needs it yet"),
        (
            Progress(2, 1, "shop/a", "x: bad"),
            "False",
            "Refused",
            "running in 1 of 2 sidecars; shop/a refuses it: x: bad",
        ),
    ],
)
def test_programmed(done: Progress, status: str, reason: str, says: str) -> None:
    found = programmed(done)
    assert (found.status, found.reason, found.message) == (status, reason, says)


def test_everything_that_is_wrong_is_said() -> None:
    found = invalid((Violation("spec.a", "is bad"), Violation("spec.b", "is worse")))
    assert (found.type, found.status, found.message) == ("Accepted", "False", "spec.a: is bad; spec.b: is worse")


def test_references() -> None:
    assert resolved().status == "True"
    found = resolved("BackendNotFound", ["a", "b", "a"])
    assert (found.status, found.reason, found.message) == ("False", "BackendNotFound", "a; b")


def test_not_known_yet() -> None:
    assert condition("Programmed", None, "Pending", "").status == "Unknown"


def test_the_time_changes_only_with_the_status() -> None:
    old = merged([], [accepted()], 1, "2026-01-01T00:00:00Z")
    same = merged(old, [accepted("in other words")], 2, NOW)
    assert same[0]["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert (same[0]["message"], same[0]["observedGeneration"]) == ("in other words", 2)
    changed = merged(same, [invalid((Violation("a", "b"),))], 3, NOW)
    assert changed[0]["lastTransitionTime"] == NOW


def test_what_is_written_equals_what_is_read_back() -> None:
    from control_plane.kinds.meta import Condition

    written = merged([], [accepted()], 1, NOW)
    read = [
        Condition(
            type=one["type"],
            status=one["status"],
            reason=one["reason"],
            message=one["message"],
            observed_generation=one["observedGeneration"],
            last_transition_time=one["lastTransitionTime"],
        )
        for one in written
    ]
    assert plain(read) == written


def test_a_message_has_a_limit() -> None:
    assert len(accepted("x" * 5000).message) == 1024


def test_programmed_once_is_of_one_generation() -> None:
    written = merged([], [programmed(Progress(1, 1))], 3, NOW)
    assert was_programmed(written, 3)
    assert not was_programmed(written, 4)
    assert not was_programmed(merged([], [programmed(Progress(2, 1, "shop/a"))], 3, NOW), 3)
    assert not was_programmed([], 3)

"""Conditions: made and merged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from control_plane.status import conditions
from control_plane.status.conditions import (
    OURS,
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
        (
            Progress(42, 40, "", "", 2, "shop/b is of an older version and runs it without x"),
            "False",
            "OlderSidecar",
            "running in 40 of 42 sidecars; shop/b is of an older version and runs it without x: restart the pod",
        ),
        (
            Progress(42, 39, "shop/a", "", 2, "shop/b is older"),
            "False",
            "Pending",
            "running in 39 of 42 sidecars; waiting for shop/a",
        ),
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


def test_conditions_of_others_stay_in_their_place() -> None:
    foreign = {"type": "special.io/SomeField", "status": "True", "reason": "R", "message": "m", "extra": 1}
    stale = {"type": "PartiallyInvalid", "status": "True", "reason": "UnsupportedValue", "message": ""}
    written = merged([foreign, stale, *merged([], [accepted()], 1, NOW)], [accepted(), resolved()], 2, NOW)
    assert written[0] == foreign
    assert [one["type"] for one in written] == ["special.io/SomeField", "Accepted", "ResolvedRefs"]
    assert merged(written, [accepted(), resolved()], 2, "2027-01-01T00:00:00Z") == written


def test_a_list_full_of_conditions_of_others_can_still_be_written() -> None:
    foreign = [{"type": f"special.io/{i}", "status": "True", "reason": "R", "message": ""} for i in range(7)]
    written = merged(foreign, [accepted(), resolved()], 1, NOW)
    assert written[:7] == foreign
    assert [one["type"] for one in written[7:]] == ["Accepted"]


def test_every_type_that_is_said_is_known_as_ours() -> None:
    sources = Path(conditions.__file__).parent.glob("*.py")
    said = {kind for source in sources for kind in re.findall(r'condition\(\s*"(\w+)"', source.read_text())}
    assert said == OURS

"""Limits of a rule's requests."""

from __future__ import annotations

import pytest

from control_plane.compile.timeouts import timeouts
from control_plane.kinds.timeouts import HttpTimeouts
from mesh_policy.snapshot import Timeouts


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (None, None),
        (HttpTimeouts(), None),
        (HttpTimeouts(request="0s", backend_request="0s"), None),
        (HttpTimeouts(request="2s"), Timeouts(request_seconds=2.0)),
        (HttpTimeouts(request="0s", backend_request="250ms"), Timeouts(backend_seconds=0.25)),
    ],
)
def test_zero_and_nothing_are_no_limit(spec: HttpTimeouts | None, expected: Timeouts | None) -> None:
    assert timeouts(spec) == expected

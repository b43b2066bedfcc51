from __future__ import annotations

import pytest

from mesh_policy.circuit import MAX_LIMIT, check
from mesh_policy.snapshot import Circuit


@pytest.mark.parametrize(
    "good",
    [Circuit(), Circuit(max_connections=1, max_pending=0, max_requests=1), Circuit(max_requests=MAX_LIMIT)],
)
def test_what_can_be_done(good: Circuit) -> None:
    assert check(good, "c") == []


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        (Circuit(max_connections=0), "c.maxConnections"),
        (Circuit(max_pending=-1), "c.maxPending"),
        (Circuit(max_requests=0), "c.maxRequests"),
        (Circuit(max_requests=MAX_LIMIT + 1), "c.maxRequests"),
    ],
)
def test_what_makes_no_sense_is_refused(bad: Circuit, path: str) -> None:
    assert [violation.path for violation in check(bad, "c")] == [path]

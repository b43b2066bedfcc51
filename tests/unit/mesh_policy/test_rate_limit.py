from __future__ import annotations

import pytest

from mesh_policy.rate_limit import check
from mesh_policy.snapshot import RateLimit


@pytest.mark.parametrize(
    "good",
    [
        RateLimit(name="shop/api", requests=1),
        RateLimit(name="shop/api", requests=1_000_000, per_seconds=86400, burst=1_000_000, ports=(1, 65535)),
        RateLimit(name="shop/api", requests=5, by="Caller"),
        RateLimit(name="shop/api", requests=5, by="Header", header="x-tenant"),
    ],
)
def test_what_can_be_done(good: RateLimit) -> None:
    assert check(good, "r") == []


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        (RateLimit(name="a b", requests=1), "r.name"),
        (RateLimit(name="", requests=1), "r.name"),
        (RateLimit(name="a/b", requests=0), "r.requests"),
        (RateLimit(name="a/b", requests=1, burst=-1), "r.burst"),
        (RateLimit(name="a/b", requests=1, per_seconds=0), "r.perSeconds"),
        (RateLimit(name="a/b", requests=1, per_seconds=float("inf")), "r.perSeconds"),
        (RateLimit(name="a/b", requests=1, ports=(0,)), "r.ports"),
        (RateLimit(name="a/b", requests=1, by="Header"), "r.header"),
        (RateLimit(name="a/b", requests=1, by="Header", header="X"), "r.header"),
        (RateLimit(name="a/b", requests=1, by="Caller", header="x"), "r.header"),
    ],
)
def test_what_makes_no_sense_is_refused(bad: RateLimit, path: str) -> None:
    assert [violation.path for violation in check(bad, "r")] == [path]

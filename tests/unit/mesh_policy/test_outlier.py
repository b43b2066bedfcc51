from __future__ import annotations

import pytest

from mesh_policy import outlier
from mesh_policy.snapshot import Outlier


def test_nothing_and_the_defaults_are_right() -> None:
    assert outlier.check(None, "x") == []
    assert outlier.check(Outlier(), "x") == []


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (Outlier(consecutive_errors=-1), "consecutiveErrors"),
        (Outlier(min_requests=0), "minRequests"),
        (Outlier(success_rate_below=100.1), "successRateBelow"),
        (Outlier(max_ejected_percent=-1), "maxEjectedPercent"),
        (Outlier(panic_percent=float("nan")), "panicPercent"),
        (Outlier(interval_seconds=0), "intervalSeconds"),
        (Outlier(base_ejection_seconds=-1), "baseEjectionSeconds"),
        (Outlier(max_ejection_seconds=86401), "maxEjectionSeconds"),
    ],
)
def test_what_is_out_of_range_is_named(bad: Outlier, field: str) -> None:
    (found,) = outlier.check(bad, "outbound.backends[0].outlier")
    assert found.path == f"outbound.backends[0].outlier.{field}"

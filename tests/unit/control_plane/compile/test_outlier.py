"""When an endpoint is left out."""

from __future__ import annotations

from control_plane.compile.outlier import outlier
from mesh_policy.snapshot import Outlier
from tests.support.policies import on_api, over_mesh


def test_never_without_a_word() -> None:
    assert outlier(*over_mesh({})) is None


def test_defaults_and_units() -> None:
    assert outlier(*on_api(outlier={})) == Outlier()
    assert outlier(
        *on_api(
            outlier={
                "consecutiveErrors": 3,
                "successRate": {"below": 80, "minRequests": 9},
                "interval": "5s",
                "baseEjection": "1m",
                "maxEjection": "1h",
                "maxEjected": 10,
                "panic": 0,
            }
        )
    ) == Outlier(
        consecutive_errors=3,
        success_rate_below=80.0,
        min_requests=9,
        interval_seconds=5.0,
        base_ejection_seconds=60.0,
        max_ejection_seconds=3600.0,
        max_ejected_percent=10.0,
        panic_percent=0.0,
    )


def test_when_nothing_counts_the_meshs_is_taken_away() -> None:
    mesh = {"outlier": {"consecutiveErrors": 3}}
    assert outlier(*over_mesh(mesh)) == Outlier(consecutive_errors=3)
    assert outlier(*over_mesh(mesh, outlier={"consecutiveErrors": 0})) is None
    rate = outlier(*over_mesh(mesh, outlier={"consecutiveErrors": 0, "successRate": {"below": 50}}))
    assert rate == Outlier(consecutive_errors=0, success_rate_below=50.0)

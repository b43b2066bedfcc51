"""Outlier ejection of a policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.policies import wrong


def test_what_is_right() -> None:
    assert wrong(outlier={}) == []
    assert wrong(outlier={"consecutiveErrors": 0, "successRate": {"below": 80}, "maxEjected": 0, "panic": 0}) == []


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"consecutiveErrors": -1}, "outlier.consecutiveErrors"),
        ({"successRate": {"below": 100.5}}, "outlier.successRate.below"),
        ({"successRate": {"minRequests": 20}}, "outlier.successRate"),
        ({"successRate": {"below": 80, "minRequests": 0}}, "outlier.successRate.minRequests"),
        ({"interval": "100ms"}, "outlier.interval"),
        ({"baseEjection": "long"}, "outlier.baseEjection"),
        ({"baseEjection": "10m"}, "outlier.maxEjection"),
        ({"maxEjection": "25h"}, "outlier.maxEjection"),
        ({"maxEjected": -1}, "outlier.maxEjected"),
        ({"panic": 101}, "outlier.panic"),
    ],
)
def test_what_is_wrong_is_named(spec: dict[str, Any], path: str) -> None:
    assert wrong(outlier=spec) == [path]

"""The retry budget of a policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.policies import wrong


def test_what_is_right() -> None:
    assert wrong(retryBudget={}) == []
    assert wrong(retryBudget={"percent": 0, "minPerSecond": 0, "interval": "1h"}) == []


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"percent": 101}, "retryBudget.percent"),
        ({"minPerSecond": -0.5}, "retryBudget.minPerSecond"),
        ({"interval": "0s"}, "retryBudget.interval"),
        ({"interval": "2h"}, "retryBudget.interval"),
        ({"interval": 10}, "retryBudget.interval"),
    ],
)
def test_what_is_wrong_is_named(spec: dict[str, Any], path: str) -> None:
    assert wrong(retryBudget=spec) == [path]

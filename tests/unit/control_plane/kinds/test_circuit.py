"""Circuit limits of a policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.policies import wrong


def test_what_is_right() -> None:
    assert wrong(circuit={}) == []
    assert wrong(circuit={"maxConnections": 1, "maxPending": 0, "maxRequests": 1_000_000}) == []


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"maxConnections": 0}, "circuit.maxConnections"),
        ({"maxPending": -1}, "circuit.maxPending"),
        ({"maxRequests": 1_000_001}, "circuit.maxRequests"),
        ({"maxRequests": "many"}, "circuit.maxRequests"),
        ({"maxRequest": 1}, "circuit"),
    ],
)
def test_what_is_wrong_is_named(spec: dict[str, Any], path: str) -> None:
    assert wrong(circuit=spec) == [path]

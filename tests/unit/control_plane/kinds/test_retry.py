"""Retries of a policy and of a route."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.kinds.retry import RouteRetry, grpc_statuses, route_violations, statuses
from tests.support.policies import wrong


def test_what_is_right() -> None:
    assert wrong(retry={}) == []
    assert wrong(retry={"attempts": 0, "when": ["Reset", "503", "5xx", "Unavailable"], "methods": "All"}) == []
    assert wrong(retry={"backoff": {"base": "0s", "max": "0s"}, "methods": ["GET", "POST"]}) == []


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"attempts": 101}, "retry.attempts"),
        ({"attempts": "two"}, "retry.attempts"),
        ({"when": []}, "retry.when"),
        ({"when": ["Reset", "Down"]}, "retry.when[1]"),
        ({"when": ["399"]}, "retry.when[0]"),
        ({"when": [503]}, "retry.when[0]"),
        ({"on": ["Reset"]}, "retry"),
        ({"backoff": {"base": "1s"}}, "retry.backoff.max"),
        ({"backoff": {"base": "2h", "max": "1s"}}, "retry.backoff.base"),
        ({"methods": "Some"}, "retry.methods"),
        ({"methods": []}, "retry.methods"),
        ({"methods": ["GET", "FETCH"]}, "retry.methods[1]"),
    ],
)
def test_what_is_wrong_is_named(spec: dict[str, Any], path: str) -> None:
    assert wrong(retry=spec) == [path]


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        (RouteRetry(), []),
        (RouteRetry(codes=(500, 503), attempts=3, backoff="100ms"), []),
        (RouteRetry(codes=(500, 200)), ["retry.codes[1]"]),
        (RouteRetry(codes=(500, 500)), ["retry.codes"]),
        (RouteRetry(attempts=0), ["retry.attempts"]),
        (RouteRetry(attempts=101), ["retry.attempts"]),
        (RouteRetry(backoff="soon"), ["retry.backoff"]),
        (None, []),
    ],
)
def test_a_routes_retry(spec: RouteRetry | None, paths: list[str]) -> None:
    assert [violation.path for violation in route_violations("retry", spec)] == paths


def test_words_become_statuses() -> None:
    assert statuses(("Reset", "503", "429", "Unavailable")) == (429, 503)
    assert statuses(("5xx", "503")) == tuple(range(500, 600))
    assert grpc_statuses(("503", "Unavailable", "Aborted")) == (10, 14)

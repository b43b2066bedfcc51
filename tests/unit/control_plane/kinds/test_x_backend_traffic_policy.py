"""XBackendTrafficPolicy: what is malformed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.registry import decode, violations
from control_plane.kinds.x_backend_traffic_policy import BackendTrafficPolicy, RetryConstraint
from tests.support.cluster import a_backend_policy

KIND = "XBackendTrafficPolicy"


def read(**spec: Any) -> BackendTrafficPolicy:
    found = decode(KIND, json.dumps(a_backend_policy("p", "api", **spec)).encode())
    assert isinstance(found, BackendTrafficPolicy)
    return found


def test_the_defaults_are_the_apis() -> None:
    found = read(retryConstraint={}).spec.retry_constraint
    assert found == RetryConstraint()
    assert (found.budget.percent, found.budget.interval) == (20, "10s")
    assert (found.min_retry_rate.count, found.min_retry_rate.interval) == (10, "1s")


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"retryConstraint": {"budget": {"percent": 101}}}, "spec.retryConstraint.budget.percent"),
        ({"retryConstraint": {"budget": {"interval": "2h"}}}, "spec.retryConstraint.budget.interval"),
        ({"retryConstraint": {"minRetryRate": {"count": 0}}}, "spec.retryConstraint.minRetryRate.count"),
        ({"retryConstraint": {"minRetryRate": {"interval": "0s"}}}, "spec.retryConstraint.minRetryRate.interval"),
        ({"retryConstraint": {"minRetryRate": {"interval": "1 s"}}}, "spec.retryConstraint.minRetryRate.interval"),
        ({"sessionPersistence": {"sessionName": "a b"}}, "spec.sessionPersistence.sessionName"),
        ({"retryConstraint": {"budget": {"percent": "many"}}}, "spec.retryConstraint.budget.percent"),
        ({"surprise": 1}, "spec"),
    ],
)
def test_malformed(spec: dict[str, Any], path: str) -> None:
    assert [violation.path for violation in violations(KIND, read(**spec))] == [path]


def test_what_is_wrong_with_a_policy_for_others_is_not_our_business() -> None:
    targets = [{"group": "example.com", "kind": "Bucket", "name": "b"}]
    found = read(targetRefs=targets, retryConstraint={"budget": {"percent": 101}})
    assert found.services == ()
    assert violations(KIND, found) == ()


def test_without_readable_targets_it_is_known_by_name_alone() -> None:
    found = decode(KIND, json.dumps(a_backend_policy("p", targetRefs=3)).encode())
    assert not isinstance(found, BackendTrafficPolicy)
    assert found.key == ("shop", "p")

"""How many retries a Service gets."""

from __future__ import annotations

from typing import Any

from control_plane.compile.retry_budget import retry_budget
from control_plane.index.policy import PolicyTable
from mesh_policy.snapshot import RetryBudget
from tests.support.cluster import API_SERVICE, SHOP, a_backend_policy, a_mesh_config, a_policy, a_service, an_index
from tests.support.policies import api


def budget(*more: dict[str, Any]) -> RetryBudget:
    index = an_index(*SHOP, *more)
    return retry_budget(PolicyTable(index), api(index))


def test_service_then_namespace_then_mesh_then_default() -> None:
    mesh = a_mesh_config(retryBudget={"percent": 1, "minPerSecond": 2, "interval": "3s"})
    space = a_policy("default", targets=[], retryBudget={"percent": 4})
    service = a_policy("p", targets=[API_SERVICE], retryBudget={"percent": 5})
    assert budget() == RetryBudget(percent=25.0, min_per_second=10.0, interval_seconds=10.0)
    assert budget(mesh) == RetryBudget(percent=1.0, min_per_second=2.0, interval_seconds=3.0)
    assert budget(mesh, space) == RetryBudget(percent=4.0)
    assert budget(mesh, space, service) == RetryBudget(percent=5.0)


def test_the_gateway_apis_policy_stands_between_service_and_namespace() -> None:
    constraint = {"budget": {"percent": 30, "interval": "1m"}, "minRetryRate": {"count": 5, "interval": "10s"}}
    standard = a_backend_policy("x", "api", retryConstraint=constraint)
    space = a_policy("default", targets=[], retryBudget={"percent": 4})
    service = a_policy("p", targets=[API_SERVICE], retryBudget={"percent": 5})
    assert budget(standard, space) == RetryBudget(
        percent=30.0, min_per_second=0.5, interval_seconds=60.0, over_status=503
    )
    assert budget(standard, space, service) == RetryBudget(percent=5.0)
    assert budget(a_backend_policy("x", "api", sessionPersistence={}), space) == RetryBudget(percent=4.0)


def test_a_single_port_has_none_of_its_own() -> None:
    ports = ({"name": "a", "port": 80}, {"name": "b", "port": 81})
    policy = a_policy("p", targets=[{**API_SERVICE, "sectionName": "a"}], retryBudget={"percent": 5})
    assert budget(a_service("api", "10.96.0.10", *ports), policy) == RetryBudget()

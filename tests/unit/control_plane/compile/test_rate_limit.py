"""How many requests a pod takes."""

from __future__ import annotations

from typing import Any

from control_plane.compile.rate_limit import rate_limits
from control_plane.index.policy import PolicyTable
from mesh_policy.snapshot import RateLimit
from tests.support.cluster import API_SERVICE, SHOP, a_policy, a_service, an_index

LIMIT: dict[str, Any] = {"requests": 100, "per": "1m", "burst": 20, "by": "Header", "header": "X-User"}


def limits(*more: dict[str, Any], pod: str = "api-1") -> tuple[RateLimit, ...]:
    index = an_index(*SHOP, *more)
    found = index.pod("shop", pod)
    assert found is not None
    return rate_limits(index, PolicyTable(index), found)


def test_a_limit_with_its_units_on_the_pods_own_port() -> None:
    (found,) = limits(a_policy("p", targets=[API_SERVICE], rateLimit=LIMIT))
    assert found == RateLimit(
        name="shop/p", ports=(8080,), requests=100, per_seconds=60.0, burst=20, by="Header", header="x-user"
    )
    assert limits(a_policy("p", targets=[API_SERVICE], rateLimit=LIMIT), pod="web-1") == ()


def test_the_nearest_policy_of_each_port_counts() -> None:
    service = a_service("api", "10.96.0.10", {"name": "a", "port": 80}, {"name": "b", "port": 81})
    space = a_policy("default", targets=[], rateLimit={"requests": 1})
    port = a_policy("port", targets=[{**API_SERVICE, "sectionName": "b"}], rateLimit={"requests": 2})
    assert [(one.name, one.ports) for one in limits(service, space, port)] == [
        ("shop/default", (80,)),
        ("shop/port", (81,)),
    ]


def test_every_service_of_a_port_counts() -> None:
    other = a_service(
        "other", "10.96.0.12", {"port": 9, "targetPort": 8080, "appProtocol": "http"}, selector={"app": "api"}
    )
    policies = [
        a_policy(name, targets=[{**API_SERVICE, "name": name}], rateLimit={"requests": 1}) for name in ("api", "other")
    ]
    assert [(one.name, one.ports) for one in limits(other, *policies)] == [
        ("shop/api", (8080,)),
        ("shop/other", (8080,)),
    ]


def test_a_port_that_is_not_http_has_none() -> None:
    service = a_service("api", "10.96.0.10", {"port": 5432})
    assert limits(service, a_policy("p", targets=[API_SERVICE], rateLimit=LIMIT)) == ()

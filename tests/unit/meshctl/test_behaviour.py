"""What holds, in few words."""

from __future__ import annotations

import json

from mesh_policy import snapshot
from mesh_policy.wire import encode
from meshctl.behaviour import of_backend, of_limit, of_rule


def as_sent(**parts: object) -> dict[str, object]:
    """A part of a configuration as the sidecar gets it."""
    workload = snapshot.Workload(namespace="shop", pod="web-1", service_account="web")
    backend = snapshot.Backend(name="shop/api/80", **parts)  # type: ignore[arg-type]
    config = snapshot.WorkloadConfig(
        workload=workload, trust_domain="cluster.local", outbound=snapshot.Outbound(backends=(backend,))
    )
    found: dict[str, object] = json.loads(encode(config))["outbound"]["backends"][0]
    return found


def test_a_rule() -> None:
    assert of_rule({}) == ""
    rule = {
        "timeouts": {"requestSeconds": 2.0, "backendSeconds": 0.5, "idleSeconds": 60.0},
        "retry": {},
        "session": {"name": "shop"},
    }
    assert of_rule(rule) == " (request 2s, try 0.5s, idle 60s, 1 retry, session cookie shop)"


def test_a_backend() -> None:
    assert of_backend(as_sent()) == "0 endpoints"
    used = as_sent(
        endpoints=(snapshot.Endpoint(ip="10.0.0.1", port=80),),
        balance=snapshot.Balance(algorithm="Random", prefer_zone=True, slow_start_seconds=10.0),
        circuit=snapshot.Circuit(max_connections=5, max_pending=0),
        outlier=snapshot.Outlier(),
    )
    assert of_backend(used) == (
        "1 endpoint, Random, own zone first, slow start 10s, at most 5 connections, at most 0 waiting, outliers ejected"
    )


def test_a_limit() -> None:
    assert of_limit({"requests": 100}) == "100 in 1s, by Workload"
    limit = {"requests": 5, "perSeconds": 60.0, "burst": 2, "by": "Header", "header": "x-user"}
    assert of_limit(limit) == "5 in 60s, burst 2, by Header x-user"

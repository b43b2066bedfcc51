"""Where things go, in few words."""

from __future__ import annotations

import json
from typing import Any

from mesh_policy import snapshot
from mesh_policy.snapshot import (
    Fault,
    Frontend,
    HttpRoutes,
    Match,
    Mirror,
    PathMatch,
    Redirect,
    Retry,
    RouteEntry,
    Rule,
    Target,
    TcpRoutes,
    TcpRule,
    Timeouts,
    ValueMatch,
    WeightedBackend,
)
from mesh_policy.wire import encode
from meshctl.destinations import of_frontend


def shown(backends: dict[str, Any] | None = None, **parts: Any) -> list[str]:
    """The lines of a frontend as a sidecar gets it."""
    protocol = "tcp" if "tcp_routes" in parts else "http"
    frontend = Frontend(name="a/b/80", addresses=("10.0.0.1",), port=80, protocol=protocol, backend="a/b/80", **parts)
    workload = snapshot.Workload(namespace="shop", pod="web-1", service_account="web")
    config = snapshot.WorkloadConfig(
        workload=workload, trust_domain="cluster.local", outbound=snapshot.Outbound(frontends=(frontend,))
    )
    return of_frontend(json.loads(encode(config))["outbound"]["frontends"][0], backends or {}).splitlines()


def routes(*rules: Rule, matches: tuple[Match, ...] = (Match(),)) -> HttpRoutes:
    """The first match is the first rule's, and so on."""
    return HttpRoutes(entries=tuple(RouteEntry(match=one, rule=at) for at, one in enumerate(matches)), rules=rules)


def test_a_service_without_routes() -> None:
    assert shown({"a/b/80": {"endpoints": [{}, {}, {}]}}) == ["a/b/80 (3 endpoints)"]


def test_a_services_own_rule() -> None:
    rule = Rule(
        route="Service/a/b", timeouts=Timeouts(request_seconds=2), retry=Retry(attempts=2), faults=(Fault(name="slow"),)
    )
    assert shown({"a/b/80": {"endpoints": [{}], "outlier": {}}}, rule=rule) == [
        "a/b/80 (1 endpoint, outliers ejected) (request 2s, 2 retries) ! slow"
    ]


def test_shares_copies_and_faults() -> None:
    backends = (
        WeightedBackend(backend="a/v1/80", weight=80),
        WeightedBackend(backend="a/v2/80", weight=15),
        WeightedBackend(backend=None, weight=5),
    )
    rule = Rule(
        route="HTTPRoute/a/b",
        backends=backends,
        mirrors=(Mirror(backend="staging/b/80"), Mirror(backend="dark/b/80", percent=0.5)),
        faults=(Fault(name="slow"),),
    )
    assert shown(routes=routes(rule)) == [
        "/ → 80 a/v1/80, 15 a/v2/80, 5 500 + copy to staging/b/80 + copy of 0.5 % to dark/b/80 ! slow"
    ]


def test_what_a_rule_matches() -> None:
    one = Match(
        path=PathMatch(type="Exact", value="/a"),
        method="GET",
        headers=(ValueMatch(name="x", value="[a-z]", type="RegularExpression"), ValueMatch(name="y", value="1")),
        query=(ValueMatch(name="q", value="2"),),
    )
    other = Match(path=PathMatch(type="RegularExpression", value="/v[12]/.*"))
    rule = Rule(route="HTTPRoute/a/b", redirect=Redirect(status=308))
    nowhere = Rule(route="HTTPRoute/a/b")
    assert shown(routes=routes(rule, nowhere, matches=(one, other))) == [
        "GET = /a ?q=2 x: ~ [a-z] y: 1 → redirect 308",
        "~ /v[12]/.* → 500",
    ]


def test_routes_that_match_nothing_are_no_missing_routes() -> None:
    assert shown(routes=HttpRoutes()) == ["404: its routes match nothing"]
    assert shown(tcp_routes=TcpRoutes()) == ["refused: its routes have no rules"]


def test_connections() -> None:
    rules = (
        TcpRule(
            route="TLSRoute/a/b",
            server_names=("a.example", "*.b.example"),
            targets=(Target(backend="a/v1/80", weight=3), Target(backend=None)),
        ),
        TcpRule(route="TCPRoute/a/b", targets=(Target(backend="a/v2/80"),)),
    )
    assert shown(tcp_routes=TcpRoutes(rules=rules)) == [
        "a.example, *.b.example → 3 a/v1/80, 1 refused",
        "all → 1 a/v2/80",
    ]

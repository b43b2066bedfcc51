"""Which objects an older sidecar runs in part, and without what."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.compile.workload import Compiler
from control_plane.index.store import Index
from control_plane.kinds.meta import Ref
from control_plane.status.schema import left_out
from mesh_policy.schema import missing
from tests.support.cluster import (
    API_SERVICE,
    SHOP,
    a_mesh_config,
    a_policy,
    a_route,
    a_service,
    a_subset,
    an_index,
    intentions,
    to,
)
from tests.support.older import RETRY, SLOW_START, without

WEB_SERVICE = {**API_SERVICE, "name": "web"}
TARGET_ROUTE = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "r"}
SLOWLY = {"loadBalancing": {"slowStart": "10s"}}
AGAIN = {"retry": {"attempts": 2}}
ROUTE = a_route("r", "api", {"backendRefs": [to("api")]})


def said(index: Index, obj: dict[str, Any], *unknown: str) -> tuple[str, ...]:
    compiled = Compiler(index).compile_for(("shop", "web-1"), missing(without(*unknown)))
    assert compiled is not None
    meta = obj["metadata"]
    found = index.find(Ref(obj["kind"], meta.get("namespace", ""), meta["name"]))
    assert found is not None
    return left_out(obj["kind"], found, compiled.left)


@pytest.mark.parametrize(
    ("policy", "unknown"),
    [
        (a_policy("p", targets=[API_SERVICE], **SLOWLY), SLOW_START),
        (a_policy("default", targets=[], **SLOWLY), SLOW_START),
        (a_policy("p", targets=[API_SERVICE], outlier={}), "Backend.outlier"),
        (a_policy("p", targets=[WEB_SERVICE], **AGAIN), RETRY),
        (a_policy("p", targets=[API_SERVICE], **AGAIN), RETRY),
        (a_policy("p", targets=[TARGET_ROUTE], **AGAIN), RETRY),
        (a_mesh_config(**SLOWLY), SLOW_START),
    ],
    ids=["service", "namespace", "a whole part", "service without a route", "service with a route", "route", "mesh"],
)
def test_the_object_that_says_it_is_meant(policy: dict[str, Any], unknown: str) -> None:
    index = an_index(*SHOP, policy, ROUTE)
    assert said(index, policy, unknown) == (unknown,)
    assert said(index, ROUTE, unknown) == (), "the route does not say it"


@pytest.mark.parametrize(
    "other",
    [
        a_policy("other", targets=[WEB_SERVICE], **SLOWLY, namespace="else"),
        a_policy("other", targets=[API_SERVICE], timeouts={"request": "1s"}),
        a_policy("other", targets=[WEB_SERVICE], circuit={"maxRequests": 5}),
        a_subset("v1", "api", version="v1"),
        intentions("api", "api", {"name": "web", "action": "allow"}),
        a_mesh_config(**AGAIN),
    ],
    ids=["namespace", "another field", "another target", "subset", "intentions", "mesh"],
)
def test_other_objects_run_whole(other: dict[str, Any]) -> None:
    mine = a_policy("p", targets=[API_SERVICE], **SLOWLY, created="2025-01-01T00:00:00Z")
    index = an_index(*SHOP, a_service("web", "10.97.0.1", namespace="else"), mine, other)
    assert said(index, mine, SLOW_START) == (SLOW_START,)
    if other["metadata"].get("namespace") != "else":
        assert said(index, other, SLOW_START) == ()


def test_a_subset_of_the_service_has_what_the_policy_says() -> None:
    mine = a_policy("p", targets=[API_SERVICE], **SLOWLY)
    subset = a_subset("v1", "api", version="v1")
    to_subset = to("v1", None, group="mesh.heddle.dev", kind="ServiceSubset")
    index = an_index(*SHOP, mine, subset, a_route("r", "api", {"backendRefs": [to_subset]}))
    assert said(index, mine, SLOW_START) == (SLOW_START,)
    assert said(index, subset, SLOW_START) == ()


def test_a_route_that_says_it_itself_is_meant() -> None:
    route = a_route("r", "api", {"backendRefs": [to("api")], "retry": {"codes": [503]}})
    other = a_route("s", "web", {"backendRefs": [to("web")], "retry": {"codes": [503]}})
    index = an_index(*SHOP, route, other)
    assert said(index, route, RETRY) == (RETRY,)


def test_what_no_object_says_is_no_objects_lack() -> None:
    everything = [ROUTE, a_policy("p", targets=[API_SERVICE], **SLOWLY), a_mesh_config()]
    index = an_index(*SHOP, *everything)
    for obj in everything:
        assert said(index, obj, "Frontend.engineReason", "Endpoint.zone", "Endpoint.node", "Workload.zone") == ()


def test_intentions_that_say_it_are_meant() -> None:
    one = intentions("api", "api", {"name": "web", "action": "allow"})
    index = an_index(*SHOP, one)
    compiled = Compiler(index).compile_for(("shop", "api-1"), missing(without("Intention.sourceName")))
    found = index.find(Ref("ServiceIntentions", "shop", "api"))
    assert compiled is not None
    assert found is not None
    assert left_out("ServiceIntentions", found, compiled.left) == ("Intention.sourceName",)

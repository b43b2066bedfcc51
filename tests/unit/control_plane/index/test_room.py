"""One namespace cannot fill the snapshots of all."""

from __future__ import annotations

from typing import Any

from control_plane.compile.workload import compile_workload
from control_plane.index.attachment import attachments
from control_plane.index.room import EXPRESSION_BYTES, MAX_BYTES, RULE_BYTES, crowded_out, size
from control_plane.index.store import Index
from control_plane.kinds.meta import Ref
from control_plane.kinds.route import AnyRoute
from control_plane.status.progress import Progress
from control_plane.status.route import parents
from mesh_policy.wire import encode
from tests.support.cluster import SHOP, a_namespace, a_route, a_service, a_tls_route, an_index, to

MATCHES = [{"path": {"value": f"/{i:04}"}, "headers": [{"name": "x-a", "value": "v" * 1000}]} for i in range(64)]
FULL = [{"matches": MATCHES, "backendRefs": [to("api")]}] * 16
"""The rules of a route of about a megabyte."""


def large(name: str, year: int, namespace: str = "shop") -> dict[str, Any]:
    return a_route(name, "api", *FULL, namespace=namespace, created=f"{year}-01-01T00:00:00Z")


def the_routes(index: Index) -> list[AnyRoute]:
    return sorted(index.routes(), key=lambda one: one.key)


def acting(index: Index) -> list[str]:
    return [one.metadata.name for one in the_routes(index) if any(a.ports for a in attachments(index, one))]


def test_each_match_and_each_rule_without_one_counts() -> None:
    index = an_index(*SHOP, a_route("r", "api", {"matches": [{}, {}]}, {}))
    (route,) = index.routes()
    assert 3 * RULE_BYTES < size(route) < 3 * RULE_BYTES + 200


def test_server_names_count() -> None:
    names = [f"{i}.example" for i in range(100)]
    index = an_index(*SHOP, a_tls_route("t", "api", to("api"), hostnames=names))
    (route,) = index.routes()
    assert size(route) > len("".join(names))


def test_the_newest_have_no_room() -> None:
    index = an_index(*SHOP, large("newest", 2026), large("a", 2020), large("b", 2021), large("c", 2022))
    assert acting(index) == ["a", "b", "c"]
    index.delete(Ref("HTTPRoute", "shop", "a"))
    assert acting(index) == ["b", "c", "newest"], "there is room now"


def test_every_port_counts() -> None:
    index = an_index(*SHOP, large("a", 2020))
    (route,) = index.routes()
    assert crowded_out([(route, 1)]) == frozenset()
    assert crowded_out([(route, MAX_BYTES // size(route) + 1)]) == {("HTTPRoute", ("shop", "a"))}


def test_another_namespace_keeps_its_own() -> None:
    loud = [large(f"r{i:02}", 2000 + i, "loud") for i in range(10)]
    own = a_service("api", "10.98.0.1", namespace="loud")
    index = an_index(*SHOP, a_namespace("loud"), own, *loud, a_route("quiet", "api", {"backendRefs": [to("api")]}))
    config = compile_workload(index, ("shop", "web-1"))
    assert config is not None
    assert len(encode(config)) < 2 * MAX_BYTES
    assert acting(index) == ["r00", "r01", "r02", "quiet"]


def test_the_status_says_why() -> None:
    index = an_index(*SHOP, *(large(f"r{i}", 2000 + i) for i in range(5)))
    *_, last = the_routes(index)
    (entry,) = parents(index, last, Progress(1, 1), "2026-01-01T00:00:00Z")
    accepted = entry["conditions"][0]
    assert (accepted["status"], accepted["reason"]) == ("False", "TooManyRules")
    assert "more than 4 MiB" in accepted["message"]


def test_an_expression_counts_more_than_its_text() -> None:
    kinds = ("PathPrefix", "RegularExpression")
    routes = [a_route(kind.lower(), "api", {"matches": [{"path": {"type": kind, "value": "/a"}}]}) for kind in kinds]
    plain, expression = the_routes(an_index(*SHOP, *routes))
    assert size(expression) > size(plain) + EXPRESSION_BYTES

"""Routes of a frontend."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from control_plane.compile.outbound import Shared, outbound
from control_plane.index.store import Index
from mesh_policy.snapshot import Frontend, HttpRoutes, Rule
from tests.support.cluster import EXTENSION, SHOP, a_grpc_route, a_namespace, a_route, a_service, an_index, to


def frontend(index: Index, namespace: str = "shop", name: str = "shop/api/80") -> Frontend:
    found = outbound(index, Shared(index), namespace, "auto").frontends
    return next(one for one in found if one.name == name)


def routes(index: Index, namespace: str = "shop") -> HttpRoutes:
    found = frontend(index, namespace).routes
    assert found is not None
    return found


def rule(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "backendRefs": [to("api")], **more}


def decided_by(index: Index, namespace: str = "shop") -> list[str]:
    """Rules in the order of precedence of their matches."""
    found = routes(index, namespace)
    return [f"{found.rules[entry.rule].route}#{found.rules[entry.rule].name}" for entry in found.entries]


def test_no_route_is_none() -> None:
    assert frontend(an_index(*SHOP)).routes is None


def test_an_empty_match_is_every_request() -> None:
    (entry,) = routes(an_index(*SHOP, a_route("r", "api", rule("all")))).entries
    assert (entry.match.path.type, entry.match.path.value) == ("PathPrefix", "/")


def test_matches_are_compiled_with_header_names_in_lower_case() -> None:
    match = {
        "method": "GET",
        "headers": [{"name": "X-A", "value": "B"}],
        "queryParams": [{"name": "Q", "value": "x+", "type": "RegularExpression"}],
    }
    (entry,) = routes(an_index(*SHOP, a_route("r", "api", rule("a", matches=[match])))).entries
    assert entry.match.method == "GET"
    assert [(h.name, h.value, h.type) for h in entry.match.headers] == [("x-a", "B", "Exact")]
    assert [(q.name, q.value, q.type) for q in entry.match.query] == [("Q", "x+", "RegularExpression")]


def test_precedence_goes_over_all_routes() -> None:
    old = a_route("old", "api", rule("prefix", matches=[{"path": {"value": "/a"}}]), created="2026-01-01T00:00:00Z")
    new = a_route(
        "new",
        "api",
        rule("all"),
        rule("exact", matches=[{"path": {"type": "Exact", "value": "/a"}}]),
        rule("same", matches=[{"path": {"value": "/a"}}]),
        created="2026-02-01T00:00:00Z",
    )
    assert decided_by(an_index(*SHOP, new, old)) == [
        "HTTPRoute/shop/new#exact",
        "HTTPRoute/shop/old#prefix",
        "HTTPRoute/shop/new#same",
        "HTTPRoute/shop/new#all",
    ]


def test_a_rule_without_a_name_has_its_index() -> None:
    assert decided_by(an_index(*SHOP, a_route("r", "api", {"backendRefs": [to("api")]}))) == ["HTTPRoute/shop/r#0"]


def test_consumer_routes_win_in_their_namespace_and_are_unknown_elsewhere() -> None:
    consumer = a_route("c", "api", rule("c"), namespace="client", parent={"namespace": "shop"})
    index = an_index(*SHOP, a_namespace("client"), a_route("p", "api", rule("p")), consumer)
    assert decided_by(index, "client") == ["HTTPRoute/client/c#c"]
    assert decided_by(index, "shop") == ["HTTPRoute/shop/p#p"]
    assert decided_by(index, "third") == ["HTTPRoute/shop/p#p"]


def test_a_route_acts_on_its_ports_alone() -> None:
    ports = ({"name": "http", "port": 80}, {"name": "http-alt", "port": 8080})
    index = an_index(*SHOP, a_service("api", "10.96.0.10", *ports), a_route("r", "api", rule("a"), parent={"port": 80}))
    assert frontend(index).routes is not None
    assert frontend(index, name="shop/api/8080").routes is None


def test_a_route_that_was_not_accepted_does_not_act() -> None:
    strange = {"headers": [{"name": "a", "value": "b", "type": "Strange"}]}
    index = an_index(*SHOP, a_route("r", "api", rule("a", matches=[strange]), rule("b", filters=[EXTENSION])))
    assert frontend(index).routes is None


def test_a_rule_with_a_filter_that_is_not_here_refuses_what_it_matches() -> None:
    """HTTPRouteFilter.type: the filter is not skipped, nor do the requests fall to another rule or to the Service."""
    index = an_index(*SHOP, a_route("r", "api", rule("a"), rule("b", filters=[EXTENSION])))
    first, second = routes(index).rules
    assert first.backends
    assert second == Rule(route="HTTPRoute/shop/r", name="b")
    assert [entry.rule for entry in routes(index).entries] == [0, 1]


def test_a_route_without_backends_answers_for_itself() -> None:
    (compiled,) = routes(an_index(*SHOP, a_route("r", "api", {"name": "none"}))).rules
    assert compiled.backends == ()


def test_calls_go_before_other_requests_and_are_never_merged_with_them() -> None:
    calls = a_grpc_route("g", "api", {"name": "call", "matches": [{"method": {"service": "a.B", "method": "Get"}}]})
    index = an_index(*SHOP, a_route("h", "api", rule("path")), calls)
    assert decided_by(index) == ["GRPCRoute/shop/g#call"]
    (entry,) = routes(index).entries
    assert (entry.match.path.type, entry.match.path.value) == ("Exact", "/a.B/Get")


def test_a_consumers_http_route_wins_over_the_producers_calls() -> None:
    consumer = a_route("c", "api", rule("c"), namespace="client", parent={"namespace": "shop"})
    index = an_index(*SHOP, a_namespace("client"), a_grpc_route("p", "api", rule("p")), consumer)
    assert decided_by(index, "client") == ["HTTPRoute/client/c#c"]
    assert decided_by(index, "shop") == ["GRPCRoute/shop/p#p"]


def test_calls_have_an_order_of_their_own() -> None:
    index = an_index(
        *SHOP,
        a_grpc_route(
            "g",
            "api",
            rule("any"),
            rule("header", matches=[{"headers": [{"name": "X-A", "value": "b"}]}]),
            rule("method", matches=[{"method": {"method": "Get"}}]),
            rule("service", matches=[{"method": {"service": "a"}}]),
            rule("longer", matches=[{"method": {"service": "a.B"}}]),
        ),
    )
    assert [one.rpartition("#")[2] for one in decided_by(index)] == ["longer", "service", "method", "header", "any"]


competitors = st.lists(
    st.tuples(
        st.sampled_from(["HTTPRoute", "GRPCRoute"]),
        st.sampled_from(["shop", "client", "third"]),
        st.sampled_from(["2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"]),
        st.sampled_from([None, 80, 8080]),
    ),
    max_size=6,
)


@given(competitors, st.sampled_from(["shop", "client", "third", "fourth"]), st.randoms(use_true_random=False))
def test_no_rule_of_a_losing_route_is_compiled(
    found: list[tuple[str, str, str, int | None]], client: str, chance: random.Random
) -> None:
    """Consumers of the client's namespace, else producers; of these the calls, where there are any. In any order of
    arrival."""
    objects = []
    for index, (kind, namespace, created, port) in enumerate(found):
        make = a_grpc_route if kind == "GRPCRoute" else a_route
        parent = {"namespace": "shop", **({"port": port} if port else {})}
        one = make(f"r{index}", "api", rule("x"), namespace=namespace, created=created, parent=parent)
        objects.append((one, kind, namespace, port))
    ports = ({"name": "a", "port": 80, "appProtocol": "http"}, {"name": "b", "port": 8080, "appProtocol": "http"})
    chance.shuffle(objects)
    index_ = an_index(*SHOP, a_service("api", "10.96.0.10", *ports), *(one for one, *_ in objects))
    on_port = [(one, kind, namespace) for one, kind, namespace, port in objects if port in (None, 80)]
    mine = [c for c in on_port if c[2] == client != "shop"] or [c for c in on_port if c[2] == "shop"]
    calls = [c for c in mine if c[1] == "GRPCRoute"] or mine
    winners = {f"{kind}/{namespace}/{one['metadata']['name']}" for one, kind, namespace in calls}
    compiled = frontend(index_, client).routes
    assert {one.route for one in compiled.rules} == winners if compiled else not winners

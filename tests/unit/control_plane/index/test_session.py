"""Rules whose clients would keep two sessions under one name."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.index.session import shared_session
from control_plane.kinds.meta import Ref
from control_plane.kinds.route import AnyRoute
from tests.support.cluster import SHOP, a_grpc_route, a_route, a_service, an_index, to


def rule(session: str | None, name: str = "", kind: str = "Cookie") -> dict[str, Any]:
    spec = {"type": kind, **({} if session is None else {"sessionName": session})}
    return {"backendRefs": [to("api")], "sessionPersistence": spec, **({"name": name} if name else {})}


def shared(route: dict[str, Any], *others: dict[str, Any]) -> str:
    index = an_index(*SHOP, a_service("web", "10.96.0.77", namespace="far"), route, *others)
    found = index.find(Ref("HTTPRoute", route["metadata"]["namespace"], route["metadata"]["name"]))
    service = index.service("shop", "api")
    assert isinstance(found, AnyRoute)
    assert service is not None
    return shared_session(index, found, service)


def test_two_rules_of_a_route() -> None:
    assert shared(a_route("r", "api", rule("s", "cart"), rule("t"), rule("s"))).startswith(
        "sessionName 's' is of rule 'cart' and of rule '2': a client has one cookie of a name"
    )


def test_rules_of_two_routes() -> None:
    said = shared(a_route("r", "api", rule("s")), a_grpc_route("g", "api", rule("s", "calls")))
    assert "is of rule '0' and of rule 'calls' of GRPCRoute shop/g:" in said


def test_a_header_has_one_name_however_it_is_written() -> None:
    assert "one header of a name" in shared(a_route("r", "api", rule("X-S", kind="Header"), rule("x-s", kind="Header")))


@pytest.mark.parametrize(
    ("first", "others"),
    [
        (a_route("r", "api", rule("s"), rule("S")), ()),
        (a_route("r", "api", rule("s"), rule("s", kind="Header")), ()),
        (a_route("r", "api", rule(None), rule(None)), ()),
        (a_route("r", "api", {"backendRefs": [to("api")]}), ()),
        (a_route("r", "api", rule("s")), (a_route("o", "web", rule("s")),)),
        (
            a_route("r", "api", rule("s"), namespace="far", parent={"namespace": "shop"}),
            (a_route("o", "api", rule("s")),),
        ),
    ],
    ids=("case", "type", "no name", "no session", "another Service", "a consumer's"),
)
def test_these_do_not_meet(first: dict[str, Any], others: tuple[dict[str, Any], ...]) -> None:
    assert shared(first, *others) == ""

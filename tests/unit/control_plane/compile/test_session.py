"""Which rule keeps its clients at one endpoint."""

from __future__ import annotations

import re
from typing import Any

from control_plane.compile.outbound import Shared, outbound
from control_plane.compile.session import session
from control_plane.kinds.session import CookieConfig, SessionPersistence
from mesh_policy.session import check as session_violations
from mesh_policy.snapshot import Frontend, Session
from tests.support.cluster import SHOP, a_backend_policy, a_route, a_subset, an_index, to


def test_a_session_that_is_spelt_out() -> None:
    spec = SessionPersistence(
        session_name="Shop", absolute_timeout="1h", cookie_config=CookieConfig(lifetime_type="Permanent")
    )
    assert session(spec, "HTTPRoute/shop/r", "0") == Session(name="Shop", absolute_seconds=3600.0, permanent=True)
    header = SessionPersistence(type="Header", session_name="X-Shop", idle_timeout="0s")
    assert session(header, "HTTPRoute/shop/r", "0") == Session(type="Header", name="x-shop")


def test_every_rule_has_a_name_of_its_own_that_stays() -> None:
    names = [
        found.name
        for route in ("HTTPRoute/shop/r", "GRPCRoute/shop/r")
        for rule in ("0", "1")
        if (found := session(SessionPersistence(), route, rule)) is not None
    ]
    assert len(set(names)) == 4
    again = session(SessionPersistence(), "HTTPRoute/shop/r", "0")
    assert again is not None and again.name == names[0]


def test_none_is_none() -> None:
    assert session(None, "HTTPRoute/shop/r", "0") is None


SUBSET = {"group": "mesh.heddle.dev", "kind": "ServiceSubset"}
STICKY = a_backend_policy("p", "api", sessionPersistence={"sessionName": "shop", "absoluteTimeout": "1h"})


def frontend(*objects: dict[str, Any]) -> Frontend:
    index = an_index(*SHOP, a_subset("v2", "api", version="v2"), *objects)
    return outbound(index, Shared(index), "shop", "auto").frontends[0]


def of_rule(*refs: dict[str, Any], **rule: Any) -> Session | None:
    routes = frontend(STICKY, a_route("r", "api", {"backendRefs": list(refs), **rule})).routes
    assert routes is not None
    return routes.rules[0].session


def test_a_rule_has_the_session_of_its_backends_where_they_all_have_it() -> None:
    found = of_rule(to("api"), to("v2", None, **SUBSET))
    assert found is not None
    assert found == Session(name=found.name, absolute_seconds=3600.0)
    assert re.fullmatch("shop-[0-9a-f]{12}", found.name)
    assert of_rule(to("api"), to("web")) is None


def test_rules_do_not_share_the_session_of_a_policy() -> None:
    """GEP-1619: not even the cookie; with one of a name, a client would lose one session with the other."""
    every = {"backendRefs": [to("api")]}
    long = a_backend_policy("p", "api", sessionPersistence={"sessionName": "n" * 128})
    for policy in (STICKY, long):
        routes = frontend(policy, a_route("r", "api", every, {**every, "name": "b"}), a_route("s", "api", every)).routes
        assert routes is not None
        names = {rule.session.name for rule in routes.rules if rule.session is not None}
        assert len(names) == 3
        assert session_violations(routes.rules[0].session, "session") == []


def test_rules_called_alike_do_not_share_a_session() -> None:
    """The standard channel takes a route with one name twice, and a rule may be named like the position of another."""
    every = {"backendRefs": [to("api")], "sessionPersistence": {}}
    rules = ({**every, "name": "a"}, {**every, "name": "a"}, every, {**every, "name": "2"})
    routes = frontend(a_route("r", "api", *rules)).routes
    assert routes is not None
    assert [rule.name for rule in routes.rules] == ["a", "a_1", "_2", "2"]
    assert len({rule.session.name for rule in routes.rules if rule.session is not None}) == 4


def test_a_rules_own_session_goes_before_its_backends() -> None:
    assert of_rule(to("api"), sessionPersistence={"sessionName": "own"}) == Session(name="own")


def test_a_service_without_a_route_has_its_session_too() -> None:
    own = frontend(STICKY).rule
    assert own is not None
    assert own.session == Session(name="shop", absolute_seconds=3600.0)

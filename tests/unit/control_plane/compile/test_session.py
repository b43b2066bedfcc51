"""Which rule keeps its clients at one endpoint."""

from __future__ import annotations

from control_plane.compile.session import session
from control_plane.kinds.session import CookieConfig, SessionPersistence
from mesh_policy.snapshot import Session


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

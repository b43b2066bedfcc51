"""Which backends can be pinned to an endpoint, and what that costs."""

from __future__ import annotations

import msgspec

from mesh_policy.snapshot import Backend, Endpoint, Session, WorkloadConfig
from proxy.engine.haproxy.difference import difference
from proxy.engine.haproxy.render import render
from proxy.engine.haproxy.rendering import Rendered
from tests.support.sidecar.snapshots import CALLER, PLACE


def with_session(session: Session | None, *endpoints: Endpoint) -> WorkloadConfig:
    """`shop/api/80`, whose route has sessions, with these endpoints as well."""
    backends = tuple(
        msgspec.structs.replace(one, endpoints=one.endpoints + endpoints) if one.name == "shop/api/80" else one
        for one in CALLER.outbound.backends
    )
    frontends = tuple(
        msgspec.structs.replace(
            one,
            routes=msgspec.structs.replace(
                one.routes, rules=tuple(msgspec.structs.replace(rule, session=session) for rule in one.routes.rules)
            ),
        )
        if one.routes is not None
        else one
        for one in CALLER.outbound.frontends
    )
    outbound = msgspec.structs.replace(CALLER.outbound, frontends=frontends, backends=backends)
    return msgspec.structs.replace(CALLER, outbound=outbound)


def rendered(config: WorkloadConfig) -> Rendered:
    return render(config, "ROOTS\n", PLACE)


def test_only_backends_of_rules_with_sessions_can_be_pinned() -> None:
    found = rendered(with_session(Session(name="s")))
    assert {name for name, section in found.sections.items() if section.rules} == {"h1:shop:api:80", "h2:shop:api:80"}
    assert not any(section.rules for section in rendered(with_session(None)).sections.values())
    assert rendered(with_session(None)).maps["pins"] == {}


def test_a_pin_is_the_server_at_that_address() -> None:
    found = rendered(with_session(Session(name="s")))
    server = found.maps["pins"]["h1:shop:api:80|10.0.0.2:8080"]
    assert found.sections["h1:shop:api:80"].servers[server].startswith("10.0.0.2:8080 ssl ")
    assert set(found.maps["pins"]) == {
        f"{carrier}:shop:api:80|10.0.0.{host}:8080" for carrier in ("h1", "h2") for host in (2, 3)
    }


def test_the_first_session_is_a_reload_and_its_endpoints_are_not() -> None:
    without, with_one = rendered(with_session(None)), rendered(with_session(Session(name="s")))
    assert difference(without, with_one, PLACE) is None
    more = rendered(with_session(Session(name="s"), Endpoint(ip="10.0.0.8", port=8080)))
    commands = difference(with_one, more, PLACE)
    assert commands is not None
    assert sum(command.text.startswith("add map /run/heddle/gen/1/pins.map") for command in commands) == 2


def test_a_new_backend_without_sessions_needs_no_reload() -> None:
    config = with_session(Session(name="s"))
    other = Backend(name="shop/new/80", protocol="http", endpoints=(Endpoint(ip="10.0.0.8", port=80),))
    outbound = msgspec.structs.replace(config.outbound, backends=(*config.outbound.backends, other))
    assert difference(rendered(config), rendered(msgspec.structs.replace(config, outbound=outbound)), PLACE)

"""Copies."""

from __future__ import annotations

from typing import Any

import msgspec

from control_plane.compile.mirror import mirrors
from control_plane.compile.targets import Targets
from control_plane.compile.workload import compile_workload
from control_plane.kinds.filters import Filter
from mesh_policy import wire
from mesh_policy.snapshot import Mirror
from tests.support.cluster import SHOP, a_route, a_service, an_index, to


def compiled(*bodies: dict[str, Any]) -> tuple[Mirror, ...]:
    raw = [{"type": "RequestMirror", "requestMirror": body} for body in bodies]
    return mirrors(Targets(an_index(*SHOP)), "shop", msgspec.convert(raw, tuple[Filter, ...]), 80)


def test_several_copies_each_with_its_share() -> None:
    assert compiled({"backendRef": to("api")}, {"backendRef": to("web"), "percent": 20}) == (
        Mirror(backend="shop/api/80", percent=100.0),
        Mirror(backend="shop/web/80", percent=20.0),
    )


def test_a_copy_may_go_to_a_host_outside() -> None:
    far = a_service("far", "", type="ExternalName", externalName="far.example.org", ports=None)
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": to("far", 8080)}}
    index = an_index(*SHOP, far, a_route("r", "api", {"filters": [mirror], "backendRefs": [to("api")]}))
    config = compile_workload(index, ("shop", "web-1"))
    assert config is not None
    (frontend,) = (one for one in config.outbound.frontends if one.name == "shop/api/80")
    assert frontend.routes is not None
    assert frontend.routes.rules[0].mirrors == (Mirror(backend="shop/far/8080"),)
    (backend,) = (one for one in config.outbound.backends if one.hostname is not None)
    assert (backend.name, backend.hostname, backend.external_port) == ("shop/far/8080", "far.example.org", 8080)
    assert wire.decode(wire.encode(config)) == config


def test_a_copy_to_nowhere_is_not_sent() -> None:
    assert compiled({"backendRef": to("gone")}) == ()

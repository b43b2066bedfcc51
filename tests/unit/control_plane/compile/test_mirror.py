"""Copies."""

from __future__ import annotations

from typing import Any

import msgspec

from control_plane.compile.mirror import mirrors
from control_plane.compile.targets import Targets
from control_plane.kinds.filters import Filter
from mesh_policy.snapshot import Mirror
from tests.support.cluster import SHOP, an_index, to


def compiled(*bodies: dict[str, Any]) -> tuple[Mirror, ...]:
    raw = [{"type": "RequestMirror", "requestMirror": body} for body in bodies]
    return mirrors(Targets(an_index(*SHOP)), "shop", msgspec.convert(raw, tuple[Filter, ...]), 80)


def test_several_copies_each_with_its_share() -> None:
    assert compiled({"backendRef": to("api")}, {"backendRef": to("web"), "percent": 20}) == (
        Mirror(backend="shop/api/80", percent=100.0),
        Mirror(backend="shop/web/80", percent=20.0),
    )


def test_a_copy_to_nowhere_is_not_sent() -> None:
    assert compiled({"backendRef": to("gone")}) == ()

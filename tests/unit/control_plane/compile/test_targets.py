"""The backends that a configuration names."""

from __future__ import annotations

import msgspec

from control_plane.compile.targets import Targets
from control_plane.kinds.route import ObjectRef
from tests.support.cluster import SHOP, an_index, to


def test_each_backend_once_and_in_order() -> None:
    targets = Targets(an_index(*SHOP))
    for name in ("web", "api", "web"):
        assert targets.use("shop", msgspec.convert(to(name), ObjectRef), 80) == f"shop/{name}/80"
    assert targets.use("shop", msgspec.convert(to("gone"), ObjectRef), 80) is None
    assert [target.name for target in targets.every()] == ["shop/api/80", "shop/web/80"]

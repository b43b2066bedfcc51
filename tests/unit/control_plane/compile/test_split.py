"""Weighted backends."""

from __future__ import annotations

import msgspec

from control_plane.compile.split import split
from control_plane.compile.targets import Targets
from control_plane.kinds.filters import BackendRef
from mesh_policy.snapshot import Cors, HeaderModifier, Mirror, Redirect
from tests.support.cluster import SHOP, a_subset, an_index, to

SUBSET = {"group": "mesh.heddle.dev", "kind": "ServiceSubset"}


def test_shares_keep_their_weight_and_invalid_ones_their_place() -> None:
    targets = Targets(an_index(*SHOP, a_subset("v1", "api", version="v1")))
    refs = msgspec.convert(
        [{"name": "v1", "weight": 80, **SUBSET}, to("gone", weight=15), to("web", weight=0), to("api")],
        tuple[BackendRef, ...],
    )
    found = split(targets, "shop", refs, 80)
    assert [(one.backend, one.weight) for one in found] == [
        ("shop/v1@subset/80", 80),
        (None, 15),
        ("shop/web/80", 0),
        ("shop/api/80", 1),
    ]
    assert [target.name for target in targets.every()] == ["shop/api/80", "shop/v1@subset/80", "shop/web/80"]


def test_filters_of_a_backend_stay_with_it() -> None:
    change = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "A", "value": "b"}]}}
    refs = msgspec.convert([to("api", filters=[change]), to("web")], tuple[BackendRef, ...])
    first, second = split(Targets(an_index(*SHOP)), "shop", refs, 80)
    assert first.request_headers == HeaderModifier(set=(("a", "b"),))
    assert second.request_headers is None


def test_a_backend_has_every_filter_that_a_rule_has() -> None:
    bodies = [
        {"type": "RequestRedirect", "requestRedirect": {"statusCode": 301}},
        {"type": "CORS", "cors": {"allowOrigins": ["*"]}},
        {"type": "RequestMirror", "requestMirror": {"backendRef": to("web"), "fraction": {"numerator": 1}}},
        {"type": "RequestMirror", "requestMirror": {"backendRef": to("gone")}},
    ]
    targets = Targets(an_index(*SHOP))
    (one,) = split(targets, "shop", msgspec.convert([to("api", filters=bodies)], tuple[BackendRef, ...]), 80)
    assert one.redirect == Redirect(status=301)
    assert one.cors == Cors(allow_origins=("*",))
    assert one.mirrors == (Mirror(backend="shop/web/80", percent=1.0),)
    assert [target.name for target in targets.every()] == ["shop/api/80", "shop/web/80"]

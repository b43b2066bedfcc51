"""Weighted backends."""

from __future__ import annotations

import msgspec

from control_plane.compile.split import split
from control_plane.compile.targets import Targets
from control_plane.kinds.filters import FilteredRule
from control_plane.kinds.grpc_route import GrpcRule
from control_plane.kinds.http_route import HttpRule
from mesh_policy.snapshot import Cors, HeaderModifier, Mirror, Redirect, WeightedBackend
from tests.support.cluster import EXTENSION, SHOP, Json, a_subset, an_index, to

SUBSET = {"group": "mesh.heddle.dev", "kind": "ServiceSubset"}


def a_rule(*refs: Json, kind: type[FilteredRule] = HttpRule) -> FilteredRule:
    return msgspec.convert({"backendRefs": list(refs)}, kind)


def test_a_share_with_a_filter_that_is_not_here_is_as_one_that_leads_nowhere() -> None:
    """The filter must not be skipped; the other shares have none."""
    targets = Targets(an_index(*SHOP))
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": to("web")}}
    first, second = split(targets, "shop", a_rule(to("api", weight=3, filters=[mirror, EXTENSION]), to("web")), 80)
    assert first == WeightedBackend(backend=None, weight=3)
    assert second.backend == "shop/web/80"
    rewrite = {"type": "URLRewrite", "urlRewrite": {"hostname": "a.example"}}
    (call,) = split(targets, "shop", a_rule(to("api", filters=[rewrite]), kind=GrpcRule), 80)
    assert call.backend is None


def test_shares_keep_their_weight_and_invalid_ones_their_place() -> None:
    targets = Targets(an_index(*SHOP, a_subset("v1", "api", version="v1")))
    rule = a_rule({"name": "v1", "weight": 80, **SUBSET}, to("gone", weight=15), to("web", weight=0), to("api"))
    found = split(targets, "shop", rule, 80)
    assert [(one.backend, one.weight) for one in found] == [
        ("shop/v1@subset/80", 80),
        (None, 15),
        ("shop/web/80", 0),
        ("shop/api/80", 1),
    ]
    assert [target.name for target in targets.every()] == ["shop/api/80", "shop/v1@subset/80", "shop/web/80"]


def test_filters_of_a_backend_stay_with_it() -> None:
    change = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "A", "value": "b"}]}}
    first, second = split(Targets(an_index(*SHOP)), "shop", a_rule(to("api", filters=[change]), to("web")), 80)
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
    (one,) = split(targets, "shop", a_rule(to("api", filters=bodies)), 80)
    assert one.redirect == Redirect(status=301)
    assert one.cors == Cors(allow_origins=("*",))
    assert one.mirrors == (Mirror(backend="shop/web/80", percent=1.0),)
    assert [target.name for target in targets.every()] == ["shop/api/80", "shop/web/80"]

from __future__ import annotations

from mitmproxy.http import HTTPFlow

from mesh_addons.mirror import Mirror
from mesh_addons.rewrite import Rewrite as Addon
from mesh_addons.route import Route
from mesh_addons.share import Share
from mesh_addons.split import Split
from mesh_policy.snapshot import Mirror as MirrorTo
from mesh_policy.snapshot import PathChange, Rewrite, Rule, WeightedBackend
from tests.support.flows import Kept, answer, draws, flow, frontends, rule


def run(of: Rule, path: str = "/0/a?b") -> tuple[HTTPFlow, Kept]:
    made, sink = flow(frontends(of), path=path), Kept()
    mirror = Mirror(draws(0.0), sink)
    for addon in (Route(), Addon(), mirror, Split(draws(0.0)), Share(mirror)):
        addon.requestheaders(made)
    mirror.request(made)
    return made, sink


def test_the_rule_rewrites_host_and_path() -> None:
    made, _ = run(rule(rewrite=Rewrite(hostname="other", path=PathChange(prefix="/new"))))
    assert (made.request.path, made.request.headers["host"]) == ("/new/a?b", "other")


def test_a_backend_rewrites_its_own_share_only() -> None:
    changed = WeightedBackend(backend="shop/v2", rewrite=Rewrite(path=PathChange(prefix="/v2")))
    one, _ = run(rule(changed, WeightedBackend(backend="shop/v1", weight=0)))
    other, _ = run(rule(WeightedBackend(backend="shop/v1"), without_weight(changed)))
    assert (one.request.path, other.request.path) == ("/v2/a?b", "/0/a?b")


def without_weight(backend: WeightedBackend) -> WeightedBackend:
    return WeightedBackend(backend=backend.backend, weight=0, rewrite=backend.rewrite)


def test_a_prefix_is_replaced_once() -> None:
    backend = WeightedBackend(backend="shop/v1", rewrite=Rewrite(path=PathChange(prefix="/backend")))
    made, _ = run(rule(backend, rewrite=Rewrite(path=PathChange(prefix="/0/rule"))))
    assert made.request.path == "/0/rule/a?b"


def test_copies_have_the_change_of_the_rule_and_not_of_the_backend() -> None:
    backend = WeightedBackend(backend="shop/v1", rewrite=Rewrite(path=PathChange(full="/backend")))
    mirrored = rule(backend, rewrite=Rewrite(path=PathChange(prefix="/r")), mirrors=(MirrorTo(backend="staging/api"),))
    made, sink = run(mirrored)
    assert made.request.path == "/backend?b"
    assert [copy.path for copy in sink.sent] == [b"/r/a?b"]


def test_a_decided_flow_is_left_alone() -> None:
    made = answer(flow(frontends(rule(rewrite=Rewrite(path=PathChange(full="/x"))))))
    Addon().requestheaders(made)
    assert made.request.path == "/0"

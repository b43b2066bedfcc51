from __future__ import annotations

from mitmproxy.http import HTTPFlow

from mesh_addons.flow_view import mesh_flow
from mesh_addons.mirror import Mirror
from mesh_addons.route import Route
from mesh_policy import snapshot
from mesh_policy.mirror import MAX_BODY_BYTES
from tests.support.flows import Kept, answer, draws, flow, frontends, rule

TWO = (snapshot.Mirror(backend="staging/api", percent=50), snapshot.Mirror(backend="shop/v2"))


def mirrored(sink: Kept, body: list[bytes], draw: float = 0.0, mirrors: tuple[snapshot.Mirror, ...] = TWO) -> HTTPFlow:
    made = flow(frontends(rule(mirrors=mirrors)), "/0/x?y=1", {"a": "b"}, "POST")
    mesh_flow(made).request_id = b"id-1"
    addon = Mirror(draws(draw), sink)
    Route().requestheaders(made)
    addon.requestheaders(made)
    if callable(made.request.stream):
        for piece in body:
            assert made.request.stream(piece) == piece
    made.request.headers["a"] = "changed by a backend"
    addon.request(made)
    return made


def test_copies_are_sent_with_the_body_when_the_request_is_whole() -> None:
    sink = Kept()
    mirrored(sink, [b"hel", b"lo"])
    assert [copy.backend for copy in sink.sent] == ["staging/api", "shop/v2"]
    first = sink.sent[0]
    assert (first.method, first.path, first.body, first.request_id) == (b"POST", b"/0/x?y=1", b"hello", b"id-1")
    assert (b"a", b"b") in first.fields


def test_each_copy_has_its_share() -> None:
    sink = Kept()
    mirrored(sink, [], draw=0.7)
    assert [copy.backend for copy in sink.sent] == ["shop/v2"]


def test_a_body_that_is_too_long_drops_the_copies_and_counts_them() -> None:
    sink = Kept()
    mirrored(sink, [b"x" * MAX_BODY_BYTES, b"x"])
    assert (sink.sent, sink.lost) == ([], 2)


def test_without_mirrors_the_body_is_not_even_looked_at() -> None:
    sink = Kept()
    assert mirrored(sink, [], mirrors=()).request.stream is False
    assert (sink.sent, sink.lost) == ([], 0)


def test_a_request_that_was_refused_is_not_copied() -> None:
    sink = Kept()
    made = flow(frontends(rule(mirrors=TWO)))
    addon = Mirror(draws(0.0), sink)
    Route().requestheaders(made)
    addon.requestheaders(made)
    addon.request(answer(made, 503))
    assert sink.sent == []


def test_a_body_that_another_addon_streams_is_not_copied_wrongly() -> None:
    sink = Kept()
    made = flow(frontends(rule(mirrors=TWO)), method="POST")
    addon = Mirror(draws(0.0), sink)
    Route().requestheaders(made)
    addon.requestheaders(made)
    made.request.stream = lambda data: data
    addon.request(made)
    assert (sink.sent, sink.lost) == ([], 2)

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.flow import Error

from mesh_addons.flow_view import BodyCopy, decided, mesh_flow, request_view
from mesh_addons.room import Room
from tests.support.flows import answer, flow, frontends


def test_rules_see_the_request_as_bytes() -> None:
    view = request_view(flow(frontends(), "/a?b=c?d", {"X-One": "é"}, "POST"))
    assert (view.method, view.path, view.query) == (b"POST", b"/a", b"b=c?d")
    assert (b"X-One", "é".encode()) in view.fields
    assert view.peer is None


def test_what_is_decided() -> None:
    made = flow(frontends())
    assert not decided(made)
    assert decided(answer(flow(frontends())))
    made.error = Error("gone")
    assert decided(made)
    ended = flow(frontends())
    ended.live = False
    assert decided(ended)


def test_a_flow_keeps_its_snapshot() -> None:
    snapshot = frontends()
    assert mesh_flow(flow(snapshot)).frontends is snapshot


@given(st.lists(st.binary(max_size=30)), st.integers(0, 100))
def test_a_body_is_copied_up_to_its_limit_and_passed_on_unchanged(pieces: list[bytes], limit: int) -> None:
    copy = BodyCopy(limit, Room(1000))
    assert [copy(piece) for piece in pieces] == pieces
    whole = b"".join(pieces)
    assert copy.body == (whole if len(whole) <= limit else None)

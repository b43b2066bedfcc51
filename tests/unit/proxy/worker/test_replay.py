from __future__ import annotations

from mesh_addons.room import Room
from proxy.worker.body import CHUNKED
from proxy.worker.replay import Outgoing


def test_a_body_of_known_length() -> None:
    body = Outgoing(4, Room(100), 10)
    assert not body.begun
    assert body.add(b"ab") + body.finish(b"cd", ()) == b"abcd"
    assert body.ended
    assert body.again() == b"abcd"


def test_a_body_in_chunks_is_sent_again_as_one() -> None:
    body = Outgoing(CHUNKED, Room(100), 10)
    assert body.add(b"ab") == b"2\r\nab\r\n"
    assert body.again() == b"2\r\nab\r\n"
    assert body.finish(b"c", ((b"x-sum", b"1"),)) == b"1\r\nc\r\n0\r\nx-sum: 1\r\n\r\n"
    assert body.again() == b"3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n"


def test_an_empty_body_in_chunks_has_an_end() -> None:
    body = Outgoing(CHUNKED, Room(100), 10)
    assert body.finish(b"", ()) == b"0\r\n\r\n"
    assert body.again() == b"0\r\n\r\n"


def test_what_is_too_long_is_passed_on_and_forgotten() -> None:
    room = Room(100)
    body = Outgoing(20, room, 10)
    body.add(b"x" * 10)
    assert (body.kept, room.free) == (True, 90)
    assert body.add(b"y") == b"y"
    assert (body.kept, room.free) == (False, 100)
    assert body.add(b"z" * 5) == b"z" * 5
    assert room.free == 100


def test_room_is_shared_and_comes_back() -> None:
    room = Room(10)
    first, second = Outgoing(8, room, 10), Outgoing(8, room, 10)
    first.add(b"x" * 8)
    second.add(b"y" * 8)
    assert (first.kept, second.kept) == (True, False)
    first.release()
    first.release()
    assert room.free == 10


def test_without_room_nothing_is_kept() -> None:
    body = Outgoing(2, None, 10)
    assert body.add(b"ab") == b"ab"
    assert not body.kept

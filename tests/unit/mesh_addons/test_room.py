from __future__ import annotations

import tracemalloc

from mesh_addons.room import Kept, Room


def test_bytes_are_kept_whole_or_not_at_all() -> None:
    room = Room(10)
    first, second = Kept(8, room), Kept(8, room)
    first.add(b"abcd")
    first.add(b"ef")
    assert (first.read(), room.free) == (b"abcdef", 4)
    second.add(b"12345")  # no room
    assert (second.whole, room.free) == (False, 4)
    second.add(b"1")
    assert room.free == 4
    first.add(b"ghi")  # too long for one
    assert (first.whole, room.free) == (False, 10)


def test_room_comes_back_once() -> None:
    room = Room(10)
    kept = Kept(8, room)
    kept.add(b"abcd")
    kept.release()
    kept.release()
    assert (kept.whole, room.free) == (False, 10)


def test_small_pieces_cost_what_large_ones_cost() -> None:
    size = 64 * 1024
    kept = Kept(size, Room(size))
    pieces = bytes(range(256)) * (size // 256)
    tracemalloc.start()
    for at in range(0, size, 2):
        kept.add(pieces[at : at + 2])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept.read() == pieces
    assert held < 2 * size

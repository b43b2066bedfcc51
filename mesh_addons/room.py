"""A bound for what many flows keep together."""

from __future__ import annotations


class Room:
    """Bytes that all of them may take."""

    __slots__ = ("free",)

    def __init__(self, size: int) -> None:
        self.free = size


class Kept:
    """The bytes of one flow: all of them, or none. Pieces are joined as they come, since small ones cost many times
    their size.

    Args:
        most: bytes that are kept of this one.
        room: where they are kept. None: they are not.
    """

    __slots__ = ("_bytes", "_most", "_room")

    def __init__(self, most: int, room: Room | None) -> None:
        self._most = most
        self._room = room
        self._bytes = bytearray()

    @property
    def whole(self) -> bool:
        """Nothing of what was added is missing."""
        return self._room is not None

    def add(self, data: bytes) -> None:
        """Keep a piece; where there is no room for it nothing is kept any more."""
        if self._room is None:
            return
        if len(self._bytes) + len(data) > self._most or len(data) > self._room.free:
            self.release()
            return
        self._room.free -= len(data)
        self._bytes += data

    def read(self) -> bytes:
        """Everything that was added, while it is whole."""
        return bytes(self._bytes)

    def release(self) -> None:
        """It is not needed any more: give the room back."""
        if self._room is not None:
            self._room.free += len(self._bytes)
            self._room = None
            self._bytes = bytearray()

"""The body of a request as its backend gets it, kept so that it can be sent again: bounded for each request and for
all of them together."""

from __future__ import annotations

from mesh_addons.room import Kept, Room
from mesh_policy.request import Fields
from proxy.worker.body import CHUNKED, chunk, last_chunk


class Outgoing:
    """One request's body. What it gives are the bytes of the wire.

    Args:
        framing: a length, or CHUNKED.
        room: where it is kept. None: it is not.
        most: bytes that are kept of this one.
    """

    __slots__ = ("_chunked", "_kept", "_trailers", "begun", "ended")

    def __init__(self, framing: int, room: Room | None, most: int) -> None:
        self._chunked = framing == CHUNKED
        self._kept = Kept(most, room)
        self._trailers: Fields = ()
        self.begun = False
        """Something of it has been given out."""
        self.ended = framing == 0
        """All of it has been given out."""

    @property
    def kept(self) -> bool:
        """All that was given out is still there."""
        return self._kept.whole

    def add(self, content: bytes) -> bytes:
        """A piece."""
        if not content:
            return b""
        self.begun = True
        self._kept.add(content)
        return chunk(content) if self._chunked else content

    def finish(self, content: bytes, trailers: Fields) -> bytes:
        """The last piece."""
        data = self.add(content)
        self.begun = self.ended = True
        self._trailers = trailers
        return data + last_chunk(trailers) if self._chunked else data

    def again(self) -> bytes:
        """Everything that was given out, for another attempt. Only while it is kept."""
        body = self._kept.read()
        if not self._chunked:
            return body
        return chunk(body) + last_chunk(self._trailers) if self.ended and self.begun else chunk(body)

    def release(self) -> None:
        """It will not be sent again."""
        self._kept.release()


class _NoBody(Outgoing):
    """Nothing is given out, nothing is kept, and all requests without a body share it."""

    __slots__ = ()

    @property
    def kept(self) -> bool:
        return True

    def release(self) -> None:
        pass


NO_BODY = _NoBody(0, None, 0)

"""Message bodies of HTTP/1.1, read piece by piece without I/O. Source: RFC 9112 sections 6 and 7."""

from __future__ import annotations

import re
from typing import Protocol

from mesh_policy.request import Fields

CHUNKED = -1
"""Framing: chunks, then trailers."""
UNTIL_CLOSE = -2
"""Framing (responses only): everything up to the end of the connection."""

MAX_CHUNK_LINE = 1024
"""Bytes of a chunk's size line with its extensions, which nobody uses."""
MAX_TRAILER_BYTES = 16 * 1024

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\Z")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)\Z")


class BodyError(ValueError):
    """The body is not framed as HTTP/1.1 wants it. The connection cannot be used any further."""


class Body(Protocol):
    """What all framings have in common."""

    done: bool
    """The body is complete."""
    rest: bytes
    """Bytes after the end of the body, once it is done."""
    trailers: Fields

    def feed(self, data: bytes) -> bytes:
        """The content in this piece of the wire.

        Raises:
            BodyError: the framing is wrong.
        """

    def eof(self) -> bool:
        """The connection ended: is the body complete?"""


class LengthBody:
    """A body of known length."""

    __slots__ = ("_left", "done", "rest")
    trailers: Fields = ()

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        size = len(data)
        if size < self._left:
            self._left -= size
            return data
        self.done = True
        if size > self._left:
            self.rest = data[self._left :]
            data = data[: self._left]
        self._left = 0
        return data

    def eof(self) -> bool:
        return self.done


class UntilCloseBody:
    """A body that ends with its connection."""

    __slots__ = ("done", "rest")
    trailers: Fields = ()

    def __init__(self) -> None:
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        return data

    def eof(self) -> bool:
        self.done = True
        return True


class ChunkedBody:
    """A body in chunks, with trailers."""

    __slots__ = ("_fields", "_left", "_pending", "_step", "_trailer_bytes", "done", "rest", "trailers")

    def __init__(self) -> None:
        self._step = self._size_line
        self._pending = b""
        self._left = 0
        self._trailer_bytes = 0
        self._fields: list[tuple[bytes, bytes]] = []
        self.done = False
        self.rest = b""
        self.trailers: Fields = ()

    def feed(self, data: bytes) -> bytes:
        if self._pending:
            data = self._pending + data
        content: list[bytes] = []
        position = 0
        while not self.done:
            following = self._step(data, position, content)
            if following is None:
                break
            position = following
        if self.done:
            self.rest, self._pending = data[position:], b""
        else:
            self._pending = data[position:]
        return content[0] if len(content) == 1 else b"".join(content)

    def eof(self) -> bool:
        return self.done

    # Each step reads from `position` and returns where it ended, or None when it needs more bytes.

    def _size_line(self, data: bytes, position: int, content: list[bytes]) -> int | None:
        end = _line_end(data, position)
        if end is None:
            return None
        match = _CHUNK_LINE.match(data[position:end])
        if match is None:
            raise BodyError("chunk size is not a hexadecimal number")
        self._left = int(match.group(1), 16)
        self._step = self._content if self._left else self._trailer_line
        return end + 2

    def _content(self, data: bytes, position: int, content: list[bytes]) -> int | None:
        piece = data[position : position + self._left]
        if not piece:
            return None
        content.append(piece)
        self._left -= len(piece)
        if not self._left:
            self._step = self._content_end
        return position + len(piece)

    def _content_end(self, data: bytes, position: int, content: list[bytes]) -> int | None:
        line_end = data[position : position + 2]
        if line_end == b"\r\n":
            self._step = self._size_line
            return position + 2
        if line_end in (b"", b"\r"):
            return None
        raise BodyError("chunk does not end where its size says")

    def _trailer_line(self, data: bytes, position: int, content: list[bytes]) -> int | None:
        end = _line_end(data, position, MAX_TRAILER_BYTES - self._trailer_bytes)
        if end is None:
            return None
        if end == position:
            self.done = True
            self.trailers = tuple(self._fields)
            return end + 2
        match = _FIELD.match(data[position:end])
        if match is None:
            raise BodyError("trailer is not a header field")
        self._trailer_bytes += end + 2 - position
        self._fields.append((match.group(1), match.group(2).rstrip(b" \t")))
        return end + 2


def _line_end(data: bytes, position: int, limit: int = MAX_CHUNK_LINE) -> int | None:
    end = data.find(b"\r\n", position, position + limit + 2)
    if end >= 0:
        return end
    if len(data) - position > limit:
        raise BodyError(f"line in a chunked body is longer than {limit} bytes")
    return None


def body_for(framing: int) -> Body:
    """The reader for a framing: a length, CHUNKED or UNTIL_CLOSE."""
    if framing == CHUNKED:
        return ChunkedBody()
    if framing == UNTIL_CLOSE:
        return UntilCloseBody()
    return LengthBody(framing)


def chunk(content: bytes) -> bytes:
    """One chunk; empty content gives nothing (an empty chunk would end the body)."""
    return b"%x\r\n%b\r\n" % (len(content), content) if content else b""


def last_chunk(trailers: Fields) -> bytes:
    """The end of a chunked body."""
    if not trailers:
        return b"0\r\n\r\n"
    return b"0\r\n" + b"".join(b"%b: %b\r\n" % field for field in trailers) + b"\r\n"

"""Heads of HTTP/1.1 messages to mitmproxy's objects and back. Stricter than mitmproxy's parser, which it uses.

Hop-by-hop fields and `x-mesh-internal-*` are taken out when a head is read, and once more when one is written: an
addon or a header filter cannot bring them in. Framing is written by the driver alone.
"""

from __future__ import annotations

import re
from math import ceil
from typing import NamedTuple

from mitmproxy.http import Request, Response
from mitmproxy.net.http.http1.read import read_request_head, read_response_head
from mitmproxy.net.http.validate import parse_content_length, validate_headers

from mesh_policy import grpc, path
from mesh_policy.request import Fields
from proxy.worker.body import CHUNKED, UNTIL_CLOSE

MAX_HEAD_BYTES = 64 * 1024
"""A longer head of a request is answered with 431, of a response with 502."""
INTERNAL = b"x-mesh-internal-"
_ANSWERED_BY = (b"backend", b"endpoint", b"grpc")
CALL_REFUSED = (INTERNAL + b"grpc", b"1")
"""The mesh made this answer, and it speaks gRPC: the client is told HTTP status 200 in the place of its own."""

_CONTROL_BYTES = bytes((*range(9), 11, 12, *range(14, 32), 127))
"""All but TAB, CR and LF."""
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}) ([\x21-\x7e\x80-\xff]+) HTTP/1\.[01]\Z")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9][0-9][0-9](?: |\Z)")
_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    )
)
_NOT_WRITTEN = _HOP_BY_HOP | {b"content-length"}
_NEVER_NOMINATED = frozenset((b"host", b"content-length", b"authorization", b"cookie", b"set-cookie", b"expect"))


class HeadError(ValueError):
    """A head that is refused."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        """What a client is told; for a response's head it is always 502."""
        self.reason = reason
        """For `x-mesh-error`."""


class RequestHead(NamedTuple):
    request: Request
    """Without hop-by-hop and internal fields."""
    framing: int
    keep_alive: bool
    expects_continue: bool
    upgrade: bytes | None
    """The protocol of an `Upgrade`."""
    accepts_trailers: bool
    """`TE: trailers`: gRPC needs it on the way to the server."""
    call: bool
    """The client speaks gRPC."""
    internal: dict[bytes, bytes]
    """The `x-mesh-internal-*` fields without this prefix."""


class ResponseHead(NamedTuple):
    response: Response
    """Without hop-by-hop and internal fields."""
    framing: int
    """Of the body that follows."""
    declared: int | None
    """What the head says to the client: as `framing`, but the length that a GET would have for HEAD and 304; None:
    nothing."""
    keep_alive: bool
    upgrade: bytes | None
    """The protocol that is switched to (101), or that 426 requires (RFC 9110 15.5.22; few servers nominate it)."""
    answered_by: Fields = ()
    """Backend and endpoint, as HAProxy's return leg tells them, and that the called sidecar refused a call of gRPC: for
    HAProxy, to be passed on."""
    failure: bytes | None = None
    """HAProxy made this answer itself, and why (docs/contract.md). None: a server did."""

    @property
    def endpoint(self) -> str:
        """`IP:PORT` that answered; empty: not known."""
        told = dict(self.answered_by)
        return told.get(INTERNAL + b"endpoint", b"").decode("latin-1")


def parse_request(head: bytes) -> RequestHead:
    """Read a request's head (without the empty line that ends it).

    Raises:
        HeadError: it is refused.
    """
    lines = _lines(head, 400)
    line = _REQUEST_LINE.match(lines[0])
    if line is None:
        raise HeadError(400, "bad-request-line")
    if line.group(1) == b"CONNECT":
        raise HeadError(405, "connect-not-allowed")
    try:
        request = read_request_head(lines)
        validate_headers(request)
    except ValueError as error:
        raise HeadError(400, "bad-request-head") from error
    hosts, found = _scan(request.data.headers.fields, 400)
    if len(hosts) != 1 and not (request.data.http_version == b"HTTP/1.0" and not hosts):
        raise HeadError(400, "host-not-once")
    _to_origin_form(request, hosts)
    reason = path.refusal(request.data.path)
    if request.data.path == b"*" and line.group(1) != b"OPTIONS":
        reason = "path-not-absolute"
    if reason is not None:
        raise HeadError(400, reason)
    request.data.headers.fields = found.fields
    return RequestHead(
        request,
        found.framing(0, 501),
        found.keep_alive(request.data.http_version),
        found.expects_continue,
        # An upgrade to HTTP/2 would carry requests that nobody looks at.
        None if found.upgrade is None or found.upgrade.lower().startswith(b"h2c") else found.upgrade,
        found.accepts_trailers,
        found.call,
        found.internal,
    )


def parse_response(head: bytes, method: bytes) -> ResponseHead:
    """Read a response's head; `method` of its request decides whether there is a body.

    Raises:
        HeadError: it is refused.
    """
    lines = _lines(head, 502)
    if not _STATUS_LINE.match(lines[0]):
        raise HeadError(502, "bad-status-line")
    try:
        response = read_response_head(lines)
        validate_headers(response)
    except ValueError as error:
        raise HeadError(502, "bad-response-head") from error
    _, found = _scan(response.data.headers.fields, 502)
    response.data.headers.fields = found.fields
    status = response.data.status_code
    framing = found.framing(UNTIL_CLOSE, 502)
    declared: int | None = framing
    if method == b"HEAD" or status < 200 or status in (204, 304):
        framing = 0
        declared = None if declared == UNTIL_CLOSE or status < 200 or status == 204 else declared
    keep_alive = found.keep_alive(response.data.http_version)
    told = ((INTERNAL + name, found.internal[name]) for name in _ANSWERED_BY if name in found.internal)
    upgrade = found.offered if status == 426 else found.upgrade
    failure = found.internal.get(b"failure")
    return ResponseHead(response, framing, declared, keep_alive, upgrade, tuple(told), failure)


class _Scan:
    """One walk over the fields: what concerns the connection is taken out and remembered."""

    __slots__ = (
        "accepts_trailers",
        "call",
        "chunked",
        "connection",
        "expects_continue",
        "fields",
        "internal",
        "length",
        "offered",
        "upgrade",
    )

    def __init__(self) -> None:
        self.fields: Fields = ()
        self.internal: dict[bytes, bytes] = {}
        self.connection: frozenset[bytes] = frozenset()
        self.length: int | None = None
        self.chunked: bytes | None = None
        self.offered: bytes | None = None
        """The value of `Upgrade`, whether `Connection` nominates it or not; `upgrade`: only if it does."""
        self.upgrade: bytes | None = None
        self.accepts_trailers = False
        self.call = False
        self.expects_continue = False

    def framing(self, without: int, status: int) -> int:
        if self.chunked is not None:
            if self.chunked.lower() != b"chunked":
                raise HeadError(status, "transfer-coding-not-supported")
            return CHUNKED
        return without if self.length is None else self.length

    def keep_alive(self, version: bytes) -> bool:
        if b"close" in self.connection:
            return False
        return version == b"HTTP/1.1" or b"keep-alive" in self.connection


def _scan(fields: Fields, status: int) -> tuple[list[bytes], _Scan]:
    found = _Scan()
    kept: list[tuple[bytes, bytes]] = []
    hosts: list[bytes] = []
    for field in fields:
        name = field[0].lower()
        if name.startswith(INTERNAL):
            found.internal[name[len(INTERNAL) :]] = field[1]
            continue
        if name in _HOP_BY_HOP:
            _hop(found, name, field[1])
            continue
        if name == b"host":
            hosts.append(field[1])
        elif name == b"content-length":
            try:
                found.length = parse_content_length(field[1])
            except ValueError as error:
                raise HeadError(status, "bad-content-length") from error
        elif name == b"content-type":
            found.call |= grpc.is_kind(field[1])
        elif name == b"expect":
            found.expects_continue = field[1].lower() == b"100-continue"
        kept.append(field)
    if nominated := found.connection - _HOP_BY_HOP - _NEVER_NOMINATED - {b"close"}:
        kept = [field for field in kept if field[0].lower() not in nominated]
    if b"upgrade" in found.connection:
        found.upgrade = found.offered
    found.fields = tuple(kept)
    return hosts, found


def _hop(found: _Scan, name: bytes, value: bytes) -> None:
    match name:
        case b"connection":
            found.connection |= {token.strip().lower() for token in value.split(b",")}
        case b"transfer-encoding":
            found.chunked = value
        case b"upgrade":
            found.offered = value
        case b"te":
            found.accepts_trailers |= b"trailers" in [token.strip().lower() for token in value.split(b",")]


def _lines(head: bytes, status: int) -> list[bytes]:
    lines = head.split(b"\r\n")
    if not _lines_are_plain(head, len(lines)):
        raise HeadError(status, "control-byte-in-head")
    return lines


def _lines_are_plain(head: bytes, lines: int) -> bool:
    """No control bytes, no CR or LF that is not part of CRLF, no folded lines (obs-fold), no empty ones.

    A few passes in C: one regular expression for the same takes ten times as long.
    """
    return (
        len(head.translate(None, _CONTROL_BYTES)) == len(head)
        and head.count(b"\r") == lines - 1
        and head.count(b"\n") == lines - 1
        and b"\n " not in head
        and b"\n\t" not in head
        and b"\n\r" not in head
        and not head.endswith(b"\n")
    )


def _to_origin_form(request: Request, hosts: list[bytes]) -> None:
    data = request.data
    if data.scheme and (data.scheme != b"http" or hosts != [data.authority]):
        raise HeadError(400, "target-and-host-differ")
    data.scheme = b"http"
    data.authority = b""


def internal_fields(
    backend: str, version: bytes, request_id: bytes, endpoint: str = "", silence: float | None = None
) -> Fields:
    """What HAProxy's return socket wants to know: which backend, in which version of HTTP, for which request, at which
    endpoint a session is (`IP:PORT`; empty: at none), and how many seconds the endpoint may be silent before its head
    (None: the sidecar's own limit)."""
    fields: Fields = ((INTERNAL + b"backend", backend.encode()), (INTERNAL + b"version", version))
    if request_id:
        fields = (*fields, (INTERNAL + b"id", request_id))
    if endpoint:
        fields = (*fields, (INTERNAL + b"session", endpoint.encode()))
    if silence is None:
        return fields
    # The loop's times have whole milliseconds, but for the last bits: those are no millisecond more.
    return (*fields, (INTERNAL + b"timeout", b"%d" % max(1, ceil(round(silence * 1000, 3)))))


def write_request(head: RequestHead, internal: Fields) -> bytes:
    """A request's head for the return socket.

    Raises:
        ValueError: an addon made it unfit to send.
    """
    data = head.request.data
    extra = list(internal)
    if head.upgrade is not None:
        extra += [(b"connection", b"upgrade"), (b"upgrade", head.upgrade)]
    if head.accepts_trailers:
        extra.append((b"te", b"trailers"))
    return assemble_request(data.method, data.path, data.headers.fields, head.framing, extra)


def assemble_request(
    method: bytes, target: bytes, fields: Fields, framing: int, extra: list[tuple[bytes, bytes]]
) -> bytes:
    """A request's head from its parts; `extra` are the fields that only the driver may write.

    Raises:
        ValueError: a part is unfit to send.
    """
    line = b"%b %b HTTP/1.1" % (method, target)
    if _REQUEST_LINE.match(line) is None:
        raise ValueError("method or path does not fit into a request line")
    # A request without a body says so only when it is a method that usually has one (RFC 9110 8.6).
    if framing != 0 or method in (b"POST", b"PUT", b"PATCH"):
        extra = [*extra, _framing_field(framing)]
    return _assemble(line, fields, extra)


def write_response(response: Response, framing: int | None, extra: Fields) -> bytes:
    """A response's head for HAProxy. `framing` None: without a body whose length could be told (1xx, 204, 304).

    Raises:
        ValueError: an addon made it unfit to send.
    """
    data = response.data
    line = b"HTTP/1.1 %d %b" % (data.status_code, data.reason)
    if framing is None or framing == UNTIL_CLOSE:
        return _assemble(line, data.headers.fields, list(extra))
    return _assemble(line, data.headers.fields, [_framing_field(framing), *extra])


def _framing_field(framing: int) -> tuple[bytes, bytes]:
    if framing == CHUNKED:
        return b"transfer-encoding", b"chunked"
    return b"content-length", b"%d" % framing


def _assemble(line: bytes, fields: Fields, extra: list[tuple[bytes, bytes]]) -> bytes:
    lines = [line]
    for name, value in fields:
        lower = name.lower()
        if lower not in _NOT_WRITTEN and not lower.startswith(INTERNAL):
            lines.append(b"%b: %b" % (name, value))
    lines += [b"%b: %b" % field for field in extra]
    head = b"\r\n".join(lines)
    if not _lines_are_plain(head, len(lines)):
        raise ValueError("a header field holds a line break or a control byte")
    return head + b"\r\n\r\n"

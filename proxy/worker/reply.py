"""Writes one answer to HAProxy: its head, its framing, its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mitmproxy.http import Response

from mesh_addons.flow_view import MeshFlow
from mesh_policy.request import Fields
from proxy.worker.body import CHUNKED, UNTIL_CLOSE, chunk, last_chunk
from proxy.worker.head import CALL_REFUSED, RequestHead, ResponseHead, write_response
from proxy.worker.service import Service

if TYPE_CHECKING:
    from proxy.worker.downstream import Downstream

_FORBIDDEN_TRAILERS = frozenset((b"transfer-encoding", b"content-length", b"host", b"connection", b"trailer", b"te"))


class Reply:
    """The answer to one request. Every method that writes a head raises ValueError when an addon made it unfit to
    send."""

    __slots__ = (
        "_answered_by",
        "_client",
        "_framing",
        "_held",
        "_request",
        "_service",
        "_unsent",
        "keep_alive",
        "mesh",
        "started",
    )

    def __init__(self, service: Service, client: Downstream, request: RequestHead) -> None:
        self._service = service
        self._client = client
        self._request = request
        self._held: Response | None = None
        """A head that waits for the body: an answer of gRPC that may consist of nothing else."""
        self._unsent = b""
        """A head that is sent together with the beginning of its body: one system call costs more than all of this."""
        self._framing = 0
        self._answered_by: Fields = ()
        self.keep_alive = request.keep_alive
        """Another request may come on this connection after the answer."""
        self.mesh: MeshFlow | None = None
        self.started = False
        """The head of the final answer has been sent."""

    def informational(self, response: Response) -> None:
        """A 1xx answer; HTTP/1.0 knows none."""
        if self._request.request.data.http_version == b"HTTP/1.1":
            self._client.write(write_response(response, None, ()))

    def head(self, response: Response, head: ResponseHead, *, request_read: bool) -> None:
        """The head that a server gave, its body follows."""
        self._answered_by = head.answered_by
        if response.data.status_code == 426 and head.upgrade is not None:
            self._answered_by += ((b"connection", b"upgrade"), (b"upgrade", head.upgrade))
        if head.framing >= 0:
            self._framing = head.framing
            self._write_head(response, head.declared, request_read)
            return
        self._framing = CHUNKED if self._request.request.data.http_version == b"HTTP/1.1" else UNTIL_CLOSE
        if any(name.lower() == b"grpc-status" for name, _ in response.data.headers.fields):
            # HAProxy can say "no body" on HTTP/2 only when it knows that with the head, and gRPC clients insist on it.
            self._held = response
        else:
            self._write_head(response, self._framing, request_read)

    def content(self, content: bytes) -> None:
        """A piece of the body."""
        if self._held is not None:
            response, self._held = self._held, None
            self._write_head(response, self._framing, True)
        if content:
            self._client.touch()
            self._send(chunk(content) if self._framing == CHUNKED else content)

    def end(self, content: bytes, trailers: Fields) -> None:
        """The last piece of the body."""
        if self._held is not None:
            response, self._held = self._held, None
            self._framing = self._framing if content or trailers else 0
            self._write_head(response, self._framing, True)
        if self._framing == CHUNKED:
            content = chunk(content) + last_chunk(trailers)
        self._send(content)

    def flush(self) -> None:
        """Nothing more of the answer has come yet: send what there is."""
        if self._unsent:
            self._send(b"")

    def _send(self, data: bytes) -> None:
        head, self._unsent = self._unsent, b""
        self._client.write(head + data if head else data)

    def whole(self, response: Response, *, request_read: bool, refused_call: bool = False) -> None:
        """An answer that no server gave, with its body."""
        self._held, self._framing = None, 0
        self._answered_by += (CALL_REFUSED,) if refused_call else ()
        body = response.raw_content or b""
        status = response.data.status_code
        bodiless = status < 200 or status in (204, 304)
        self._write_head(response, None if bodiless else len(body), request_read)
        if self._request.request.data.method != b"HEAD" and not bodiless:
            self._unsent += body
        self.flush()

    def upgrade(self, response: Response, protocol: bytes) -> None:
        """101: what follows are bytes."""
        self.started = True
        self._client.write(write_response(response, None, ((b"connection", b"upgrade"), (b"upgrade", protocol))))

    def _write_head(self, response: Response, declared: int | None, request_read: bool) -> None:
        if self._framing == UNTIL_CLOSE or (self._request.expects_continue and not request_read):
            self.keep_alive = False
        extra = [*self._answered_by, *([] if self.mesh is None else _log_fields(self.mesh))]
        if not self.keep_alive or self._service.draining:
            extra.append((b"connection", b"close"))
        elif self._request.request.data.http_version == b"HTTP/1.0":
            extra.append((b"connection", b"keep-alive"))
        self._unsent = write_response(response, declared, tuple(extra))
        self.started = True


def safe_trailers(trailers: Fields) -> Fields:
    """Trailers without what belongs into a head or to the mesh."""
    return tuple(
        (name, value)
        for name, value in trailers
        if name.lower() not in _FORBIDDEN_TRAILERS and not name.lower().startswith(b"x-mesh-")
    )


def through_stream(stream: Callable[[bytes], Iterable[bytes] | bytes], content: bytes, end: bool) -> bytes:
    """A `stream` function of mitmproxy: called with every piece and at the end with nothing."""
    pieces = [stream(content)] if content else []
    if end:
        pieces.append(stream(b""))
    return b"".join(piece if isinstance(piece, bytes) else b"".join(piece) for piece in pieces)


def _log_fields(mesh: MeshFlow) -> list[tuple[bytes, bytes]]:
    """For HAProxy's access log, which takes them out again."""
    fields: list[tuple[bytes, bytes]] = []
    if mesh.rule is not None:
        fields.append((b"x-mesh-internal-route", mesh.rule.rule.route.encode()))
        fields.append((b"x-mesh-internal-rule", mesh.rule.rule.name.encode()))
    if mesh.faults:
        fields.append((b"x-mesh-internal-fault", ",".join(mesh.faults).encode()))
    if mesh.attempts > 1:
        fields.append((b"x-mesh-internal-attempts", b"%d" % mesh.attempts))
    return fields

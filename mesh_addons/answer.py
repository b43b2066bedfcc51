"""Answers in a backend's place: short, with the reason in `x-mesh-error`, and no name of any software."""

from __future__ import annotations

from mitmproxy.http import Headers, HTTPFlow, Response
from mitmproxy.net.http.status_codes import RESPONSES

from mesh_policy.request import Fields

ERROR_HEADER = b"x-mesh-error"


def error_response(status: int, reason: str, now: float = 0.0) -> Response:
    """A complete answer. `reason` is a stable word with hyphens: people look it up, programs compare it."""
    body = f"mesh: {reason}\n".encode()
    fields = (
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (ERROR_HEADER, reason.encode()),
    )
    return Response(b"HTTP/1.1", status, RESPONSES.get(status, "").encode(), Headers(fields), body, None, now, now)


def refuse_call(flow: HTTPFlow, status: int, reason: str) -> None:
    """The same for a client of gRPC: an answer that consists of nothing but a head (trailers-only)."""
    now = flow.request.timestamp_start
    fields = (
        (b"content-type", b"application/grpc"),
        (b"grpc-status", b"%d" % status),
        (b"grpc-message", reason.encode()),
        (b"content-length", b"0"),
        (ERROR_HEADER, reason.encode()),
    )
    flow.response = Response(b"HTTP/1.1", 200, b"OK", Headers(fields), b"", None, now, now)


def redirect(flow: HTTPFlow, status: int, location: bytes) -> None:
    """Send the client to another address."""
    now = flow.request.timestamp_start
    fields = ((b"location", location), (b"content-length", b"0"))
    reason = RESPONSES.get(status, "").encode()
    flow.response = Response(b"HTTP/1.1", status, reason, Headers(fields), b"", None, now, now)


def no_content(flow: HTTPFlow, fields: Fields) -> None:
    """Answer with header fields alone."""
    now = flow.request.timestamp_start
    flow.response = Response(b"HTTP/1.1", 204, b"No Content", Headers(fields), b"", None, now, now)


def refuse(flow: HTTPFlow, status: int, reason: str) -> None:
    """Answer this request here; it goes to no backend."""
    flow.response = error_response(status, reason, flow.request.timestamp_start)

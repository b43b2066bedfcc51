"""Answers in a backend's place: short, with the reason in `x-mesh-error`, and no name of any software."""

from __future__ import annotations

from mitmproxy.http import Headers, HTTPFlow, Response
from mitmproxy.net.http.status_codes import RESPONSES

from mesh_policy import grpc, retry
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
    """Answer this call of gRPC here, as a server of gRPC would: with a head and nothing else (trailers-only)."""
    now = flow.request.timestamp_start
    fields = (*_call_fields(status, reason), (ERROR_HEADER, reason.encode()))
    flow.response = Response(b"HTTP/1.1", 200, b"OK", Headers(fields), b"", None, now, now)


def for_call(response: Response) -> Response | None:
    """An error of the mesh as a client of gRPC reads it; None: it is no such error. The HTTP status stays that of the
    error: HAProxy logs and counts it, and tells the client 200 (docs/contract.md)."""
    data = response.data
    fields, status = data.headers.fields, data.status_code
    reason = dict(fields).get(ERROR_HEADER)
    told = retry.grpc_status(fields)
    if reason is None or (told is None and status < 400):
        return None
    if told is None:
        kept = (one for one in fields if one[0].lower() not in (b"content-type", b"content-length"))
        fields = (*_call_fields(grpc.status(status), reason.decode()), *kept)
    else:
        status = grpc.http_status(told)
    line = RESPONSES.get(status, "").encode()
    return Response(b"HTTP/1.1", status, line, Headers(fields), b"", None, data.timestamp_start, data.timestamp_end)


def _call_fields(status: int, reason: str) -> Fields:
    return (
        (b"content-type", grpc.KIND),
        (b"grpc-status", b"%d" % status),
        (b"grpc-message", grpc.message(reason)),
        (b"content-length", b"0"),
    )


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

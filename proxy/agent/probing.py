"""Asks the application what the kubelet would have asked, on the pod's own address."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from proxy.agent import http_client
from proxy.agent.http_server import Answer
from proxy.probes import Grpc, HttpGet, Probe, TcpSocket

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _GOAWAY = 0, 1, 3, 4, 7
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_SERVING = b"\x08\x01"
_MAX_FRAME_BYTES = 16384


async def ask(probe: Probe, pod_ip: str) -> Answer:
    """The application's answer, in the kubelet's sense: 200 is good, 503 is not."""
    try:
        async with asyncio.timeout(probe.timeout_seconds):
            if probe.http_get is not None:
                return await _http(probe.http_get, pod_ip, probe.timeout_seconds)
            if probe.tcp_socket is not None:
                return await _tcp(probe.tcp_socket, pod_ip)
            if probe.grpc is not None:
                return await _grpc(probe.grpc, pod_ip)
    except (OSError, TimeoutError, EOFError, http_client.HttpError) as error:
        return Answer(503, f"{type(error).__name__}: {error}\n".encode())
    return Answer(503, b"no such kind of probe\n")


async def _http(probe: HttpGet, pod_ip: str, timeout_seconds: float) -> Answer:
    tls = None
    if probe.scheme.upper() == "HTTPS":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    given = tuple((header.name, header.value) for header in probe.http_headers)
    agent = () if any(name.lower() == "user-agent" for name, _ in given) else (("user-agent", "kube-probe/heddle"),)
    target = http_client.Target(pod_ip, probe.port, tls=tls)
    path = probe.path if probe.path.startswith("/") else f"/{probe.path}"
    answer = await http_client.request(
        target, "GET", path, headers=given + agent, timeout_seconds=timeout_seconds, max_body_bytes=1024 * 1024
    )
    return Answer(200 if 200 <= answer.status < 400 else 503, f"application answered {answer.status}\n".encode())


async def _tcp(probe: TcpSocket, pod_ip: str) -> Answer:
    _, writer = await asyncio.open_connection(pod_ip, probe.port)
    writer.close()
    return Answer(200, b"connected\n")


async def _grpc(probe: Grpc, pod_ip: str) -> Answer:
    """One call in hand-made HTTP/2 frames: it needs no library, since the answer's headers are not read."""
    reader, writer = await asyncio.open_connection(pod_ip, probe.port)
    try:
        writer.write(_PREFACE + _frame(_SETTINGS, 0, 0, b"") + _frame(_HEADERS, _END_HEADERS, 1, _check_headers(probe)))
        writer.write(_frame(_DATA, _END_STREAM, 1, _check_message(probe.service)))
        await writer.drain()
        data = b""
        while True:
            head = await reader.readexactly(9)
            length, kind, flags = int.from_bytes(head[:3]), head[3], head[4]
            if length > _MAX_FRAME_BYTES:
                return Answer(503, b"frame too large\n")
            payload = await reader.readexactly(length)
            if kind == _SETTINGS and not flags & _ACK:
                writer.write(_frame(_SETTINGS, _ACK, 0, b""))
            elif kind == _DATA:
                data += payload
            if kind in (_RST_STREAM, _GOAWAY) or (kind in (_DATA, _HEADERS) and flags & _END_STREAM):
                break
        good = data[5:] == _SERVING
        return Answer(200, b"SERVING\n") if good else Answer(503, b"not SERVING\n")
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def _check_headers(probe: Grpc) -> bytes:
    """HPACK without table or Huffman code: every field is a literal (RFC 7541 section 6.2.2)."""
    fields = (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", b"/grpc.health.v1.Health/Check"),
        (b":authority", f"probe:{probe.port}".encode()),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    )
    return b"".join(b"\x00" + bytes((len(n),)) + n + bytes((len(v),)) + v for n, v in fields)


def _check_message(service: str) -> bytes:
    """`HealthCheckRequest{service: 1}` behind gRPC's 5-byte prefix."""
    name = service.encode()[:120]
    message = b"\x0a" + bytes((len(name),)) + name if name else b""
    return b"\x00" + len(message).to_bytes(4) + message

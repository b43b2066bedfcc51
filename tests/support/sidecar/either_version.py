"""Callers and applications that speak HTTP/1 and HTTP/2 and hide nothing: heads come as they were on the wire."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import NamedTuple

from h2.events import DataReceived, RequestReceived, ResponseReceived, StreamEnded, StreamReset

from mesh_policy.identity import SpiffeId
from mesh_policy.request import Fields
from tests.support.sidecar.applications import Application, read_body
from tests.support.sidecar.expectation import BLANKS, Sent
from tests.support.sidecar.http2 import Connection
from tests.support.sidecar.pod import Pod

PREFACE = b"PRI * HTTP/2.0"
Answered = tuple[int, Fields]
"""Status and fields; a stream that was reset counts as 400."""


class Seen(NamedTuple):
    """A request as an application got it, without `:scheme`; `host` is a field in both versions."""

    application: str
    method: bytes
    target: bytes
    fields: Fields


class Recorder:
    """Applications on some ports of a pod that keep the requests they were sent, and answer with nothing."""

    def __init__(self, pod: Pod, ports: dict[str, int]) -> None:
        self.requests: list[Seen] = []
        self._applications = [Application(pod.listener(port), self._serve(name)) for name, port in ports.items()]

    def close(self) -> None:
        for application in self._applications:
            application.close()

    def _serve(self, name: str) -> Callable[[socket.socket], None]:
        def serve(client: socket.socket) -> None:
            if client.recv(len(PREFACE), socket.MSG_PEEK | socket.MSG_WAITALL) == PREFACE:
                self._http2(name, client)
            else:
                self._http1(name, client)

        return serve

    def _http1(self, name: str, client: socket.socket) -> None:
        stream = client.makefile("rb")
        while (head := _read_head(stream)) is not None:
            start, fields = head
            read_body(stream, _texts(fields))
            method, target, _ = start.split(b" ")
            self.requests.append(Seen(name, method, target, fields))
            client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    def _http2(self, name: str, client: socket.socket) -> None:
        connection = Connection(client, client=False, strict=False)
        for event in connection.events():
            match event:
                case RequestReceived():
                    fields = tuple(event.headers)
                    pseudo = {field: value for field, value in fields if field.startswith(b":")}
                    kept = tuple(field for field in fields if not field[0].startswith(b":"))
                    host = ((b"host", pseudo[b":authority"]),) if b":authority" in pseudo else ()
                    self.requests.append(Seen(name, pseudo[b":method"], pseudo[b":path"], (*host, *kept)))
                case DataReceived():
                    connection.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case StreamEnded():
                    connection.h2.send_headers(event.stream_id, [(b":status", b"200")], end_stream=True)
            connection.flush()


class Caller:
    """The application of a pod, with a connection that is opened again when it was closed."""

    def __init__(self, pod: Pod, identity: SpiffeId, address: tuple[str, int]) -> None:
        self.pod, self.identity = pod, identity
        self._address = address
        self._socket: socket.socket | None = None

    def ask(self, sent: Sent) -> Answered:
        """The answer to a request."""
        for last in (False, True):
            if self._socket is None:
                self._socket = self.pod.connect(self._address)
                self._begin(self._socket)
            try:
                return self._exchange(self._socket, sent)
            except ConnectionError:
                self.close()
                if last:
                    raise
        raise AssertionError("unreachable")

    def read(self, sent: Sent) -> Sent:
        """The request as HAProxy reads it in this version."""
        return sent

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _begin(self, connection: socket.socket) -> None:
        raise NotImplementedError

    def _exchange(self, connection: socket.socket, sent: Sent) -> Answered:
        raise NotImplementedError


class Http1Caller(Caller):
    def _begin(self, connection: socket.socket) -> None:
        self._stream = connection.makefile("rb")

    def _exchange(self, connection: socket.socket, sent: Sent) -> Answered:
        connection.sendall(sent.raw)
        head = _read_head(self._stream)
        if head is None:
            raise ConnectionError
        start, fields = head
        status, known = int(start.split()[1]), _texts(fields)
        if sent.method != b"HEAD" and status != 204:
            read_body(self._stream, known)
        if known.get("connection", "").lower() == "close":
            self.close()
        return status, fields


class Http2Caller(Caller):
    def read(self, sent: Sent) -> Sent:
        """Here a request has a scheme, whose own port HAProxy takes away (RFC 3986 section 6.2.3), and pieces of a
        cookie are put together (RFC 9113 section 8.2.3)."""
        crumbs = [value.strip(BLANKS) for name, value in sent.fields if name.lower() == b"cookie"]
        others = tuple(field for field in sent.fields if field[0].lower() != b"cookie")
        cookie = ((b"cookie", b"; ".join(crumbs)),) if crumbs else ()
        return sent._replace(host=sent.host.removesuffix(b":80"), fields=(*others, *cookie))

    def _begin(self, connection: socket.socket) -> None:
        self._http2 = Connection(connection, client=True, strict=False)

    def _exchange(self, _: socket.socket, sent: Sent) -> Answered:
        http2, stream = self._http2, self._http2.h2.get_next_available_stream_id()
        pseudo = ((b":method", sent.method), (b":scheme", b"http"), (b":authority", sent.host), (b":path", sent.target))
        fields = [*pseudo, *((name.lower(), value.strip(BLANKS)) for name, value in sent.fields)]
        http2.h2.send_headers(stream, fields, end_stream=not sent.body)
        if sent.body:
            http2.h2.send_data(stream, sent.body, end_stream=True)
        http2.flush()
        status, told = 400, ()
        for event in http2.events():
            match event:
                case ResponseReceived(stream_id=number) if number == stream:
                    told = tuple(field for field in event.headers if not field[0].startswith(b":"))
                    status = int(dict(event.headers)[b":status"])
                case DataReceived(stream_id=number):
                    http2.h2.acknowledge_received_data(event.flow_controlled_length, number)
                    http2.flush()
                case StreamEnded(stream_id=number) | StreamReset(stream_id=number) if number == stream:
                    return status, told
        raise ConnectionError


def _read_head(stream: object) -> tuple[bytes, Fields] | None:
    """Start line and fields with names in lower case; None: closed."""
    start = stream.readline().rstrip(b"\r\n")  # type: ignore[attr-defined]
    if not start:
        return None
    fields = []
    while line := stream.readline().rstrip(b"\r\n"):  # type: ignore[attr-defined]
        name, _, value = line.partition(b":")
        fields.append((name.lower(), value.strip(BLANKS)))
    return start, tuple(fields)


def _texts(fields: Fields) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in fields}

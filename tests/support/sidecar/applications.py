"""Applications behind and in front of sidecars: small, on plain sockets, one thread a connection."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class Application:
    """Serves a listener with a function, until it is closed."""

    def __init__(self, listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        self._listener = listener
        self._serve = serve
        self._clients: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """As a process that ends: the port is free, and no connection is left for whoever kept one."""
        for one in (self._listener, *self._clients):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # ends `accept`, which keeps the port otherwise
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(client,), daemon=True).start()

    def _run(self, client: socket.socket) -> None:
        self._clients.add(client)
        with client:
            try:
                self._serve(client)
            except OSError:
                return
            finally:
                self._clients.discard(client)


def read_head(stream: object) -> tuple[str, dict[str, str]]:
    """Start line and headers (lower case) from a binary file; an empty start line: closed."""
    start = stream.readline().decode("latin-1").strip()  # type: ignore[attr-defined]
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").strip():  # type: ignore[attr-defined]
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return start, headers


def read_body(stream: object, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int(stream.readline(), 16):  # type: ignore[attr-defined]
            body += stream.read(size)  # type: ignore[attr-defined]
            stream.readline()  # type: ignore[attr-defined]
        while stream.readline().strip():  # type: ignore[attr-defined]
            pass
        return body
    return stream.read(int(headers.get("content-length", 0)))  # type: ignore[attr-defined,no-any-return]


@dataclass
class Seen:
    """What an HTTP application was asked."""

    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


def http_echo(
    name: str, seen: Seen | None = None, gate: threading.Event | None = None
) -> Callable[[socket.socket], None]:
    """Answers with its name, the request line and the headers it got. `gate`: answers under /slow wait for it.

    `/ws` upgrades to a connection that echoes.
    """

    def serve(client: socket.socket) -> None:
        stream = client.makefile("rb")
        while True:
            start, headers = read_head(stream)
            if not start:
                return
            body = read_body(stream, headers)
            if seen is not None:
                seen.requests.append((start, headers, body))
            if "/slow" in start and gate is not None:
                gate.wait(30)
            if headers.get("upgrade", "").lower() == "websocket":
                accept = _websocket_accept(headers["sec-websocket-key"])
                head = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                client.sendall(f"{head}sec-websocket-accept: {accept}\r\n\r\n".encode())
                while data := client.recv(65536):
                    client.sendall(data)
                return
            lines = [name, start, *(f"{key}: {value}" for key, value in headers.items())]
            answer = "\n".join(lines).encode() + b"\n\n" + body
            head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nx-app: %s\r\n\r\n" % (len(answer), name.encode())
            client.sendall(head + answer)

    return serve


def _websocket_accept(key: str) -> str:
    """RFC 6455 section 4.2.2; HAProxy checks it."""
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()  # noqa: S324 - the RFC says so
    return base64.b64encode(digest).decode()


def tcp_greeting(client: socket.socket) -> None:
    """The server speaks first, then echoes."""
    client.sendall(b"220 hello\n")
    while data := client.recv(65536):
        client.sendall(b"echo " + data)


def tcp_echo(client: socket.socket) -> None:
    """Echoes until the client has finished sending, then finishes too."""
    while data := client.recv(65536):
        client.sendall(data)


def exchange(connection: socket.socket, request: bytes) -> Reply:
    """One request on an open connection; raises ConnectionError when it is closed without an answer."""
    connection.sendall(request)
    stream = connection.makefile("rb")
    start, headers = read_head(stream)
    if not start:
        raise ConnectionError("closed without an answer")
    body = read_body(stream, headers)
    return Reply(int(start.split()[1]), headers, body)


def get(path: str, host: str = "api", headers: str = "", method: str = "GET", body: bytes = b"") -> bytes:
    """A request. `headers` are whole lines that end with CRLF."""
    length = f"content-length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nhost: {host}\r\n{length}{headers}\r\n".encode() + body

"""A server that speaks first: `serve PORT NAME`. And its clients: `call HOST PORT TIMES [SERVER_NAME]` prints what they
were told, as JSON; with a server name each begins as a TLS client does. A closed connection has told nothing."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import sys
from contextlib import suppress


class Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(f"{sys.argv[3]}\n".encode())
        while self.request.recv(65536):
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def hello(server_name: str) -> bytes:
    out = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=server_name)
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


def call(host: str, port: str, server_name: str) -> str:
    with suppress(ConnectionError), socket.create_connection((host, int(port)), 10) as connection:
        if server_name:
            connection.sendall(hello(server_name))
        return connection.makefile("rb").readline().decode().strip()
    return ""


if sys.argv[1] == "serve":
    Server(("0.0.0.0", int(sys.argv[2])), Handler).serve_forever()
else:
    host, port, times, *name = sys.argv[2:]
    print(json.dumps([call(host, port, *(name or [""])) for _ in range(int(times))]))

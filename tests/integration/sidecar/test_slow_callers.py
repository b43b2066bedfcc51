"""Callers that take their time: they are cut after a known time, and nobody else notices."""

from __future__ import annotations

import socket
import threading
import time

from tests.support.sidecar.mesh import API_IP, HTTP, VIP, Mesh
from tests.support.sidecar.network import within

HANDSHAKE_SECONDS, HEAD_SECONDS, SLACK_SECONDS = 5.0, 10.0, 3.0


def cut_after(connection: socket.socket, limit: float) -> float:
    """Seconds until the other side has closed, or an assertion."""
    began = time.monotonic()
    connection.settimeout(limit)
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError as error:
        raise AssertionError(f"still open after {limit} s") from error
    finally:
        connection.close()
    return time.monotonic() - began


def test_half_a_hello_and_half_a_head_are_cut_while_others_are_served(mesh: Mesh) -> None:
    with within(mesh.network.name):
        silent = [socket.create_connection((API_IP, HTTP), 5) for _ in range(200)]
        half = [socket.create_connection((API_IP, HTTP), 5) for _ in range(200)]
    for connection in half:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01")
    slow = mesh.web.connect((VIP, HTTP))
    slow.sendall(b"GET / HTTP/1.1\r\nhost: api\r\nx-slow: ")
    took: list[float] = []
    watching = threading.Thread(target=lambda: took.append(cut_after(slow, HEAD_SECONDS + SLACK_SECONDS)))
    watching.start()
    mesh.works()
    for connection in (*silent, *half):
        cut_after(connection, HANDSHAKE_SECONDS + SLACK_SECONDS)
        mesh.works()
    watching.join(HEAD_SECONDS + 2 * SLACK_SECONDS)
    assert took
    mesh.works()

"""Calls of the WebSocket echo, one by name: `websocket_calls.py HOST CASE`. Ends with 0, or says what was different."""

import random
import sys
import threading
import urllib.error
import urllib.request

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

MIB = 1 << 20
WAIT_SECONDS = 20


def opened(host: str, **more: object) -> ClientConnection:
    url = f"ws://{host}/echo/%C3%A9?first=1&second=%2F"
    connection = connect(
        url, max_size=None, additional_headers={"x-proof": "a, b"}, subprotocols=["echo.v9", "echo.v2"], **more
    )
    wanted = '{"path": "/echo/%C3%A9?first=1&second=%2F", "x-proof": "a, b", "subprotocol": "echo.v2"}'
    same(connection.recv(WAIT_SECONDS), wanted)
    return connection


def same(got: object, wanted: object) -> None:
    if got != wanted:
        sys.exit(f"got {str(got)[:200]!r}, wanted {str(wanted)[:200]!r}")


def blocks(number: int) -> list[bytes]:
    source = random.Random(7)  # noqa: S311 - the same ones in every run
    return [source.randbytes(MIB) for _ in range(number)]


def in_turn(host: str) -> None:
    with opened(host) as connection:
        for block in blocks(5):
            connection.send(block)
            same(connection.recv(WAIT_SECONDS), block)
        text = "žluťoučký kůň " * (MIB // 16)
        connection.send(text)
        same(connection.recv(WAIT_SECONDS), text)
        connection.send(b"")
        same(connection.recv(WAIT_SECONDS), b"")


def uncompressed(host: str) -> None:
    with opened(host, compression=None) as connection:
        same(connection.protocol.extensions, [])
        for block in blocks(3):
            connection.send(block)
            same(connection.recv(WAIT_SECONDS), block)


def both_ways(host: str) -> None:
    """Eight messages are on their way while the answers come back."""
    sent = blocks(8)
    with opened(host) as connection:
        sender = threading.Thread(target=lambda: [connection.send(block) for block in sent])
        sender.start()
        for block in sent:
            same(connection.recv(WAIT_SECONDS), block)
        sender.join()


def fragments(host: str) -> None:
    """One message in 64 frames."""
    block = blocks(1)[0]
    size = MIB // 64
    with opened(host) as connection:
        connection.send(block[start : start + size] for start in range(0, MIB, size))
        same(connection.recv(WAIT_SECONDS), block)


def pings(host: str) -> None:
    with opened(host) as connection:
        same(connection.ping(b"from the client").wait(WAIT_SECONDS), True)
        connection.send("ping me")
        same(connection.recv(WAIT_SECONDS), "ponged")


def closed_here(host: str) -> None:
    connection = opened(host)
    connection.close(4001, "enough")
    same((connection.close_code, connection.close_reason), (4001, "enough"))


def closed_there(host: str) -> None:
    with opened(host) as connection:
        connection.send("close")
        try:
            connection.recv(WAIT_SECONDS)
        except ConnectionClosed as closed:
            same(closed.rcvd and (closed.rcvd.code, closed.rcvd.reason), (4002, "as asked"))
            return
    sys.exit("still open")


def no_upgrade(host: str) -> None:
    """An ordinary request gets what the server has for it."""
    try:
        urllib.request.urlopen(f"http://{host}/", timeout=WAIT_SECONDS)
    except urllib.error.HTTPError as error:
        same((error.code, error.headers["upgrade"]), (426, "websocket"))
        return
    sys.exit("answered")


CASES = {
    call.__name__: call
    for call in (in_turn, uncompressed, both_ways, fragments, pings, closed_here, closed_there, no_upgrade)
}

if __name__ == "__main__":
    CASES[sys.argv[2]](sys.argv[1])

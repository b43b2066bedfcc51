"""HTTP/2 without TLS on plain sockets, frame by frame: what libraries hide is what these tests are about."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived
from hyperframe.frame import GoAwayFrame

PIECES = 12
REQUEST = [(":method", "POST"), (":scheme", "http"), (":authority", "api"), (":path", "/s/m"), ("te", "trailers")]


class Connection:
    """One side of a connection; `events` gives what comes, and answers what the protocol asks for.

    `strict` False: headers are bytes, and are sent and taken as they are.
    """

    def __init__(self, connection: socket.socket, *, client: bool, strict: bool = True) -> None:
        self.socket = connection
        configuration = H2Configuration(
            client_side=client,
            header_encoding="utf-8" if strict else None,
            validate_inbound_headers=strict,
            validate_outbound_headers=strict,
            normalize_inbound_headers=strict,
            normalize_outbound_headers=strict,
        )
        self.h2 = H2Connection(configuration)
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        if data := self.h2.data_to_send():
            self.socket.sendall(data)

    def events(self) -> Iterator[Event]:
        """Until the other side closes. Raises TimeoutError when nothing comes for as long as the socket waits."""
        while data := self.socket.recv(65536):
            found = self.h2.receive_data(data)
            self.flush()
            yield from found


def goes_away(client: socket.socket) -> None:
    """Answers a request in pieces, says GOAWAY after the first of them, and keeps its word: the stream is finished.

    The other side sends a piece back before the next one comes, so that nothing of this is a matter of time.
    """
    connection = Connection(client, client=False)
    sent = 0
    for event in connection.events():
        if isinstance(event, RequestReceived):
            connection.h2.send_headers(event.stream_id, [(":status", "200"), ("content-type", "application/grpc")])
        elif isinstance(event, DataReceived):
            connection.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if not isinstance(event, RequestReceived | DataReceived) or sent == PIECES:
            continue
        sent += 1
        connection.h2.send_data(event.stream_id, b"piece %d" % sent)
        if sent == PIECES:
            connection.h2.send_headers(event.stream_id, [("grpc-status", "0")], end_stream=True)
        connection.flush()
        if sent == 1:
            frame = GoAwayFrame(0, last_stream_id=event.stream_id)
            client.sendall(frame.serialize())


def never_reads(client: socket.socket) -> None:
    """Takes requests and gives no room for more of their bodies than it must."""
    connection = Connection(client, client=False)
    for _ in connection.events():
        pass

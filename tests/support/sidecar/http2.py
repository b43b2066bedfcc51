"""HTTP/2 without TLS on plain sockets, frame by frame: what libraries hide is what these tests are about."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived
from h2.exceptions import StreamClosedError
from hyperframe.frame import GoAwayFrame

PIECES = 12
REQUEST = [(":method", "POST"), (":scheme", "http"), (":authority", "api"), (":path", "/s/m"), ("te", "trailers")]
DEAF = "/deaf"


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


def upload(connection: Connection, path: str, size: int) -> int:
    """A request with so large a body; how much of it there was room for until none came for as long as the socket
    waits."""
    stream = connection.h2.get_next_available_stream_id()
    connection.h2.send_headers(stream, [*REQUEST[:3], (":path", path), *REQUEST[4:]])
    connection.flush()
    events = connection.events()
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < size:
            room = min(connection.h2.local_flow_control_window(stream), connection.h2.max_outbound_frame_size)
            if room > 0:
                connection.h2.send_data(stream, b"x" * room)
                sent += room
                connection.flush()
            elif next(events, None) is None:
                raise ConnectionError(f"closed after {sent} bytes")
    return sent


def goes_away(client: socket.socket) -> None:
    """Answers a request in pieces, says GOAWAY after the first of them, and keeps its word: the stream is finished.

    The other side sends a piece back before the next one comes, so that nothing of this is a matter of time. A request
    for DEAF is never answered, and its body gets no more room than it had at the beginning; other streams do.
    """
    connection = Connection(client, client=False)
    with contextlib.suppress(StreamClosedError):  # by the other side, in the middle: so is the connection
        _answer(client, connection)


def _answer(client: socket.socket, connection: Connection) -> None:
    sent: dict[int, int] = {}
    for event in connection.events():
        match event:
            case RequestReceived(stream_id=stream) if dict(event.headers)[":path"] != DEAF:
                sent[stream] = 0
                connection.h2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
            case DataReceived(stream_id=stream) if stream in sent:
                connection.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            case DataReceived():
                connection.h2.increment_flow_control_window(event.flow_controlled_length)
                connection.flush()
                continue
            case _:
                continue
        if sent[stream] == PIECES:
            continue
        sent[stream] += 1
        connection.h2.send_data(stream, b"piece %d" % sent[stream])
        if sent[stream] == PIECES:
            connection.h2.send_headers(stream, [("grpc-status", "0")], end_stream=True)
        connection.flush()
        if sent[stream] == 1:
            client.sendall(GoAwayFrame(0, last_stream_id=stream).serialize())

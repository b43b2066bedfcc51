"""HTTP/2 end to end. It never enters Python (ADR 0002): HAProxy keeps the promises that mitmproxy's layers break."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from hyperframe.frame import ContinuationFrame, HeadersFrame

from tests.integration.sidecar.test_traffic import BOTH_ENGINES
from tests.support.sidecar.applications import Application
from tests.support.sidecar.http2 import DEAF, PIECES, REQUEST, Connection, goes_away, upload
from tests.support.sidecar.mesh import GRPC, Mesh
from tests.support.sidecar.pod import Pod

MIB = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def application(mesh: Mesh) -> Iterator[None]:
    with closing(Application(mesh.api.listener(GRPC), goes_away)):
        yield


def talk(connection: Connection) -> tuple[list[bytes], dict[str, str]]:
    """One stream, a piece there for each piece that comes: the pieces, and the trailers."""
    return finish(connection, begin(connection))


def begin(connection: Connection) -> int:
    """A stream that has nothing but its head."""
    stream = connection.h2.get_next_available_stream_id()
    connection.h2.send_headers(stream, REQUEST)
    connection.flush()
    return stream


def finish(connection: Connection, stream: int) -> tuple[list[bytes], dict[str, str]]:
    """The rest of it."""
    pieces: list[bytes] = []
    trailers: dict[str, str] = {}
    for event in connection.events():
        if getattr(event, "stream_id", stream) != stream:
            continue
        match event:
            case StreamReset():
                raise AssertionError(f"the stream was reset after {pieces}")
            case ResponseReceived():
                assert dict(event.headers)[":status"] == "200"
            case DataReceived():
                pieces.append(event.data)
                connection.h2.acknowledge_received_data(event.flow_controlled_length, stream)
                connection.h2.send_data(stream, b"more", end_stream=len(pieces) == PIECES)
                connection.flush()
            case TrailersReceived():
                trailers = dict(event.headers)
            case StreamEnded():
                return pieces, trailers
    raise AssertionError(f"closed after {pieces}")


@BOTH_ENGINES
def test_goaway_of_the_server_ends_no_stream_and_the_next_one_finds_another_connection(mesh: Mesh, vip: str) -> None:
    with mesh.web.connect((vip, GRPC), 10) as plain:
        connection = Connection(plain, client=True)
        for _ in range(3):
            pieces, trailers = talk(connection)
            assert pieces == [b"piece %d" % (number + 1) for number in range(PIECES)]
            assert trailers["grpc-status"] == "0"


@BOTH_ENGINES
def test_streams_that_are_begun_and_reset_end_the_connection(mesh: Mesh, vip: str) -> None:
    """Rapid reset (CVE-2023-44487): every one of them costs the sidecar a request, and the caller nothing."""
    begun = 0
    with mesh.web.connect((vip, GRPC), 5) as plain, contextlib.suppress(ConnectionError):
        connection = Connection(plain, client=True)
        while begun < 20_000:
            stream = connection.h2.get_next_available_stream_id()
            connection.h2.send_headers(stream, REQUEST)
            connection.h2.reset_stream(stream)
            connection.flush()
            begun += 1
    assert begun < 20_000
    with mesh.web.connect((vip, GRPC), 10) as plain:  # and others are served
        assert len(talk(Connection(plain, client=True))[0]) == PIECES


@BOTH_ENGINES
def test_a_head_without_an_end_ends_the_connection(mesh: Mesh, vip: str) -> None:
    """CONTINUATION flood (CVE-2024-27316 and others): 64 MiB of frames for one head."""
    sent = 0
    with mesh.web.connect((vip, GRPC), 5) as plain, contextlib.suppress(ConnectionError):
        connection = Connection(plain, client=True)
        block = connection.h2.encoder.encode(REQUEST)
        plain.sendall(HeadersFrame(1, block).serialize())
        piece = ContinuationFrame(1, connection.h2.encoder.encode([("x-pad", "y" * 8000)])).serialize()
        while sent < 64 * MIB:
            plain.sendall(piece)
            sent += len(piece)
    assert sent < 8 * MIB


@BOTH_ENGINES
def test_a_server_that_gives_no_room_stops_the_client(mesh: Mesh, vip: str) -> None:
    before = resident_mib(mesh.web) + resident_mib(mesh.api)
    with mesh.web.connect((vip, GRPC), 1.5) as plain:
        assert upload(Connection(plain, client=True), DEAF, 300 * MIB) < 8 * MIB
        assert resident_mib(mesh.web) + resident_mib(mesh.api) - before < 32


@BOTH_ENGINES
def test_an_upload_that_nobody_reads_stops_no_stream_of_others(mesh: Mesh, vip: str) -> None:
    """Not one that was under way, nor a new one: a stream has its connection between the sidecars to itself."""
    with mesh.web.connect((vip, GRPC), 1.5) as stalled, mesh.web.connect((vip, GRPC), 10) as plain:
        connection = Connection(plain, client=True)
        under_way = begin(connection)
        assert upload(Connection(stalled, client=True), DEAF, 300 * MIB) > 2 * MIB
        assert len(finish(connection, under_way)[0]) == PIECES
        assert len(talk(connection)[0]) == PIECES
        with mesh.web.connect((vip, GRPC), 10) as another:
            assert len(talk(Connection(another, client=True))[0]) == PIECES


def resident_mib(pod: Pod) -> float:
    """Of all processes of its sidecar."""
    return sum(_resident_mib(pid) for pid, _ in pod.processes())


def _resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)

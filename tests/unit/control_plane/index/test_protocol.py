"""What a port speaks."""

from __future__ import annotations

import pytest

from control_plane.index.protocol import protocol_of
from control_plane.kinds.service import ServicePort


@pytest.mark.parametrize(
    ("app_protocol", "name", "port", "protocol"),
    [
        ("http", "", 80, "http"),
        ("HTTP", "", 80, "http"),
        ("grpc", "", 80, "grpc"),
        ("kubernetes.io/h2c", "", 80, "grpc"),
        ("kubernetes.io/ws", "", 80, "http"),
        ("https", "", 80, "tcp"),
        ("tcp", "http", 80, "tcp"),
        ("example.com/custom", "http-web", 80, "http"),
        (None, "http", 80, "http"),
        (None, "http-web", 8080, "http"),
        (None, "http2-web", 8080, "grpc"),
        (None, "grpc-web", 8080, "http"),
        (None, "grpc", 8080, "grpc"),
        (None, "httpbin", 8080, "detect"),
        (None, "tcp-x", 8080, "tcp"),
        (None, "", 3306, "tcp"),
        (None, "", 443, "tcp"),
        (None, "http-mysql", 3306, "http"),
        (None, "", 8080, "detect"),
    ],
)
def test_protocol(app_protocol: str | None, name: str, port: int, protocol: str) -> None:
    assert protocol_of(ServicePort(port=port, name=name, app_protocol=app_protocol)) == protocol

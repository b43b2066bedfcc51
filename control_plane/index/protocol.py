"""What a Service port speaks: appProtocol, else the prefix of its name (as Istio reads it), else well-known ports."""

from __future__ import annotations

from control_plane.kinds.service import ServicePort
from mesh_policy.snapshot import Protocol

_WORDS: dict[str, Protocol] = {
    "http": "http",
    "http2": "grpc",
    "grpc": "grpc",
    "grpc-web": "http",
    "h2c": "grpc",
    "kubernetes.io/h2c": "grpc",
    "kubernetes.io/ws": "http",
    "kubernetes.io/wss": "tcp",
    "ws": "http",
    "tcp": "tcp",
    "https": "tcp",
    "tls": "tcp",
    "mongo": "tcp",
    "mysql": "tcp",
    "redis": "tcp",
    "postgres": "tcp",
    "postgresql": "tcp",
    "amqp": "tcp",
    "kafka": "tcp",
    "smtp": "tcp",
}
SERVER_FIRST_PORTS = frozenset({22, 25, 110, 143, 465, 587, 993, 995, 1433, 2379, 2380, 3306, 4222, 5432, 5672})
SERVER_FIRST_PORTS |= {6379, 6443, 9042, 9092, 11211, 27017}
"""Ports where the server speaks first, or that never carry plain HTTP: detection would only cost them its silence."""


def protocol_of(port: ServicePort) -> Protocol:
    """The protocol of a Service port; `detect` when nothing tells."""
    if port.app_protocol:
        known = _WORDS.get(port.app_protocol.lower())
        if known:
            return known
    words = port.name.lower().split("-")
    for length in (2, 1):
        known = _WORDS.get("-".join(words[:length]))
        if known:
            return known
    return "tcp" if port.port in SERVER_FIRST_PORTS or port.port == 443 else "detect"

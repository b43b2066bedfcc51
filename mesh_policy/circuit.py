"""What a snapshot may say about the limits of a backend. The engine counts; here is only what is legal."""

from __future__ import annotations

from mesh_policy.errors import Violation
from mesh_policy.snapshot import Circuit

MAX_LIMIT = 1_000_000
"""More than any sidecar carries: its HAProxy takes about 8,000 connections."""


def check(circuit: Circuit, path: str) -> list[Violation]:
    """What is wrong with it; nothing: it can be used."""
    limits = (
        ("maxConnections", circuit.max_connections, 1),
        ("maxPending", circuit.max_pending, 0),
        ("maxRequests", circuit.max_requests, 1),
    )
    return [
        Violation(f"{path}.{name}", f"{value}: use {least} to {MAX_LIMIT}")
        for name, value, least in limits
        if value is not None and not least <= value <= MAX_LIMIT
    ]

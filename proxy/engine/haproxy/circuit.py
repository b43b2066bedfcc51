"""Limits of a backend. Numbers are data: a changed limit is one `set map`, or one `set maxconn` for a server.

What is under way is counted by HAProxy per section (`be_conn`: waiting ones included). Waiting is done in HAProxy's
queue, which an endpoint has when it may not have more connections.
"""

from __future__ import annotations

from typing import Literal

from mesh_policy.snapshot import Circuit
from proxy.engine.haproxy import grpc
from proxy.engine.haproxy.rendering import Place

REASON = "circuit-open"
STREAMS_PER_CONNECTION = 1
"""Of HTTP/2, the most that HAProxy puts on one connection at a time (`tune.h2.be.max-concurrent-streams`). One: streams
of a connection share its receive buffers, and an upload that nobody reads would stop the others (ADR 0002)."""


def limit(circuit: Circuit | None, carrier: str) -> int | None:
    """How many requests (of `tcp`: connections) a section has under way at most, the waiting ones included."""
    if circuit is None:
        return None
    found = [] if circuit.max_requests is None or carrier == "tcp" else [circuit.max_requests]
    if circuit.max_connections is not None and circuit.max_pending is not None:
        found.append(_at_once(circuit.max_connections, carrier) + circuit.max_pending)
    return min(found, default=None)


def per_endpoint(circuit: Circuit | None, carrier: str, endpoints: int) -> int:
    """How many an endpoint has at once: HAProxy knows no such limit of a section, so each has its part. 0: no limit."""
    if circuit is None or circuit.max_connections is None or not endpoints:
        return 0
    return -(-_at_once(circuit.max_connections, carrier) // endpoints)


def _at_once(connections: int, carrier: str) -> int:
    return connections * STREAMS_PER_CONNECTION if carrier == "h2" else connections


def rules(mode: Literal["http", "tcp"], place: Place) -> str:
    """For a template: refuses what is beyond the limit of the section, and says so when the wait was too long."""
    rule = "http-request" if mode == "http" else "tcp-request content"
    over = "{ var(txn.circuit) -m found } { be_conn,sub(txn.circuit) -m int gt 0 }"
    lines = [
        f"{rule} set-var(txn.circuit) be_name,map_str_int({place.map('circuits')})",
        f"{rule} set-var(txn.reason) str({REASON}) if {over}",
    ]
    if mode == "tcp":
        lines.append(f"{rule} reject if {over}")
    else:
        waited = "{ txn.sess_term_state -m str sQ }"
        lines += [
            f"{rule} return status 503 content-type text/plain hdr x-mesh-error {REASON}"
            f" {grpc.text('too much for this service')} if {over}",
            f"http-after-response set-var(txn.reason) str({REASON}) if {waited}",
            f"http-after-response set-header x-mesh-error {REASON} if {waited}",
        ]
    return "".join(f"  {line}\n" for line in lines)

"""Tells the worker which answers of the return leg no server gave, and why: a retry depends on it.

`http-response` rules see the answers of servers, `http-after-response` rules also those that HAProxy made itself. Why
is read from the state in which the stream ended, as the log would say it (measured with 3.4.7).
"""

from __future__ import annotations

from proxy.engine.haproxy import circuit

CONNECT, RESET, TIMEOUT, CIRCUIT, NO_ENDPOINT = "connect", "reset", "timeout", "circuit", "no-endpoint"
_STATES = {
    CONNECT: "SC sC RC",
    RESET: "SH PH SD",
    TIMEOUT: "sH",
}
"""First letter: the server's side, a limit of time (`s`), a bad answer (`P`), no resources (`R`). Second: while
connecting (`C`), waiting for the head (`H`). A wait in the queue that was too long is the circuit's own business."""

_REASONS = {
    CONNECT: "upstream-unavailable",
    RESET: "upstream-reset",
    TIMEOUT: "upstream-timeout",
    NO_ENDPOINT: "no-endpoint",
}
"""What the client is told, in the words that the worker has for the same (`x-mesh-error`)."""


def rules() -> str:
    """For the frontend of the return leg. A rule that answers by itself may have said why already."""
    lines = ["http-response set-var(txn.answered) bool(true)"]
    for failure, states in _STATES.items():
        condition = f"!{{ var(txn.answered) -m found }} {{ txn.sess_term_state -m str {states} }}"
        lines.append(f"http-after-response set-var(txn.failure) str({failure}) if {condition}")
    no_server = "{ var(txn.failure) -m str connect } !{ srv_name -m found }"
    lines += [
        f"http-after-response set-var(txn.failure) str({NO_ENDPOINT}) if {no_server}",
        f"http-after-response set-var(txn.failure) str({NO_ENDPOINT}) if {{ var(txn.reason) -m str unknown-backend }}",
        f"http-after-response set-var(txn.failure) str({CIRCUIT}) if {{ var(txn.reason) -m str {circuit.REASON} }}",
        "http-after-response set-header x-mesh-internal-failure %[var(txn.failure)]"
        " if { var(txn.failure) -m found } !{ res.fhdr(x-mesh-internal-failure) -m found }",
    ]
    lines += [
        f"http-after-response set-header x-mesh-error {reason} if {{ var(txn.failure) -m str {failure} }}"
        " !{ res.fhdr(x-mesh-error) -m found }"
        for failure, reason in _REASONS.items()
    ]
    return "".join(f"  {line}\n" for line in lines)

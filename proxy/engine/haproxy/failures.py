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

OF_SERVER = {
    CONNECT: "upstream-unavailable",
    RESET: "upstream-reset",
    TIMEOUT: "upstream-timeout",
    NO_ENDPOINT: "no-endpoint",
}
"""What the client is told, in the words that the worker has for the same (`x-mesh-error`)."""
OF_APPLICATION = {
    CONNECT: "application-unavailable",
    RESET: "application-reset",
    TIMEOUT: "application-timeout",
}
"""What a caller is told of the application behind this sidecar."""
_NO_ANSWER = "!{ var(txn.answered) -m found }"
_NO_SERVER = "!{ srv_name -m found }"
_REFUSED = (
    "http-after-response set-var(txn.no_connection) bool(true) if"
    f" {_NO_ANSWER} {{ txn.sess_term_state -m str SH }} {{ bc_err_str -m beg ECONNREFUSED }}",
    "http-after-response set-status 503 if { var(txn.no_connection) -m found }",
)
"""HTTP/2 without TLS: HAProxy takes a connection for made that nobody accepted, and calls it a reset (502)."""


def rules() -> str:
    """For the frontend of the return leg. A rule that answers by itself may have said why already."""
    lines = ["http-response set-var(txn.answered) bool(true)", *_REFUSED]
    for failure, states in _STATES.items():
        condition = f"{_NO_ANSWER} {{ txn.sess_term_state -m str {states} }}"
        lines.append(f"http-after-response set-var(txn.failure) str({failure}) if {condition}")
    unmade = f"{_NO_ANSWER} {{ var(txn.no_connection) -m found }}"
    lines.append(f"http-after-response set-var(txn.failure) str({CONNECT}) if {unmade}")
    no_server = f"{{ var(txn.failure) -m str connect }} {_NO_SERVER}"
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
        for failure, reason in OF_SERVER.items()
    ]
    return "".join(f"  {line}\n" for line in lines)


def reason_rules(words: dict[str, str]) -> str:
    """For a frontend of programs or sidecars: the same in answers that no server gave, unless a rule that answers by
    itself has said why already."""
    unsaid = f"{_NO_ANSWER} !{{ res.fhdr(x-mesh-error) -m found }}"
    no_connection = f"{{ txn.sess_term_state -m str {_STATES[CONNECT]} }}"
    causes = [(CONNECT, "{ var(txn.no_connection) -m found }"), (NO_ENDPOINT, f"{_NO_SERVER} {no_connection}")]
    causes += [(failure, f"{{ txn.sess_term_state -m str {states} }}") for failure, states in _STATES.items()]
    lines = [
        f"http-after-response set-header x-mesh-error {words[failure]} if {unsaid} {cause}"
        for failure, cause in causes
        if failure in words
    ]
    return "".join(f"  {line}\n" for line in (*_REFUSED, *lines))

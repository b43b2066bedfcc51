"""How long an endpoint may be silent before the head of its answer, as the worker says it for each attempt.

HAProxy gives the endpoint up itself, so that it counts as its failure (`eresp`); a limit at which the worker closed
would look like a caller that gave up. It begins anew with every byte of a request that is still being sent, and ends
with the head: streams, and what follows an upgrade, may be silent for as long as all others (measured with 3.4.7).

An address that nobody answers at (a node that is gone) must not take the whole of a short attempt: half of it, then
another endpoint has its chance, and the failure is the endpoint's.
"""

from __future__ import annotations

from proxy.engine.haproxy import base

HEADER = "x-mesh-internal-timeout"
HAND_ON = f"  http-request set-var(txn.silence) req.fhdr({HEADER}),add(0)\n"
"""For the return leg, before internal headers are removed. Milliseconds."""
_KNOWN = "{ var(txn.silence) -m found }"
_LEAST = 100
"""Milliseconds that an attempt to connect has at least: it makes a TLS handshake too, on a busy machine."""
_SHORT = f"{{ var(txn.silence) -m int {2 * _LEAST}:{2 * base.CONNECT_MILLISECONDS} }}"
_VERY_SHORT = f"{{ var(txn.silence) -m int 1:{2 * _LEAST - 1} }}"
RULES = f"""\
  http-request set-timeout server var(txn.silence) if {_KNOWN}
  http-request set-timeout connect var(txn.silence),div(2) if {_SHORT}
  http-request set-timeout connect int({_LEAST}) if {_VERY_SHORT}
  http-response set-timeout server {base.IDLE_TIMEOUT} if {_KNOWN}
"""
"""For a template: only rules of a backend may say how long its servers have."""

"""How long an endpoint may be silent before the head of its answer, as the worker says it for each attempt.

HAProxy gives the endpoint up itself, so that it counts as its failure (`eresp`); a limit at which the worker closed
would look like a caller that gave up. It begins anew with every byte of a request that is still being sent, and ends
with the head: streams, and what follows an upgrade, may be silent for as long as all others (measured with 3.4.7).
"""

from __future__ import annotations

from proxy.engine.haproxy import base

HEADER = "x-mesh-internal-timeout"
HAND_ON = f"  http-request set-var(txn.silence) req.fhdr({HEADER}),add(0)\n"
"""For the return leg, before internal headers are removed. Milliseconds."""
_KNOWN = "{ var(txn.silence) -m found }"
RULES = f"""\
  http-request set-timeout server var(txn.silence) if {_KNOWN}
  http-response set-timeout server {base.IDLE_TIMEOUT} if {_KNOWN}
"""
"""For a template: only rules of a backend may say how long its servers have."""

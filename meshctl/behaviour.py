"""What holds for requests and endpoints, in few words: out of the configuration that a sidecar runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def of_rule(rule: Json) -> str:
    """Timeouts, retries and the session of a rule, as `(request 2s, 2 retries, …)`; empty: none of them."""
    parts = list(_rule_parts(rule))
    return f" ({', '.join(parts)})" if parts else ""


def _rule_parts(rule: Json) -> Iterator[str]:
    timeouts = rule.get("timeouts") or {}
    for name, field in (("request", "requestSeconds"), ("try", "backendSeconds"), ("idle", "idleSeconds")):
        if timeouts.get(field):
            yield f"{name} {timeouts[field]:g}s"
    retry = rule.get("retry")
    if retry is not None:
        attempts = retry.get("attempts", 1)
        yield f"{attempts} {'retry' if attempts == 1 else 'retries'}"
    session = rule.get("session")
    if session is not None:
        yield f"session {session.get('type', 'Cookie').lower()} {session['name']}"


def of_backend(backend: Json) -> str:
    """How many endpoints there are and how they are used, as `3 endpoints, RoundRobin, …`."""
    return ", ".join(_backend_parts(backend))


def _backend_parts(backend: Json) -> Iterator[str]:
    count = len(backend.get("endpoints", []))
    yield "1 endpoint" if count == 1 else f"{count} endpoints"
    balance = backend.get("balance") or {}
    if "algorithm" in balance:
        yield balance["algorithm"]
    if balance.get("preferZone"):
        yield "own zone first"
    if balance.get("slowStartSeconds"):
        yield f"slow start {balance['slowStartSeconds']:g}s"
    circuit = backend.get("circuit") or {}
    for name, field in (("connections", "maxConnections"), ("waiting", "maxPending"), ("requests", "maxRequests")):
        if field in circuit:
            yield f"at most {circuit[field]} {name}"
    if backend.get("outlier") is not None:
        yield "outliers ejected"


def of_limit(limit: Json) -> str:
    """A rate limit, as `100 in 1s, burst 20, by Caller`."""
    burst = f", burst {limit['burst']}" if limit.get("burst") else ""
    by = f"Header {limit['header']}" if limit.get("header") else limit.get("by", "Workload")
    return f"{limit['requests']} in {limit.get('perSeconds', 1):g}s{burst}, by {by}"

"""Which attempts of a rule's requests are followed by another one."""

from __future__ import annotations

from msgspec import structs

from control_plane.index.policy import PolicyTable, Scope
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.retry import FAILURES, RetrySpec, RouteRetry, grpc_statuses, statuses
from mesh_policy.retry import MAX_PAUSE_SECONDS
from mesh_policy.snapshot import Retry

_ROUTE_GROWTH = 10
"""A route names its least pause only; none is longer than so many of it."""


def retry(policies: PolicyTable, scopes: tuple[Scope, ...], route: RouteRetry | None = None) -> Retry | None:
    """Of the route where it says any, else of the nearest policy. None: none."""
    if route is not None:
        return _of_route(route)
    spec = policies.behaviour("retry", scopes).retry
    return None if spec is None or spec.attempts == 0 else _of_policy(spec)


def _of_policy(spec: RetrySpec) -> Retry:
    methods = {"Idempotent": Retry().methods, "All": None}
    return Retry(
        attempts=spec.attempts,
        on=tuple(failure for failure in FAILURES if failure in spec.when),
        statuses=statuses(spec.when),
        grpc_statuses=grpc_statuses(spec.when),
        backoff_base_seconds=duration_seconds(spec.backoff.base),
        backoff_max_seconds=duration_seconds(spec.backoff.max),
        methods=methods[spec.methods] if isinstance(spec.methods, str) else tuple(sorted(set(spec.methods))),
    )


def _of_route(spec: RouteRetry) -> Retry:
    """GEP-1731: failed connections count whenever there is a stanza; only methods that may be sent twice."""
    found = Retry(attempts=spec.attempts or 1, statuses=tuple(sorted(spec.codes)))
    if spec.backoff is None:
        return found
    least = duration_seconds(spec.backoff)
    longest = min(MAX_PAUSE_SECONDS, max(found.backoff_max_seconds, _ROUTE_GROWTH * least))
    return structs.replace(
        found,
        backoff_min_seconds=least,
        backoff_base_seconds=max(least, found.backoff_base_seconds),
        backoff_max_seconds=longest,
    )

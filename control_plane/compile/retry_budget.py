"""How many retries a Service gets at most from one client."""

from __future__ import annotations

from control_plane.index.policy import PolicyTable, service_scopes
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.retry_budget import MAX_PER_SECOND, RetryBudgetSpec
from control_plane.kinds.service import Service
from control_plane.kinds.x_backend_traffic_policy import RetryConstraint
from mesh_policy.snapshot import RetryBudget


def retry_budget(policies: PolicyTable, service: Service) -> RetryBudget:
    """All ports and subsets of a Service share one, so what is said of a single port does not count.

    A TrafficPolicy on the Service goes before an XBackendTrafficPolicy on it: it is meant for this mesh, the other for
    every implementation. That one goes before the defaults of namespace and mesh.
    """
    scopes = service_scopes(service, None)
    standard = policies.backends.of(service)
    if standard is not None and standard.spec.retry_constraint and not policies.holder("retryBudget", scopes[:1]):
        return _constraint(standard.spec.retry_constraint)
    spec = policies.behaviour("retryBudget", scopes).retry_budget or RetryBudgetSpec()
    return RetryBudget(
        percent=spec.percent,
        min_per_second=spec.min_per_second,
        interval_seconds=duration_seconds(spec.interval),
    )


def _constraint(spec: RetryConstraint) -> RetryBudget:
    """Beyond this budget the answer is a 503 (GEP-3388)."""
    return RetryBudget(
        percent=spec.budget.percent,
        min_per_second=min(MAX_PER_SECOND, spec.min_retry_rate.count / duration_seconds(spec.min_retry_rate.interval)),
        interval_seconds=duration_seconds(spec.budget.interval),
        over_status=503,
    )

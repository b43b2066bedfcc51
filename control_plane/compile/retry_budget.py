"""How many retries a Service gets at most from one client."""

from __future__ import annotations

from control_plane.index.policy import PolicyTable, service_scopes
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.retry_budget import RetryBudgetSpec
from control_plane.kinds.service import Service
from mesh_policy.snapshot import RetryBudget


def retry_budget(policies: PolicyTable, service: Service) -> RetryBudget:
    """All ports and subsets of a Service share one, so what is said of a single port does not count."""
    spec = policies.behaviour("retryBudget", service_scopes(service, None)).retry_budget or RetryBudgetSpec()
    return RetryBudget(
        percent=spec.percent,
        min_per_second=spec.min_per_second,
        interval_seconds=duration_seconds(spec.interval),
    )

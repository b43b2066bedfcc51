"""When an endpoint of a backend is left out for a while."""

from __future__ import annotations

from control_plane.index.policy import PolicyTable, Scope
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.outlier import SuccessRate
from mesh_policy.snapshot import Outlier


def outlier(policies: PolicyTable, scopes: tuple[Scope, ...]) -> Outlier | None:
    """None: never, also where a policy says that nothing counts."""
    spec = policies.behaviour("outlier", scopes).outlier
    if spec is None:
        return None
    rate = spec.success_rate or SuccessRate(below=0.0)
    if not spec.consecutive_errors and not rate.below:
        return None
    return Outlier(
        consecutive_errors=spec.consecutive_errors,
        success_rate_below=rate.below or None,
        min_requests=rate.min_requests,
        interval_seconds=duration_seconds(spec.interval),
        base_ejection_seconds=duration_seconds(spec.base_ejection),
        max_ejection_seconds=duration_seconds(spec.max_ejection),
        max_ejected_percent=spec.max_ejected,
        panic_percent=spec.panic,
    )

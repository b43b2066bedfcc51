"""What a TrafficPolicy says for its targets and MeshConfig for the whole mesh."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kinds import balance, circuit, outlier, retry, retry_budget, timeouts
from control_plane.kinds.balance import BalanceSpec
from control_plane.kinds.circuit import CircuitSpec
from control_plane.kinds.meta import Strict
from control_plane.kinds.outlier import OutlierSpec
from control_plane.kinds.retry import RetrySpec
from control_plane.kinds.retry_budget import RetryBudgetSpec
from control_plane.kinds.timeouts import PolicyTimeouts
from mesh_policy.errors import Violation


class Behaviour(Strict, frozen=True, kw_only=True):
    """Each field is inherited as a whole. None: what is wider decides, in the end the mesh's own default."""

    timeouts: PolicyTimeouts | None = None
    retry: RetrySpec | None = None
    retry_budget: RetryBudgetSpec | None = None
    circuit: CircuitSpec | None = None
    outlier: OutlierSpec | None = None
    load_balancing: BalanceSpec | None = None


def violations(behaviour: Behaviour) -> Iterator[Violation]:
    """What is malformed."""
    yield from timeouts.policy_violations("spec.timeouts", behaviour.timeouts)
    yield from retry.violations("spec.retry", behaviour.retry)
    yield from retry_budget.violations("spec.retryBudget", behaviour.retry_budget)
    yield from circuit.violations("spec.circuit", behaviour.circuit)
    yield from outlier.violations("spec.outlier", behaviour.outlier)
    yield from balance.violations("spec.loadBalancing", behaviour.load_balancing)

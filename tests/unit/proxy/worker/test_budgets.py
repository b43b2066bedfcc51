from __future__ import annotations

from mesh_policy.snapshot import Backend, RetryBudget
from proxy.worker.budgets import Budgets

THREE = RetryBudget(percent=0, min_per_second=0.3, interval_seconds=10)


def backend(name: str, service: str = "", budget: RetryBudget = THREE) -> Backend:
    return Backend(name=name, service=service, retry_budget=budget)


def granted(budgets: Budgets, *names: str) -> list[bool]:
    return [budgets.take(name) for name in names]


def test_one_for_all_ports_and_subsets_of_a_service() -> None:
    budgets = Budgets(lambda: 0.0)
    budgets.configure([backend("s/a/80", "s/a"), backend("s/a/90", "s/a"), backend("s/b/80", "s/b")])
    assert granted(budgets, "s/a/80", "s/a/90", "s/a/80", "s/a/90") == [True, True, True, False]
    assert granted(budgets, "s/b/80") == [True]


def test_a_backend_without_a_service_has_its_own() -> None:
    budgets = Budgets(lambda: 0.0)
    budgets.configure([backend("a"), backend("b")])
    assert granted(budgets, "a", "a", "a", "a", "b") == [True, True, True, False, True]


def test_a_snapshot_fills_nothing() -> None:
    budgets = Budgets(lambda: 0.0)
    budgets.configure([backend("a")])
    granted(budgets, "a", "a", "a")
    budgets.configure([backend("a"), backend("b")])
    assert granted(budgets, "a") == [False]
    budgets.configure([backend("a", budget=RetryBudget(percent=0, min_per_second=0.4))])
    assert granted(budgets, "a", "a") == [True, False]


def test_what_is_gone_is_forgotten_and_gets_nothing() -> None:
    budgets = Budgets(lambda: 0.0)
    budgets.configure([backend("a")])
    granted(budgets, "a", "a", "a")
    budgets.configure([])
    budgets.original("a")
    assert granted(budgets, "a") == [False]
    assert budgets.over_status("a") is None
    budgets.configure([backend("a")])
    assert granted(budgets, "a") == [True]


def test_requests_of_all_its_backends_count() -> None:
    budgets = Budgets(lambda: 0.0)
    half = RetryBudget(percent=50, min_per_second=0, over_status=503)
    budgets.configure([backend("s/a/80", "s/a", half), backend("s/a/90", "s/a", half)])
    budgets.original("s/a/80")
    assert granted(budgets, "s/a/90") == [False]
    budgets.original("s/a/90")
    assert granted(budgets, "s/a/90", "s/a/80") == [True, False]
    assert budgets.over_status("s/a/80") == 503

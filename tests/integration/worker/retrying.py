"""Snapshots that retry."""

from __future__ import annotations

from typing import Any

from tests.integration.worker.conftest import snapshot

RETRY = {"attempts": 2, "backoffBaseSeconds": 0.0, "statuses": [503]}
WHOLE = {"percent": 100.0, "minPerSecond": 1000.0}


def retrying(*, budget: dict[str, Any] | None = None, **rule: Any) -> dict[str, Any]:
    """A snapshot with a rule that retries, and a budget that is no limit."""
    made = snapshot(**{"retry": RETRY, **rule})
    for backend in made["outbound"]["backends"]:
        backend["retryBudget"] = budget or WHOLE
    return made

"""Everything that `meshctl check` looks at is in order."""

from __future__ import annotations

import pytest

from meshctl.checks import Check, Clock, Context, run_one
from meshctl.commands.check import MESH

# of a cluster that tests restart things in: warnings, as in `meshctl check`
CHECKS = [
    pytest.param(category.name, check, id=f"{category.name}-{check.name}")
    for category in MESH
    for check in category.checks
]


@pytest.mark.parametrize(("category", "check"), CHECKS)
def test_check(category: str, check: Check, context: Context) -> None:
    outcome = run_one(category, check, context, Clock())
    assert outcome.result in ("ok", "warning", "skipped"), f"{check.description}: {outcome.message}"
    if outcome.result == "skipped":
        pytest.skip(outcome.message)

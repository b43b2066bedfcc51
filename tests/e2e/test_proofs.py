"""The proofs of `meshctl check demo`: encryption, identity, routing, split, mirror, faults, changes under load."""

from __future__ import annotations

import pytest

from meshctl.checks import Check, Clock, Context, run_one
from meshctl.checks.demo import CATEGORIES

PROOFS = {f"{category.name}-{check.name}": check for category in CATEGORIES for check in category.checks}


@pytest.mark.parametrize("proof", PROOFS.values(), ids=list(PROOFS))
def test_proof(proof: Check, context: Context) -> None:
    outcome = run_one("demo", proof, context, Clock())
    if outcome.result == "skipped":
        pytest.skip(outcome.message)
    assert outcome.result == "ok", f"{proof.description}: {outcome.message}"

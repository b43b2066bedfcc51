from __future__ import annotations

import pytest

from proxy.engine.haproxy import failures


@pytest.mark.parametrize("failure", [failures.CONNECT, failures.RESET, failures.TIMEOUT, failures.CIRCUIT])
def test_only_what_no_server_answered_is_a_failure(failure: str) -> None:
    lines = [line for line in failures.rules().splitlines() if f"str({failure})" in line]
    assert len(lines) == 1
    assert "!{ var(txn.answered) -m found }" in lines[0]


def test_a_rule_that_said_why_is_not_contradicted() -> None:
    assert "!{ res.fhdr(x-mesh-internal-failure) -m found }" in failures.rules().splitlines()[-1]

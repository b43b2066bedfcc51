from __future__ import annotations

import pytest

from proxy.engine.haproxy import circuit, failures


@pytest.mark.parametrize("failure", [failures.CONNECT, failures.RESET, failures.TIMEOUT])
def test_only_what_no_server_answered_is_a_failure(failure: str) -> None:
    lines = [line for line in failures.rules().splitlines() if f"str({failure})" in line]
    assert lines
    assert all("!{ var(txn.answered) -m found }" in line for line in lines)


def test_a_rule_that_said_why_is_not_contradicted() -> None:
    for header in ("x-mesh-internal-failure", "x-mesh-error"):
        lines = [line for line in failures.rules().splitlines() if f"set-header {header} " in line]
        assert lines
        assert all(f"!{{ res.fhdr({header}) -m found }}" in line for line in lines)


def test_a_limit_of_the_backend_is_told_by_the_reason() -> None:
    (line,) = (line for line in failures.rules().splitlines() if f"str({failures.CIRCUIT})" in line)
    assert f"{{ var(txn.reason) -m str {circuit.REASON} }}" in line

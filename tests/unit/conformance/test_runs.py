"""The log of whole runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.conformance.results import Results
from tests.conformance.runs import Log, Run, summary

BEGAN = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)


def a_run(*lines: str, exit_code: int = 0) -> Run:
    results = Results()
    for line in lines:
        results.read(f"    --- {line} (1.00s)\n")
    results.exit_code = exit_code
    return Run(BEGAN, 200.4, results)


def test_a_good_run() -> None:
    run = a_run("PASS: TestConformance/MeshBasic", "PASS: TestConformance/MeshPorts")
    assert summary(run) == "2 passed, 0 failed, 0 skipped, 200 s, good"


def test_a_run_that_is_not_good_names_what_was_not_passed() -> None:
    lines = ("PASS: TestConformance/MeshBasic", "SKIP: TestConformance/MeshPorts", "FAIL: TestConformance/MeshFrontend")
    assert summary(a_run(*lines, exit_code=1)) == (
        "1 passed, 1 failed, 1 skipped, 200 s, NOT GOOD (exit code 1) MeshFrontend MeshPorts"
    )
    assert summary(a_run(exit_code=2)) == "0 passed, 0 failed, 0 skipped, 200 s, NOT GOOD (exit code 2)"


def test_a_log_is_begun_anew_and_grows_by_a_line_a_run(tmp_path: Path) -> None:
    path = tmp_path / "new" / "runs.log"
    Log(path, "standard-1-auto", "old").add(1, a_run())
    log = Log(path, "standard-1-auto", "abc")
    log.add(1, a_run("PASS: TestConformance/MeshBasic"))
    assert path.read_text().splitlines() == [
        "# Whole runs of the conformance suite: standard-1-auto, revision abc",
        "2026-03-01T12:00:05Z run 1: 1 passed, 0 failed, 0 skipped, 200 s, good",
    ]

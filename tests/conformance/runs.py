"""Whole runs, counted: a line for each in a log that is kept with the reports."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from tests.conformance.results import Results


class Run(NamedTuple):
    """One run of the whole suite."""

    began: datetime
    """In UTC."""
    seconds: float
    results: Results


def summary(run: Run) -> str:
    """Counts, time and outcome."""
    counts = ", ".join(f"{run.results.count(result)} {result}" for result in ("passed", "failed", "skipped"))
    bad = sorted(one.name for one in run.results.outcomes.values() if one.result != "passed")
    outcome = "good" if run.results.good else f"NOT GOOD (exit code {run.results.exit_code}) {' '.join(bad)}".rstrip()
    return f"{counts}, {run.seconds:.0f} s, {outcome}"


class Log:
    """Begun anew with every series; a line is on disk as soon as its run has ended."""

    def __init__(self, path: Path, name: str, revision: str) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Whole runs of the conformance suite: {name}, revision {revision}\n")

    def add(self, number: int, run: Run) -> None:
        """One more run."""
        with self.path.open("a") as log:
            log.write(f"{run.began:%Y-%m-%dT%H:%M:%SZ} run {number}: {summary(run)}\n")


def revision() -> str:
    """Of the source tree; `-dirty`: with changes on top."""
    argv = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    found = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return found.stdout.strip() or "unknown"

"""What the suite's output says about its tests. Source: `go test -v`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

# TestConformance/MeshBasic is a test of the suite; deeper names are its cases. Tests of gateways, which have other
# names, are no tests of a mesh: the suite skips them.
_LINE = re.compile(r"\s*--- (PASS|FAIL|SKIP): TestConformance/(Mesh[^/\s]*) \((\d+(?:\.\d+)?)s\)$")

_STARTED = re.compile(r"=== RUN   TestConformance/(Mesh[^/\s]*)$")


class Outcome(NamedTuple):
    """One test."""

    name: str
    result: str
    """`passed`, `failed` or `skipped`."""
    seconds: float


@dataclass
class Results:
    """All tests of a run, as their lines come."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    exit_code: int | None = None
    """Of the suite; None while it runs."""

    def read(self, line: str) -> None:
        """Take in the outcome that a line tells, if it tells one."""
        found = _LINE.match(line.rstrip())
        if found is not None:
            result = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}[found[1]]
            self.outcomes[found[2]] = Outcome(found[2], result, float(found[3]))

    def started(self, line: str) -> str | None:
        """The test that a line begins with; its outcome comes only when all are done."""
        found = _STARTED.match(line.rstrip())
        return found[1] if found else None

    def keep_only(self, name: str) -> None:
        """One test was asked for: the suite tells all others as skipped."""
        self.outcomes = {one.name: one for one in self.outcomes.values() if one.name == name}

    def count(self, result: str) -> int:
        return sum(one.result == result for one in self.outcomes.values())

    @property
    def good(self) -> bool:
        """Every test ran and passed."""
        return self.exit_code == 0 and bool(self.outcomes) and self.count("passed") == len(self.outcomes)


def table(results: Results) -> str:
    """Tests by name, and the sums."""
    rows = [f"{one.name:<46} {one.result:<8} {one.seconds:>7.1f}" for one in sorted(results.outcomes.values())]
    sums = ", ".join(f"{results.count(result)} {result}" for result in ("passed", "failed", "skipped"))
    seconds = sum(one.seconds for one in results.outcomes.values())
    return "\n".join([f"\n{'test':<46} {'outcome':<8} {'seconds':>7}", *rows, f"\n{sums}, {seconds:.0f} s"])

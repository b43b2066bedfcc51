"""`make check`: every check in one command, cheapest first, and at its end what ran, what was skipped and why.

Each stage is a command. Those that run pytest write a JUnit report, from which the counts and the reasons come.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Stage:
    """One line of the table: a name, what it proves, the commands in order, and the limit of each in seconds."""

    name: str
    proves: str
    commands: tuple[tuple[str, ...], ...]
    limit_seconds: int = 600


def pytest(*args: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "pytest", "-q", *args)


STAGES = (
    Stage("lint", "style, types, import rules", (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("lint-imports",),
        ("yamllint", "--strict", "."),
    )),
    Stage("unit", "rules, compilers, adapters", (pytest("tests/unit", "tests/contract", "tests/layout"),)),
    Stage("chart", "rendered manifests", (pytest("tests/chart"),)),
    Stage("ansible", "playbooks and roles", (
        ("ansible-lint", "--offline", "--profile", "production"),
        pytest("tests/ansible"),
    )),
    Stage("integration", "real processes on loopback and in namespaces", (pytest("tests/integration"),), 1200),
    Stage("e2e", "the cluster of `make demo`", (pytest("tests/e2e"),), 2400),
    Stage("molecule", "converge, idempotence, a killed node, verify", (("molecule", "test", "--all"),), 900),
)  # fmt: skip


@dataclass
class Outcome:
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    skips: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def run(stage: Stage) -> Outcome:
    """Run a stage's commands; all of them, so that one look shows everything that is wrong."""
    outcome = Outcome()
    begun = time.monotonic()
    for command in stage.commands:
        with tempfile.NamedTemporaryFile(suffix=".xml") as report:
            is_pytest = "pytest" in command
            argv = [*command, f"--junitxml={report.name}"] if is_pytest else list(command)
            print(f"\033[1m── {stage.name}: {' '.join(command)}\033[0m", flush=True)
            code = execute(argv, stage.limit_seconds)
            counted = is_pytest and count(Path(report.name), outcome)
        if not counted:
            outcome.passed += code == 0
            outcome.failed += code != 0
        if code != 0:
            outcome.broken.append(f"{' '.join(command)} (exit {code})")
    outcome.seconds = time.monotonic() - begun
    return outcome


def execute(argv: list[str], limit_seconds: int) -> int:
    argv[0] = shutil.which(argv[0]) or argv[0]
    try:
        return subprocess.run(argv, cwd=ROOT, timeout=limit_seconds, check=False, stdin=subprocess.DEVNULL).returncode
    except subprocess.TimeoutExpired:
        print(f"stopped: longer than {limit_seconds} s", flush=True)
        return 124
    except FileNotFoundError:
        print(f"{argv[0]} is not installed: `make venv`", flush=True)
        return 127


def count(report: Path, outcome: Outcome) -> bool:
    """Add a JUnit report to the outcome. False: pytest wrote none, so its exit code is all there is."""
    try:
        cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - pytest wrote it a moment ago
    except ElementTree.ParseError:
        return False
    for case in cases:
        skipped = case.find("skipped")
        if skipped is not None:
            outcome.skips[skipped.get("message", "no reason given")] += 1
        elif case.find("failure") is not None or case.find("error") is not None:
            outcome.failed += 1
        else:
            outcome.passed += 1
    return bool(cases)


def summary(outcomes: dict[str, Outcome]) -> bool:
    """Print the table; True when nothing failed."""
    print(f"\n{'stage':<12} {'seconds':>8} {'passed':>7} {'failed':>7} {'skipped':>8}  proves")
    proves = {stage.name: stage.proves for stage in STAGES}
    for name, o in outcomes.items():
        print(f"{name:<12} {o.seconds:>8.0f} {o.passed:>7} {o.failed:>7} {o.skips.total():>8}  {proves[name]}")
    skips = sum((o.skips for o in outcomes.values()), Counter[str]())
    print("\nskipped, and why:" if skips else "\nnothing was skipped")
    for reason, number in skips.most_common():
        print(f"  {number:>4} × {reason}")
    for name, o in outcomes.items():
        for line in o.broken:
            print(f"\033[31mfailed\033[0m {name}: {line}")
    passed, failed = (sum(getattr(o, what) for o in outcomes.values()) for what in ("passed", "failed"))
    print(f"\n{passed} passed, {failed} failed, {skips.total()} skipped")
    return not any(o.broken or o.failed for o in outcomes.values())


def main() -> int:
    names = [stage.name for stage in STAGES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stages", nargs="*", metavar="stage", help=f"only these: {', '.join(names)}")
    wanted = parser.parse_args().stages or names
    if unknown := set(wanted) - set(names):
        parser.error(f"no such stage: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    begun = time.monotonic()
    outcomes = {stage.name: run(stage) for stage in STAGES if stage.name in wanted}
    good = summary(outcomes)
    print(f"{'green' if good else 'red'} after {(time.monotonic() - begun) / 60:.1f} min")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

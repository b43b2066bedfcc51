"""Checks as data: a category is a list of checks, a check has a description, a hint and a function.

A check's function returns a Finding (or raises): what it found is shown to people and kept for programs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from meshctl.client import Cluster
from meshctl.errors import EXIT_FAILED, EXIT_UNAVAILABLE, MeshctlError

Result = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What checks may look at."""

    cluster: Cluster
    namespace: str
    """Of the mesh."""
    marker: str = ""
    """A text that the demo's requests carry, for who looks at the wire (roles/verify); empty: a random one."""


class Warned(Exception):  # noqa: N818 - a result, not an error
    """The check found something to look at, which is no failure."""


class Skipped(Exception):  # noqa: N818 - a result, not an error
    """The check does not apply here; the message says why."""


class CheckFailed(Exception):  # noqa: N818 - a result, not an error
    """Not as it should be. `facts` are kept for programs."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check that is content saw: a phrase for people, numbers for programs."""

    message: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    name: str
    """Stable, for programs: `webhook-certificate`."""
    description: str
    """What is true when the check is content."""
    hint: str
    """What to do when it is not."""
    run: Callable[[Context], Finding]
    fatal: bool = False
    """When it fails, the rest of its category is not tried."""
    needed_by_all: bool = False
    """When it fails, nothing else is tried, in the categories that follow neither."""
    retry_seconds: float = 0.0
    """Tried again for this long before it counts as failed; 0: once."""


@dataclass(frozen=True, slots=True)
class Category:
    name: str
    title: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    category: str
    check: Check
    result: Result
    message: str
    facts: dict[str, Any]
    seconds: float

    @property
    def code(self) -> int:
        """Exit code of a command that ends because of it."""
        if self.result != "failed":
            return 0
        return EXIT_UNAVAILABLE if self.check.needed_by_all else EXIT_FAILED

    def to_json(self) -> dict[str, Any]:
        hint = {"hint": self.check.hint} if self.result in ("failed", "warning") else {}
        return {
            "name": self.check.name,
            "description": self.check.description,
            "result": self.result,
            "message": self.message,
            **hint,
            "facts": self.facts,
            "seconds": round(self.seconds, 2),
        }


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the runner needs it; tests give their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def run(categories: list[Category], context: Context, clock: Clock | None = None) -> Iterator[Outcome]:
    """Outcomes one by one, as they become known."""
    clock = clock or Clock()
    stopped_by, by_all = "", False
    for category in categories:
        stopped_by = stopped_by if by_all else ""
        for check in category.checks:
            if stopped_by:
                yield Outcome(
                    category=category.name,
                    check=check,
                    result="skipped",
                    message=f"needs: {stopped_by}",
                    facts={},
                    seconds=0.0,
                )
                continue
            outcome = run_one(category.name, check, context, clock)
            yield outcome
            if outcome.result == "failed" and (check.fatal or check.needed_by_all):
                stopped_by, by_all = check.description, check.needed_by_all


def run_one(category: str, check: Check, context: Context, clock: Clock) -> Outcome:
    began = clock.now()
    while True:
        result, message, facts = attempt(check, context)
        waited = clock.now() - began
        if result != "failed" or waited >= check.retry_seconds:
            return Outcome(category=category, check=check, result=result, message=message, facts=facts, seconds=waited)
        clock.sleep(min(1.0, check.retry_seconds / 10))


def attempt(check: Check, context: Context) -> tuple[Result, str, dict[str, Any]]:
    try:
        finding = check.run(context)
    except Warned as warning:
        return "warning", str(warning), {}
    except Skipped as skip:
        return "skipped", str(skip), {}
    except CheckFailed as failure:
        return "failed", str(failure), failure.facts
    except MeshctlError as error:
        return "failed", str(error), {}
    return "ok", finding.message, finding.facts

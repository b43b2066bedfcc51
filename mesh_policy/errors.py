"""What a rule says when its input is not right."""

from __future__ import annotations

import msgspec


class Violation(msgspec.Struct, frozen=True):
    """One thing that is wrong, and where."""

    path: str
    """The field, as a person would write it: `spec.rules[0].matches[1].path.value`."""
    message: str
    """What is wrong and what would be right, without the path."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidConfig(ValueError):  # noqa: N818 - the state of a configuration, as users read it
    """A configuration that must not be used. The last good one stays."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__("; ".join(str(v) for v in violations) or "invalid configuration")
        self.violations = violations

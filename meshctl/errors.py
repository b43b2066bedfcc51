"""What goes wrong in meshctl, with the way out."""

from __future__ import annotations

EXIT_FAILED = 1
"""Something was looked at and is not as it should be."""
EXIT_USAGE = 64
EXIT_UNAVAILABLE = 69
"""The cluster, Helm or a file that is needed is not there."""
EXIT_INTERNAL = 70


class MeshctlError(Exception):
    """An expected failure: says what is wrong, and as `hint` what to do next."""

    def __init__(self, message: str, hint: str = "", code: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code

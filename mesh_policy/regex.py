"""Regular expressions of users: RE2, so that no expression can take more than linear time. The only importer of re2.

An expression must match the whole value, as in Istio and Consul (`^` and `$` may be written, they change nothing). It
works on bytes: `.` is one byte that is not a newline, and a character outside ASCII stands for its UTF-8 bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

MAX_EXPRESSION_BYTES = 1024
"""Longer expressions are refused at admission and by the sidecar."""
MAX_PROGRAM_BYTES = 1 << 20
"""Memory one compiled expression may take; RE2 falls back to its slower engine, or refuses to compile, beyond it."""


@lru_cache(maxsize=1024)
def compile_expression(expression: str) -> Callable[[bytes], bool]:
    """A test for whole values.

    Raises:
        ValueError: it is too long or not RE2 (look-around and back references are not), saying which.
    """
    import re2  # only the processes whose policy holds an expression pay for it

    pattern = expression.encode()
    if len(pattern) > MAX_EXPRESSION_BYTES:
        raise ValueError(f"regular expression of {len(pattern)} bytes; at most {MAX_EXPRESSION_BYTES} are allowed")
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = MAX_PROGRAM_BYTES
    options.log_errors = False
    options.never_capture = True
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"{expression!r} is not an RE2 regular expression: {reason}") from error
    return lambda value: compiled.fullmatch(value) is not None


@lru_cache(maxsize=16384)
def refusal(expression: str) -> str | None:
    """Why this expression cannot be used, or None. Remembered for longer than what is compiled: every snapshot asks it
    of all of its expressions, and some take RE2 milliseconds."""
    try:
        compile_expression(expression)
    except ValueError as error:
        return str(error)
    return None

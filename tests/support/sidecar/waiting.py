"""Waiting for what another process does."""

from __future__ import annotations

import time
from collections.abc import Callable

BACK_SECONDS = 10.0
"""A limit against hanging on a busy machine. How long it really takes, `make bench` measures: below two seconds."""


def until(what: Callable[[], bool], limit_seconds: float, message: str) -> float:
    """Asks again and again; returns the seconds it took."""
    began = time.monotonic()
    while time.monotonic() - began < limit_seconds:
        try:
            if what():
                return time.monotonic() - began
        except (OSError, AssertionError):
            pass
        time.sleep(0.01)  # the process is another one: there is nothing to wait on but its answer
    raise AssertionError(f"{message}: not within {limit_seconds} s")

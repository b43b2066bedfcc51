"""How long to wait before the next attempt. Pure: chance is a parameter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling waits from a first to a longest, each shortened by chance: many clients must not come at once."""

    first_seconds: float
    longest_seconds: float
    jitter: float = 0.5
    """Share of a wait that chance may take away, 0.0 to 1.0."""

    def wait_seconds(self, failures: int, draw: float) -> float:
        """The wait after that many failures in a row (from 1), with a draw from 0.0 to 1.0."""
        whole = min(self.longest_seconds, self.first_seconds * 2.0 ** min(failures - 1, 32))
        return whole * (1 - self.jitter * draw)


CONTROL_PLANE = Backoff(0.2, 15.0)
PROCESS = Backoff(0.05, 2.0, jitter=0.0)
"""Restarts of HAProxy and the worker: traffic must be back within two seconds."""
REFUSED = Backoff(5.0, 300.0)
"""Tries of a snapshot that could not be brought to run. Each may cost a check of the whole configuration by HAProxy."""

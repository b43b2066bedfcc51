"""When a certificate is asked for again. Pure: time and chance are parameters."""

from __future__ import annotations

SPREAD = 0.1
"""Share of the lifetime over which renewals of one rollout spread, so that they do not come all at once."""
SHORTEST_WAIT_SECONDS = 1.0


def wait_seconds(*, obtained: float, expires: float, now: float, draw: float) -> float:
    """Seconds from `now` until renewal: at half of the lifetime, earlier or later by up to half of `SPREAD`.

    Args:
        obtained: when the certificate came, in epoch seconds.
        expires: when it ends, in epoch seconds.
        draw: chance, 0.0 to 1.0.
    """
    lifetime = max(0.0, expires - obtained)
    due = obtained + lifetime * (0.5 + SPREAD * (draw - 0.5))
    return max(SHORTEST_WAIT_SECONDS, due - now)

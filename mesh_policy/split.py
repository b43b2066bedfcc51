"""Smooth weighted round robin: 70/30 is exact over every 10 requests in a row, with no chance in it.

Source: the algorithm of nginx (upstream_round_robin). Each choice adds every weight to its backend's credit, takes the
backend with the most credit, and takes the sum of weights from it.
"""

from __future__ import annotations

from math import gcd

MAX_WEIGHT = 1_000_000
"""Gateway API: BackendRef.weight is 0 to 1,000,000."""
_MAX_START = 1000

State = tuple[int, ...]
"""The credit of each backend. The sum is always 0."""


def reduce(weights: tuple[int, ...]) -> tuple[int, ...]:
    """The smallest whole numbers with the same shares: 80, 20 → 4, 1. The pattern then repeats after their sum."""
    divisor = gcd(*weights) if weights else 0
    return tuple(weight // divisor for weight in weights) if divisor > 1 else weights


def start(weights: tuple[int, ...], draw: float) -> State:
    """Where one sidecar begins in the pattern; `draw` in [0, 1). Without it all sidecars would send their first
    request to the heaviest backend, and those that send few would never reach the others."""
    state = (0,) * len(weights)
    for _ in range(int(draw * min(sum(weights), _MAX_START))):
        _, state = choose(weights, state)
    return state


def choose(weights: tuple[int, ...], state: State) -> tuple[int | None, State]:
    """Index of the backend for one request, and the state for the next. None: no backend has a weight."""
    total = sum(weights)
    if total <= 0:
        return None, state
    credit = [have + weight for have, weight in zip(state, weights, strict=True)]
    best = max((i for i, weight in enumerate(weights) if weight), key=credit.__getitem__)
    credit[best] -= total
    return best, tuple(credit)

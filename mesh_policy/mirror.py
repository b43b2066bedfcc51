"""Which copies of a request are sent. Source: Gateway API, HTTPRequestMirrorFilter (GEP-3171)."""

from __future__ import annotations

from collections.abc import Sequence

from mesh_policy.snapshot import Mirror

MAX_BODY_BYTES = 64 * 1024
"""A request with a longer body is not copied; the copy counts as dropped."""


def copies(mirrors: tuple[Mirror, ...], draws: Sequence[float]) -> tuple[str, ...]:
    """Names of the backends that get a copy. One draw in [0, 1) per mirror: each has its own share."""
    return tuple(mirror.backend for mirror, draw in zip(mirrors, draws, strict=True) if draw * 100.0 < mirror.percent)

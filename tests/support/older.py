"""Sidecars of an older version: what they would say of themselves."""

from __future__ import annotations

from mesh_policy.schema import fields

SLOW_START, RETRY, BURST = "Balance.slowStartSeconds", "Rule.retry", "RateLimit.burst"
"""Two fields that an older sidecar may run without, and one that it may not."""


def without(*names: str) -> str:
    """The description of a sidecar that knows all fields but these."""
    kept: dict[str, list[str]] = {}
    for key in sorted(fields() - set(names)):
        struct, _, field = key.partition(".")
        kept.setdefault(struct, []).append(field)
    return ";".join(f"{struct}:{','.join(known)}" for struct, known in kept.items())

"""What a snapshot may say about rate limits. The engine counts; here is only what is legal."""

from __future__ import annotations

import re

from mesh_policy.errors import Violation
from mesh_policy.snapshot import RateLimit

MAX_REQUESTS = 1_000_000
MIN_SECONDS, MAX_SECONDS = 0.001, 86_400.0

_NAME = re.compile(r"[A-Za-z0-9._/-]{1,512}\Z")
_HEADER = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}\Z")


def check(limit: RateLimit, path: str) -> list[Violation]:
    """What is wrong with it; nothing: it can be used."""
    found: list[Violation] = []
    if not _NAME.match(limit.name):
        found.append(Violation(f"{path}.name", f"{limit.name[:64]!r} is not NAMESPACE/NAME"))
    if not 1 <= limit.requests <= MAX_REQUESTS:
        found.append(Violation(f"{path}.requests", f"{limit.requests}: use 1 to {MAX_REQUESTS}"))
    if not 0 <= limit.burst <= MAX_REQUESTS:
        found.append(Violation(f"{path}.burst", f"{limit.burst}: use 0 to {MAX_REQUESTS}"))
    if not MIN_SECONDS <= limit.per_seconds <= MAX_SECONDS:
        found.append(Violation(f"{path}.perSeconds", f"use {MIN_SECONDS} to {MAX_SECONDS:.0f} seconds"))
    if any(not 1 <= port <= 65535 for port in limit.ports):
        found.append(Violation(f"{path}.ports", "a port is 1 to 65535"))
    if limit.by == "Header" and not _HEADER.match(limit.header or ""):
        found.append(Violation(f"{path}.header", f"{limit.header!r}: use a-z, 0-9, '.', '_' and '-' only"))
    if limit.by != "Header" and limit.header is not None:
        found.append(Violation(f"{path}.header", f"only for `by: Header`, and it is {limit.by}"))
    return found

"""Hosts outside of the cluster that copies of requests go to."""

from __future__ import annotations

import re

from mesh_policy.errors import Violation
from mesh_policy.snapshot import Backend

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\Z")


def refusal(hostname: str) -> str | None:
    """Why a name cannot be one; None: it can.

    An address, or `localhost`, would be the way to what only a pod itself may reach: every caller's sidecar dials it.
    """
    if len(hostname) > 253 or not _NAME.match(hostname):
        return f"{hostname!r} is not a host name: use lower-case letters, digits, '-' and '.'"
    last = hostname.rpartition(".")[2]
    if last.isdigit() or re.match(r"0x[0-9a-f]*\Z", last):
        return f"{hostname!r} is an address: use a name"
    if last == "localhost":
        return f"{hostname!r} is every pod itself: name another host"
    return None


def check(backend: Backend, path: str) -> list[Violation]:
    """What types cannot say."""
    if backend.hostname is None:
        return []
    found = [Violation(f"{path}.hostname", why)] if (why := refusal(backend.hostname)) is not None else []
    if not 1 <= backend.external_port <= 65535:
        found.append(Violation(f"{path}.externalPort", f"{backend.external_port} is not between 1 and 65535"))
    if backend.endpoints:
        found.append(Violation(f"{path}.endpoints", "a backend with a hostname has none"))
    return found

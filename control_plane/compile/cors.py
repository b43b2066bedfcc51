"""Which pages of other origins may read a rule's answers."""

from __future__ import annotations

from control_plane.kinds.filters import Filter
from mesh_policy.snapshot import Cors


def cors(filters: tuple[Filter, ...]) -> Cors | None:
    """Of a rule or of a backendRef; None: it says nothing of it."""
    body = next((f.cors for f in filters if f.type == "CORS"), None)
    return None if body is None else body.compiled()

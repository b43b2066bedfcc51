"""Copies of the requests of a rule or of a backendRef."""

from __future__ import annotations

from control_plane.compile.targets import Targets
from control_plane.kinds.filters import Filter
from mesh_policy.snapshot import Mirror


def mirrors(targets: Targets, namespace: str, filters: tuple[Filter, ...], called_port: int) -> tuple[Mirror, ...]:
    """Where copies go. A copy whose backend does not exist is not sent; the route's ResolvedRefs says so."""
    found = []
    for entry in filters:
        if entry.type != "RequestMirror" or entry.request_mirror is None:
            continue
        name = targets.use(namespace, entry.request_mirror.backend_ref, called_port, "copies")
        if name is not None:
            found.append(Mirror(backend=name, percent=entry.request_mirror.share))
    return tuple(found)

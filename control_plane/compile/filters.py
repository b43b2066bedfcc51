"""Header changes of rules and backends."""

from __future__ import annotations

from control_plane.kinds.http_route import Filter, HeaderFilter
from mesh_policy.snapshot import HeaderModifier


def request_headers(filters: tuple[Filter, ...]) -> HeaderModifier | None:
    """What is done to the request's headers."""
    return _modifier([f.request_header_modifier for f in filters if f.type == "RequestHeaderModifier"])


def response_headers(filters: tuple[Filter, ...]) -> HeaderModifier | None:
    """What is done to the response's headers."""
    return _modifier([f.response_header_modifier for f in filters if f.type == "ResponseHeaderModifier"])


def _modifier(found: list[HeaderFilter | None]) -> HeaderModifier | None:
    body = next(iter(found), None)
    if body is None or body == HeaderFilter():
        return None
    return HeaderModifier(
        set=tuple((pair.name.lower(), pair.value) for pair in body.set),
        add=tuple((pair.name.lower(), pair.value) for pair in body.add),
        remove=tuple(name.lower() for name in body.remove),
    )

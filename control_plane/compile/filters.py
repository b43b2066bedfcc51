"""Header changes, redirects and rewrites of rules and backends."""

from __future__ import annotations

from control_plane.kinds.filters import Filter, HeaderFilter, PathModifier
from mesh_policy.snapshot import HeaderModifier, PathChange, Redirect, Rewrite


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


def redirect(filters: tuple[Filter, ...]) -> Redirect | None:
    """Where the rule sends clients."""
    body = next((f.request_redirect for f in filters if f.type == "RequestRedirect"), None)
    if body is None:
        return None
    return Redirect(
        status=body.status_code,
        scheme="https" if body.scheme == "https" else "http" if body.scheme else None,
        hostname=body.hostname,
        port=body.port,
        path=_path(body.path),
    )


def rewrite(filters: tuple[Filter, ...]) -> Rewrite | None:
    """What the backend sees."""
    body = next((f.url_rewrite for f in filters if f.type == "URLRewrite"), None)
    if body is None or (body.hostname is None and body.path is None):
        return None
    return Rewrite(hostname=body.hostname, path=_path(body.path))


def _path(modifier: PathModifier | None) -> PathChange | None:
    if modifier is None:
        return None
    return PathChange(full=modifier.replace_full_path, prefix=modifier.replace_prefix_match)

"""Where a rule redirects to. Source: Gateway API, HTTPRequestRedirectFilter."""

from __future__ import annotations

from mesh_policy import rewrite
from mesh_policy.errors import Violation
from mesh_policy.request import RequestView, joined_header
from mesh_policy.snapshot import Redirect

STATUS = (301, 302, 303, 307, 308)
_WELL_KNOWN = {b"http": 80, b"https": 443}


def location(redirect: Redirect, request: RequestView, prefix: bytes | None, called_port: int) -> bytes:
    """The value of `location`, an absolute URI.

    Args:
        prefix: what the match matched (mesh_policy.route.RouteMatch.prefix).
        called_port: of the Service, the listener's port in the words of the specification.
    """
    scheme = (redirect.scheme or "http").encode()
    if redirect.port is not None:
        port = redirect.port
    else:
        port = called_port if redirect.scheme is None else _WELL_KNOWN[scheme]
    host = _host(request) if redirect.hostname is None else redirect.hostname.encode()
    place = host if port == _WELL_KNOWN[scheme] else b"%b:%d" % (host, port)
    path = rewrite.changed_path(redirect.path, request.path, prefix)
    return b"%b://%b%b%b" % (scheme, place, path, b"?" + request.query if request.query else b"")


def _host(request: RequestView) -> bytes:
    """The request's host without its port."""
    host = joined_header(request.fields, b"host") or b""
    name, colon, port = host.rpartition(b":")
    return name if colon and port.isdigit() else host


def check(redirect: Redirect | None, path: str) -> list[Violation]:
    """What types cannot say."""
    if redirect is None:
        return []
    found = rewrite.check_target(redirect.hostname, redirect.path, path)
    if redirect.status not in STATUS:
        found.append(Violation(f"{path}.status", f"{redirect.status} is not one of {', '.join(map(str, STATUS))}"))
    if redirect.port is not None and not 1 <= redirect.port <= 65535:
        found.append(Violation(f"{path}.port", f"{redirect.port} is not between 1 and 65535"))
    return found

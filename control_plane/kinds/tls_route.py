"""TLSRoute (gateway.networking.k8s.io/v1) on a Service: shares of its TLS connections, by the name that the client asks
for (SNI). TLS passes through: the mesh reads the client's hello and ends nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from control_plane.kinds import checks
from control_plane.kinds.ipv4 import ipv4
from control_plane.kinds.route import AnyRoute, RouteSpec
from control_plane.kinds.tcp_route import rule_violations
from mesh_policy import tcp_route
from mesh_policy.errors import Violation

MAX_HOSTNAMES = 1024
_HOSTNAME = re.compile(r"(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")


class TlsRouteSpec(RouteSpec, frozen=True, kw_only=True):
    """`spec`; its hostnames are server names (SNI)."""


class TlsRoute(AnyRoute, frozen=True, kw_only=True):
    """A route of TLS connections."""

    kind: ClassVar[str] = "TLSRoute"
    takes_connections: ClassVar[bool] = True
    spec: TlsRouteSpec


def violations(spec: TlsRouteSpec) -> Iterator[Violation]:
    """What is malformed."""
    yield from rule_violations(spec.rules)
    yield from checks.at_most("spec.hostnames", spec.hostnames, MAX_HOSTNAMES)
    for i, name in enumerate(spec.hostnames):
        if len(name) > 253 or not _HOSTNAME.match(name) or ipv4(name):
            right = "use lower-case letters, digits, '-' and '.', at most 253; the first label may be '*'"
            yield Violation(f"spec.hostnames[{i}]", f"{name!r} is not a server name: {right}")
        elif (why := tcp_route.refusal(name)) is not None:
            yield Violation(f"spec.hostnames[{i}]", why)

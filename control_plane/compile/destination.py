"""How a backend is used: what the policies of its Service say of its endpoints."""

from __future__ import annotations

from msgspec import structs

from control_plane.compile.balance import balance
from control_plane.compile.circuit import circuit
from control_plane.compile.outlier import outlier
from control_plane.compile.retry_budget import retry_budget
from control_plane.compile.timeouts import idle_seconds
from control_plane.index.policy import PolicyTable, service_scopes
from control_plane.kinds.service import Service, ServicePort
from mesh_policy.snapshot import Backend

_PLAIN = Backend(name="")


def governed(backend: Backend, policies: PolicyTable, service: Service, port: ServicePort) -> Backend:
    """The backend with what holds for it; a subset has what its Service has."""
    scopes = service_scopes(service, port.name)
    return structs.replace(
        backend,
        service="/".join(service.key),
        retry_budget=_own(retry_budget(policies, service), _PLAIN.retry_budget),
        idle_seconds=idle_seconds(policies, scopes),
        circuit=circuit(policies, scopes),
        outlier=outlier(policies, scopes),
        balance=_own(balance(policies, scopes), _PLAIN.balance),
    )


def _own[T](value: T, default: T) -> T:
    """The default's own object where the value is the same: only that one is left out on the wire (msgspec)."""
    return default if value == default else value

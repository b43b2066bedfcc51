"""What a route's backend reference leads to."""

from __future__ import annotations

from typing import Literal, NamedTuple

from control_plane.index.protocol import protocol_of
from control_plane.index.store import Index
from control_plane.kinds.meta import GROUP
from control_plane.kinds.route import Carries, ObjectRef
from control_plane.kinds.service import Service, ServicePort
from mesh_policy import external_host

Reason = Literal["BackendNotFound", "InvalidKind", "UnsupportedProtocol"]


class Target(NamedTuple):
    """A reference that leads somewhere."""

    name: str
    """Of the backend: `NAMESPACE/SERVICE/PORT` or `NAMESPACE/SUBSET@subset/PORT`."""
    service: Service
    port: ServicePort
    labels: tuple[tuple[str, str], ...] = ()
    """Which pods of the Service; empty: all."""
    hostname: str = ""
    """Of a host outside of the cluster. Empty: the Service has endpoints."""


class Unresolved(NamedTuple):
    """A reference that leads nowhere: its share of requests gets 500."""

    reason: Reason
    message: str


def service_target(service: Service, port: ServicePort) -> Target:
    """A Service port as a backend."""
    return Target(f"{service.metadata.namespace}/{service.metadata.name}/{port.port}", service, port)


def resolve(
    index: Index, namespace: str, ref: ObjectRef, called_port: int, carries: Carries = "requests"
) -> Target | Unresolved:
    """Follow a reference of a route in `namespace`.

    Cross-namespace references need no ReferenceGrant in a mesh (GEP-1294).

    Args:
        index: the cluster.
        namespace: of the route.
        ref: where it points to.
        called_port: the parent's, for a subset that names none.
        carries: what goes there. Connections go to ports of any protocol, and only copies leave the cluster.
    """
    found = _follow(index, namespace, ref, called_port)
    if isinstance(found, Target) and found.hostname and (carries != "copies" or found.labels):
        what = f"Service {found.service.metadata.namespace}/{found.service.metadata.name}"
        why = f"{what} is an ExternalName Service: it has no endpoints, only a RequestMirror may name it"
        return Unresolved("BackendNotFound", why)
    if isinstance(found, Target) and carries != "connections" and protocol_of(found.port) == "tcp":
        what = f"Service {found.service.metadata.namespace}/{found.service.metadata.name}"
        return Unresolved(
            "UnsupportedProtocol", f"{what} does not speak HTTP on port {found.port.port}: set appProtocol to http"
        )
    return found


def _follow(index: Index, namespace: str, ref: ObjectRef, called_port: int) -> Target | Unresolved:
    home = ref.namespace or namespace
    match ref.group, ref.kind:
        case ("", "Service"):
            return _service(index, home, ref.name, ref.port, f"Service {home}/{ref.name}")
        case (group, "ServiceSubset") if group == GROUP:
            return _subset(index, home, ref, called_port)
        case _:
            return Unresolved(
                "InvalidKind",
                f"{ref.group or 'core'}/{ref.kind} cannot be a backend: use a Service or a {GROUP}/ServiceSubset",
            )


def _service(index: Index, namespace: str, name: str, number: int | None, what: str) -> Target | Unresolved:
    service = index.service(namespace, name)
    if service is None:
        return Unresolved("BackendNotFound", f"{what} does not exist")
    if number is None:
        return Unresolved("BackendNotFound", f"{what}: port is missing, a Service needs one")
    if service.is_external_name:
        return _external(service, number, what)
    port = service.port(number)
    if port is None:
        have = ", ".join(str(p.port) for p in service.tcp_ports)
        return Unresolved("BackendNotFound", f"{what} has no TCP port {number}; it has {have or 'none'}")
    return service_target(service, port)


def _external(service: Service, number: int, what: str) -> Target | Unresolved:
    """A host outside; its Service may list ports, and need not."""
    hostname = service.spec.external_name.lower().removesuffix(".")
    why = external_host.refusal(hostname)
    if why is not None:
        return Unresolved("BackendNotFound", f"{what}: externalName {why}")
    if service.spec.ports and service.port(number) is None:
        return Unresolved("BackendNotFound", f"{what} has no TCP port {number}")
    port = service.port(number) or ServicePort(port=number)
    return service_target(service, port)._replace(hostname=hostname)


def _subset(index: Index, namespace: str, ref: ObjectRef, called_port: int) -> Target | Unresolved:
    subset = index.subset(namespace, ref.name)
    if subset is None:
        return Unresolved("BackendNotFound", f"ServiceSubset {namespace}/{ref.name} does not exist or is not valid")
    what = f"ServiceSubset {namespace}/{ref.name}: Service {namespace}/{subset.spec.service}"
    found = _service(index, namespace, subset.spec.service, ref.port or called_port, what)
    if isinstance(found, Unresolved):
        return found
    labels = tuple(sorted(subset.spec.selector.match_labels.items()))
    return found._replace(name=f"{namespace}/{ref.name}@subset/{found.port.port}", labels=labels)

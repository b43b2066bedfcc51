"""Which Service ports a route attaches to (GEP-1294: producer and consumer routes, port, sectionName)."""

from __future__ import annotations

from typing import NamedTuple

from control_plane.index.protocol import protocol_of
from control_plane.index.store import Index
from control_plane.kinds.meta import age_order
from control_plane.kinds.route import AnyRoute, ParentRef
from control_plane.kinds.routes import rank
from control_plane.kinds.service import Service, ServicePort


class Attachment(NamedTuple):
    """One Service parent of a route."""

    route: AnyRoute
    parent: ParentRef
    service: Service
    ports: tuple[ServicePort, ...]
    """Where the route acts; empty: nowhere, and `problem` says why."""
    problem: str = ""
    reason: str = "NoMatchingParent"
    """Of the problem, in one word of the Gateway API."""

    @property
    def is_consumer(self) -> bool:
        """It acts on clients of its own namespace only, and wins over the producer's routes there."""
        return self.route.metadata.namespace != self.service.metadata.namespace


def attachments(index: Index, route: AnyRoute) -> tuple[Attachment, ...]:
    """One for every parent that is a Service of this cluster; a parent that does not exist has none."""
    found = []
    for parent in route.service_parents:
        service = index.service(*route.parent_service(parent))
        if service is not None:
            found.append(_attach(route, parent, service))
    return tuple(found)


def winners(index: Index, attached: Attachment) -> dict[int, AnyRoute]:
    """Ports where another kind of route goes first, and the one that does (GEP-1294).

    Routes compete within one group: the producer's, or the consumers' of one namespace. Of two of one kind for
    connections an older one goes first where it takes every server name of the other (TCPRoutes: every connection), so
    that nothing is left.
    """
    found: dict[int, AnyRoute] = {}
    rivals = [other for other in index.routes() if _goes_first(other, attached.route)]
    for other in sorted(rivals, key=lambda one: (rank(one), age_order(one)), reverse=True):
        if attached.is_consumer and other.metadata.namespace != attached.route.metadata.namespace:
            continue
        for rival in attachments(index, other):
            if rival.service is attached.service and rival.is_consumer == attached.is_consumer:
                found |= {port.port: other for port in rival.ports if port in attached.ports}
    return found


def _goes_first(one: AnyRoute, other: AnyRoute) -> bool:
    if rank(one) != rank(other) or not one.takes_connections:
        return rank(one) < rank(other)
    names, taken = (frozenset(route.spec.hostnames) for route in (other, one))
    return age_order(one) < age_order(other) and (names <= taken if names else not taken)


def _attach(route: AnyRoute, parent: ParentRef, service: Service) -> Attachment:
    name = f"Service {service.metadata.namespace}/{service.metadata.name}"
    if service.is_external_name:
        return Attachment(
            route, parent, service, (), f"{name} is an ExternalName Service: it has no address to attach to"
        )
    if not service.addresses:
        return Attachment(route, parent, service, (), f"{name} has no IPv4 ClusterIP to attach to: give it one")
    named = tuple(
        port
        for port in service.tcp_ports
        if parent.port in {None, port.port} and parent.section_name in {None, port.name}
    )
    if not named:
        wanted = ", ".join(
            text
            for text in (
                f"port {parent.port}" if parent.port is not None else "",
                f"name {parent.section_name!r}" if parent.section_name is not None else "",
            )
            if text
        )
        have = ", ".join(f"{port.port}{f' ({port.name})' if port.name else ''}" for port in service.tcp_ports)
        return Attachment(route, parent, service, (), f"{name} has no TCP port with {wanted}; it has {have or 'none'}")
    ports = tuple(port for port in named if route.takes_connections or protocol_of(port) != "tcp")
    if not ports:
        numbers = ", ".join(str(port.port) for port in named)
        return Attachment(
            route,
            parent,
            service,
            (),
            f"{name} does not speak HTTP on port {numbers}: set the port's appProtocol to http",
        )
    if service.spec.session_affinity == "ClientIP" and any(rule.keeps_sessions for rule in route.spec.rules):
        problem = f"{name} has sessionAffinity ClientIP, which a rule's sessionPersistence contradicts: use one of both"
        return Attachment(route, parent, service, (), problem, "UnsupportedValue")
    return Attachment(route, parent, service, ports)

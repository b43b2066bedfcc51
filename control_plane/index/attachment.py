"""Which Service ports a route attaches to (GEP-1294: producer and consumer routes, port, sectionName)."""

from __future__ import annotations

from typing import NamedTuple

from control_plane.index import room
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


class _Contender(NamedTuple):
    """A route on one port, as it competes."""

    route: AnyRoute
    rank: int
    age: tuple[str, str, str]
    names: frozenset[str]

    def goes_before(self, other: _Contender) -> bool:
        if self.rank != other.rank or not self.route.takes_connections:
            return self.rank < other.rank
        return self.age < other.age and (other.names <= self.names if other.names else not self.names)


def attachments(index: Index, route: AnyRoute) -> tuple[Attachment, ...]:
    """One for every parent that is a Service of this cluster; a parent that does not exist has none."""
    found = _possible(index, route)
    if (route.kind, route.key) not in index.once("routes without room", lambda: _without_room(index)):
        return found
    full = f"the routes of namespace {route.metadata.namespace} take more than {room.MAX_BYTES >> 20} MiB of a snapshot"
    problem = f"{full}, and the older ones go first: take rules away, or name fewer ports"
    return tuple(one._replace(ports=(), problem=problem, reason="TooManyRules") if one.ports else one for one in found)


def attached(index: Index) -> dict[tuple[str, str], tuple[Attachment, ...]]:
    """All attachments of valid routes by the Service, in the order of Index.routes()."""

    def found() -> dict[tuple[str, str], tuple[Attachment, ...]]:
        lists: dict[tuple[str, str], list[Attachment]] = {}
        for route in index.routes():
            for one in attachments(index, route):
                lists.setdefault(one.service.key, []).append(one)
        return {key: tuple(some) for key, some in lists.items()}

    return index.once("attached routes", found)


def winners(index: Index, attachment: Attachment) -> dict[int, AnyRoute]:
    """Ports where another kind of route goes first, and the one that does (GEP-1294).

    Routes compete within one group: the producer's, or the consumers' of one namespace. Of two of one kind for
    connections an older one goes first where it takes every server name of the other (TCPRoutes: every connection), so
    that nothing is left.
    """
    mine = _contender(attachment.route)
    contenders = _contenders(index, attachment)
    found = {}
    for port in attachment.ports:
        for other in contenders.get(port.port, ()):
            if (other.rank, other.age) >= (mine.rank, mine.age if mine.route.takes_connections else ()):
                break  # neither this one nor any that follows goes before
            if other.goes_before(mine):
                found[port.port] = other.route
                break
    return found


def _contenders(index: Index, attachment: Attachment) -> dict[int, tuple[_Contender, ...]]:
    """The group that an attachment competes in by port, the first ones first."""
    group = attachment.route.metadata.namespace if attachment.is_consumer else None
    service = attachment.service.key

    def found() -> dict[int, tuple[_Contender, ...]]:
        ports: dict[int, list[_Contender]] = {}
        for one in attached(index).get(service, ()):
            if one.is_consumer == attachment.is_consumer and group in {None, one.route.metadata.namespace}:
                contender = _contender(one.route)
                for port in one.ports:
                    ports.setdefault(port.port, []).append(contender)
        return {port: tuple(sorted(some, key=lambda one: (one.rank, one.age))) for port, some in ports.items()}

    return index.once(("contenders", service, group), found)


def _contender(route: AnyRoute) -> _Contender:
    return _Contender(route, rank(route), age_order(route), frozenset(route.spec.hostnames))


def _possible(index: Index, route: AnyRoute) -> tuple[Attachment, ...]:
    """Whether there is room or not."""
    found = []
    for parent in route.service_parents:
        service = index.service(*route.parent_service(parent))
        if service is not None:
            found.append(_attach(route, parent, service))
    return tuple(found)


def _without_room(index: Index) -> frozenset[tuple[str, tuple[str, str]]]:
    return room.crowded_out((route, sum(len(one.ports) for one in _possible(index, route))) for route in index.routes())


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

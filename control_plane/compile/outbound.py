"""What a workload can call: every Service of the cluster, with the routes that act on clients of its namespace."""

from __future__ import annotations

from control_plane.compile.destination import governed
from control_plane.compile.endpoints import backend, pod_addresses, zones
from control_plane.compile.engine import engine
from control_plane.compile.route import applicable, own_rule, routes
from control_plane.compile.targets import Targets
from control_plane.compile.tcp_route import tcp_routes
from control_plane.index.attachment import Attachment, attached
from control_plane.index.policy import PolicyTable
from control_plane.index.protocol import protocol_of
from control_plane.index.reference import service_target
from control_plane.index.store import Index
from control_plane.kinds.mesh_config import EngineChoice
from control_plane.kinds.service import Service, ServicePort
from mesh_policy.snapshot import Backend, Frontend, Outbound, PodAddress, Protocol


class Shared:
    """What all workloads of one revision have in common, computed once. Of no use after the index has changed."""

    def __init__(self, index: Index) -> None:
        self.policies = PolicyTable(index)
        self.pods: tuple[PodAddress, ...] = pod_addresses(index, index.pods())
        self.attached: dict[tuple[str, str], tuple[Attachment, ...]] = attached(index)
        self.backends: dict[str, Backend] = {}
        self.zones = zones(index)


def outbound(index: Index, shared: Shared, namespace: str, choice: EngineChoice) -> Outbound:
    """The same for all workloads of a namespace that want the same engine."""
    targets = Targets(index)
    frontends = []
    for service in index.services():
        for port in service.tcp_ports:
            targets.add(service_target(service, port))
            if service.addresses:
                frontends.append(_frontend(shared, targets, service, port, namespace=namespace, choice=choice))
    for target in targets.every():
        if target.name not in shared.backends:
            found = backend(index, target)
            shared.backends[target.name] = governed(found, shared.policies, target.service, target.port)
    backends = tuple(shared.backends[target.name] for target in targets.every())
    return Outbound(frontends=tuple(frontends), backends=backends, pods=shared.pods)


def _frontend(
    shared: Shared, targets: Targets, service: Service, port: ServicePort, *, namespace: str, choice: EngineChoice
) -> Frontend:
    attached = shared.attached.get(service.key, ())
    found = applicable(attached, port, namespace)
    compiled = routes(targets, shared.policies, found, service, port)
    connections = tcp_routes(targets, found, port)
    speaks = _spoken(port, attached, found) if connections is None else "tcp"
    name = service_target(service, port).name
    own = own_rule(shared.policies, service, port, name) if speaks != "tcp" and compiled is None else None
    serves, reason = engine(choice, speaks, compiled, own)
    return Frontend(
        name=name,
        addresses=service.addresses,
        port=port.port,
        protocol=speaks,
        backend=name,
        routes=compiled,
        rule=own,
        tcp_routes=connections,
        engine=serves,
        engine_reason=reason,
    )


def _spoken(port: ServicePort, attached: tuple[Attachment, ...], found: tuple[object, ...]) -> Protocol:
    """A route that names the port says that it speaks HTTP, where nothing else does."""
    protocol = protocol_of(port)
    named = any(one.route in found and one.parent.port == port.port for one in attached)
    return "http" if protocol == "detect" and named else protocol

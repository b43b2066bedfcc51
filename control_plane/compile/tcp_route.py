"""TCPRoutes and TLSRoutes of a frontend: which connections go where."""

from __future__ import annotations

from control_plane.compile.targets import Targets
from control_plane.kinds.route import AnyRoute
from control_plane.kinds.service import ServicePort
from mesh_policy.snapshot import Target, TcpRoutes, TcpRule


def tcp_routes(targets: Targets, found: tuple[AnyRoute, ...], port: ServicePort) -> TcpRoutes | None:
    """The rules of the routes, the oldest first; None: no route is one of connections."""
    rules = [rule for route in found if route.takes_connections for rule in _rules(targets, route, port.port)]
    return TcpRoutes(rules=tuple(rules)) if rules else None


def _rules(targets: Targets, route: AnyRoute, called_port: int) -> list[TcpRule]:
    namespace = route.metadata.namespace
    return [
        TcpRule(
            route=f"{route.kind}/{namespace}/{route.metadata.name}",
            name=route.rule_name(i),
            server_names=route.spec.hostnames,
            targets=tuple(
                Target(backend=targets.use(namespace, ref, called_port, "connections"), weight=ref.weight)
                for ref in rule.backend_refs
            ),
        )
        for i, rule in enumerate(route.spec.rules)
    ]

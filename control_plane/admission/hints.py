"""What is right by itself and leads nowhere in this cluster: warnings, since the missing part may come next."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.index.attachment import attachments
from control_plane.index.membership import CHAOS_LABEL, consents_to_chaos
from control_plane.index.policy import without_effect
from control_plane.index.reference import Unresolved, resolve
from control_plane.index.session import shared_session
from control_plane.index.store import Index
from control_plane.kinds.meta import Object, Ref
from control_plane.kinds.retry import grpc_statuses
from control_plane.kinds.route import GROUP, AnyRoute, Carries
from control_plane.kinds.service_intentions import ServiceIntentions
from control_plane.kinds.service_subset import ServiceSubset
from control_plane.kinds.traffic_policy import TrafficPolicy
from control_plane.kinds.x_backend_traffic_policy import BackendTrafficPolicy


def hints(obj: Object, index: Index) -> tuple[str, ...]:
    """One line for each thing that an object names and that is not there."""
    match obj:
        case AnyRoute():
            return tuple(_route(obj, index))
        case ServiceSubset():
            return tuple(_subset(obj, index))
        case ServiceIntentions():
            return tuple(_intentions(obj, index))
        case BackendTrafficPolicy():
            namespace = obj.metadata.namespace
            missing = [name for name in obj.services if index.service(namespace, name) is None]
            return tuple(f"spec.targetRefs: Service {namespace}/{name} does not exist (yet)" for name in missing)
        case TrafficPolicy():
            return tuple(_policy(obj, index))
        case _:
            return ()


def _route(route: AnyRoute, index: Index) -> Iterator[str]:
    namespace = route.metadata.namespace
    called_port = 0
    for i, parent in enumerate(route.spec.parent_refs):
        at = f"spec.parentRefs[{i}]"
        if parent.kind == "Service" and parent.group == GROUP:
            yield f'{at}.group: {GROUP} (the default) has no kind Service, nobody looks at it: write group: ""'
        if not parent.is_service:
            continue
        home, name = route.parent_service(parent)
        service = index.service(home, name)
        if service is None:
            yield f"{at}.name: Service {home}/{name} does not exist (yet)"
            continue
        ports = [port.port for port in service.tcp_ports]
        if parent.port is not None and parent.port not in ports:
            yield f"{at}.port: Service {home}/{name} has no TCP port {parent.port}; it has {ports}"
        called_port = called_port or parent.port or next(iter(ports), 0)
    yield from (one.problem for one in attachments(index, route) if one.reason == "UnsupportedValue")
    names = [rule.name for rule in route.spec.rules if rule.name]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"spec.rules: {name!r} is the name of more than one rule; the Gateway API wants each to have its own"
    yield from {
        one.service.key: shared
        for one in attachments(index, route)
        if (shared := shared_session(index, route, one.service))
    }.values()
    if not called_port:
        return  # a backend without a port takes the parent's: nothing can be said about it yet
    for at, ref, carries in route.references():
        found = resolve(index, namespace, ref, called_port, carries)
        if isinstance(found, Unresolved):
            yield f"{at}: {found.message}; {_CONSEQUENCE[carries]}"


_CONSEQUENCE: dict[Carries, str] = {
    "requests": "its share of the requests gets 500",
    "connections": "its share of the connections is refused",
    "copies": "nothing is copied",
}


def _subset(subset: ServiceSubset, index: Index) -> Iterator[str]:
    namespace = subset.metadata.namespace
    service = index.service(namespace, subset.spec.service)
    if service is None:
        yield f"spec.service: Service {namespace}/{subset.spec.service} does not exist (yet)"
        return
    wanted = subset.spec.selector.match_labels.items()
    if not any(wanted <= pod.metadata.labels.items() for pod in index.pods_of(service)):
        yield (
            f"spec.selector.matchLabels: no pod of Service {namespace}/{subset.spec.service} carries these labels; "
            "its share of the requests gets 503"
        )


def _intentions(intentions: ServiceIntentions, index: Index) -> Iterator[str]:
    namespace = intentions.metadata.namespace
    name = intentions.spec.destination.name
    if name != "*" and index.service(namespace, name) is None:
        yield f"spec.destination.name: Service {namespace}/{name} does not exist (yet)"
    for i, source in enumerate(intentions.spec.sources):
        home = source.namespace or namespace
        if source.name in {None, "*"} or home == "*":
            continue
        service = index.service(home, source.name or "")
        if service is None:
            yield f"spec.sources[{i}].name: Service {home}/{source.name} does not exist (yet): nobody is meant"
        elif not index.pods_of(service):
            yield f"spec.sources[{i}].name: Service {home}/{source.name} has no pods (yet): nobody is meant"


def _policy(policy: TrafficPolicy, index: Index) -> Iterator[str]:
    namespace = policy.metadata.namespace
    if policy.spec.faults and not consents_to_chaos(index, namespace):
        yield f"spec.faults: take no effect until namespace {namespace} is labelled {CHAOS_LABEL}=allowed"
    for i, ref in enumerate(policy.spec.target_refs):
        if index.find(Ref(ref.kind, namespace, ref.name)) is None:
            yield f"spec.targetRefs[{i}].name: {ref.kind} {namespace}/{ref.name} does not exist (yet)"
        for field, why in without_effect(index, policy, ref).items():
            yield f"spec.{field}: has no effect on spec.targetRefs[{i}]: {why}"
    retry = policy.spec.retry
    if retry is not None and grpc_statuses(retry.when) and retry.methods != "All" and "POST" not in retry.methods:
        yield "spec.retry.methods: no call of gRPC is tried again, they are POST: use All, or [POST] if that is safe"

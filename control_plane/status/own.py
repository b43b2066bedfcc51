"""Status of our own kinds: `status.conditions`."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.index.policy import PolicyTable
from control_plane.index.protocol import protocol_of
from control_plane.index.store import Index
from control_plane.kinds.mesh_config import MeshConfig
from control_plane.kinds.meta import Condition, Object
from control_plane.kinds.service_intentions import ServiceIntentions
from control_plane.kinds.service_subset import ServiceSubset
from control_plane.kinds.traffic_policy import TrafficPolicy
from control_plane.status.conditions import accepted, condition, invalid, programmed, resolved
from control_plane.status.progress import Progress


def conditions(index: Index, policies: PolicyTable, kind: str, obj: Object, done: Progress) -> list[Condition]:
    """What is to be said about an object of our own kinds, a broken one included."""
    wrong = index.problems(kind, obj)
    if wrong:
        note = "; until it is corrected the pods of this namespace refuse every caller"
        said = invalid(wrong)
        if kind == "ServiceIntentions":
            said = condition("Accepted", False, said.reason, said.message + note)
        return [said]
    match obj:
        case ServiceSubset():
            return [accepted(), _subset(index, obj), programmed(done)]
        case ServiceIntentions():
            return [accepted(), _intention_refs(index, obj), programmed(done), *_warnings(index, obj)]
        case TrafficPolicy():
            return _policy(policies, obj, done)
        case MeshConfig():
            return [accepted(), programmed(done)]
        case _:
            return []


def _subset(index: Index, obj: ServiceSubset) -> Condition:
    namespace = obj.metadata.namespace
    service = index.service(namespace, obj.spec.service)
    if service is None:
        return resolved("BackendNotFound", [f"spec.service: Service {namespace}/{obj.spec.service} does not exist"])
    wanted = obj.spec.selector.match_labels.items()
    if not any(wanted <= pod.metadata.labels.items() for pod in index.pods_of(service)):
        labels = ", ".join(f"{key}={value}" for key, value in sorted(wanted))
        message = f"no pod of Service {namespace}/{obj.spec.service} carries {labels}: its share of requests gets 503"
        return condition("ResolvedRefs", True, "NoPods", message)
    return resolved()


def _policy(policies: PolicyTable, obj: TrafficPolicy, done: Progress) -> list[Condition]:
    refused = policies.refusals.get(obj.key, ())
    missing = [refusal.message for refusal in refused if refusal.reason == "TargetNotFound"]
    references = resolved("TargetNotFound" if missing else "", missing)
    message = "; ".join(refusal.message for refusal in refused)
    if refused and not policies.acts(obj):
        return [condition("Accepted", False, refused[0].reason, message), references]
    said = [accepted(), references, programmed(done)]
    if refused:
        said.append(condition("PartiallyInvalid", True, refused[0].reason, f"the rest acts; not so {message}"))
    return said


def _intention_refs(index: Index, obj: ServiceIntentions) -> Condition:
    home = obj.metadata.namespace
    missing = []
    name = obj.spec.destination.name
    if name != "*" and index.service(home, name) is None:
        missing.append(f"spec.destination.name: Service {home}/{name} does not exist")
    for i, source in enumerate(obj.spec.sources):
        namespace = source.namespace or home
        if source.name in {None, "*"} or namespace == "*":
            continue
        if index.service(namespace, source.name or "") is None:
            missing.append(f"spec.sources[{i}].name: Service {namespace}/{source.name} does not exist: it names nobody")
    return resolved("ServiceNotFound" if missing else "", missing)


def _warnings(index: Index, obj: ServiceIntentions) -> Iterator[Condition]:
    shared = list(_shared_accounts(index, obj))
    if shared:
        yield condition("SharedIdentity", True, "SharedServiceAccount", "; ".join(shared))
    plain = list(_tcp_ports(index, obj))
    if plain and any(source.permissions for source in obj.spec.sources):
        message = f"sources with permissions are denied on ports that are not HTTP: {', '.join(plain)}"
        yield condition("PartiallyInvalid", True, "PermissionsNeedHttp", message)


def _shared_accounts(index: Index, obj: ServiceIntentions) -> Iterator[str]:
    """A Service stands for ServiceAccounts: pods outside it that share one are let in (or kept out) as well."""
    for i, source in enumerate(obj.spec.sources):
        namespace = source.namespace or obj.metadata.namespace
        service = index.service(namespace, source.name or "")
        if service is None:
            continue
        pods = index.pods_of(service)
        accounts = {pod.spec.service_account_name for pod in pods}
        inside = {pod.key for pod in pods}
        for pod in index.pods(namespace):
            if not pod.has_ended and pod.key not in inside and pod.spec.service_account_name in accounts:
                account = pod.spec.service_account_name
                yield f"spec.sources[{i}]: pod {pod.metadata.name} is not of {source.name} and shares its {account!r}"
                break


def _tcp_ports(index: Index, obj: ServiceIntentions) -> Iterator[str]:
    namespace, name = obj.metadata.namespace, obj.spec.destination.name
    for service in index.services(namespace):
        if name in {"*", service.metadata.name}:
            for port in service.tcp_ports:
                if protocol_of(port) == "tcp":
                    yield f"{service.metadata.name}:{port.port}"

"""Endpoints of a backend: the ready addresses behind a Service port, each with the identity it must prove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from control_plane.index.membership import identity_of, mtls_mode, peer_identity
from control_plane.index.protocol import protocol_of
from control_plane.index.reference import Target
from control_plane.index.store import Index
from control_plane.kinds.endpoint_slice import EndpointSlice, SliceEndpoint, TargetRef
from control_plane.kinds.ipv4 import ipv4
from control_plane.kinds.pod import Pod
from mesh_policy.snapshot import Backend, Endpoint, PodAddress


class _Found(NamedTuple):
    source: SliceEndpoint
    pod: Pod | None
    port: int


def backend(index: Index, target: Target) -> Backend:
    """A backend with its ready endpoints, by address; or a host outside of the cluster."""
    if target.hostname:
        return Backend(name=target.name, protocol="http", hostname=target.hostname, external_port=target.port.port)
    found = tuple(_endpoints(index, target))
    usable = [one for one in found if one.source.is_ready] or [one for one in found if one.source.is_draining]
    wanted = dict(target.labels).items()
    chosen = {
        (address, one.port): Endpoint(
            ip=address,
            port=one.port,
            identity=peer_identity(index, one.pod, one.port),
            zone=one.source.zone or "",
            node=one.source.node_name or "",
        )
        for one in usable
        if not wanted or (one.pod is not None and wanted <= one.pod.metadata.labels.items())
        for given in one.source.addresses[:1]  # the API documents that all but the first are to be ignored
        if (address := ipv4(given))  # one that sidecars refuse would keep every change from all of them
    }
    endpoints = tuple(chosen[key] for key in sorted(chosen))
    return Backend(name=target.name, protocol=protocol_of(target.port), endpoints=endpoints)


def zones(index: Index) -> dict[str, str]:
    """Zones by the name of the node, as far as endpoints tell: nodes themselves are not read.

    Who may write EndpointSlices in one namespace must not move the node under the others: every namespace has one voice
    about a node, and only where all its endpoints agree.
    """
    said: dict[str, dict[str, set[str]]] = {}
    for part in index.every("EndpointSlice"):
        for endpoint in (part.endpoints or ()) if isinstance(part, EndpointSlice) else ():
            if endpoint.node_name and endpoint.zone:
                voices = said.setdefault(endpoint.node_name, {})
                voices.setdefault(part.metadata.namespace, set()).add(endpoint.zone)
    return {node: zone for node, voices in said.items() if (zone := _majority(voices.values()))}


def _majority(voices: Iterable[set[str]]) -> str:
    """The zone that most namespaces name; of equals the first by name. Empty: none does."""
    count = Counter(next(iter(zones)) for zones in voices if len(zones) == 1)
    return min(count, key=lambda zone: (-count[zone], zone), default="")


def _endpoints(index: Index, target: Target) -> Iterator[_Found]:
    namespace, name = target.service.key
    for part in index.slices(namespace, name):
        if part.address_type != "IPv4":
            continue
        port = _port(part, target.port.name)
        if port is None:
            continue
        for endpoint in part.endpoints or ():
            known, pod = _pod(index, namespace, endpoint)
            if known:
                yield _Found(endpoint, pod, port)


def _port(part: EndpointSlice, name: str) -> int | None:
    for port in part.ports or ():
        if (port.name or "") == name and port.protocol in {None, "TCP"}:
            return port.port
    return None


def _pod(index: Index, namespace: str, endpoint: SliceEndpoint) -> tuple[bool, Pod | None]:
    """The pod behind an endpoint, and whether the endpoint may be used.

    An endpoint whose pod has not been seen yet (or is another one of the same name) waits: without the pod it is not
    known whether it must prove an identity, and plaintext must never be a guess.
    """
    match endpoint.target_ref:
        case TargetRef(kind="Pod", name=name, uid=uid) as ref:
            pod = index.pod(ref.namespace or namespace, name)
            return pod is not None and uid in {"", pod.metadata.uid}, pod
        case _:
            return True, index.pod_at(ipv4(endpoint.addresses[0])) if endpoint.addresses else None


def pod_addresses(index: Index, pods: Iterable[Pod]) -> tuple[PodAddress, ...]:
    """Meshed pods that can be dialled by their own address, by address."""
    found = {
        ip: PodAddress(ip=ip, identity=identity_of(index, pod), plain_ports=pod.excluded_ports)
        for pod in pods
        if pod.is_meshed
        and (ip := ipv4(pod.status.pod_ip))
        and not pod.has_ended
        and mtls_mode(index, pod) != "Disabled"
    }
    return tuple(found[ip] for ip in sorted(found))

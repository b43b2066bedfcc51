"""Backends of the snapshot to sections: one per protocol that the connection between the sidecars may carry.

A section's name is `PREFIX:NAME`: `h1` and `h2` are HTTP over HTTP/1.1 and HTTP/2, `tcp` is bytes. Meshed endpoints are
dialled with TLS 1.3, our certificate, and the one name that the peer must prove; the ALPN tells what comes.
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Literal

from mesh_policy.errors import InvalidConfig, Violation
from mesh_policy.identity import parse_spiffe_id
from mesh_policy.snapshot import Backend, Endpoint, Outbound, PodAddress, Protocol
from proxy.engine.haproxy import base
from proxy.engine.haproxy.quoting import section, word
from proxy.engine.haproxy.rendering import Place, Section

Carrier = Literal["h1", "h2", "tcp"]
ALPN: dict[Carrier, str] = {"h1": "http/1.1", "h2": "h2", "tcp": "heddle-tcp"}
"""`heddle-tcp` is ours alone: bytes for the application, which no HTTP rule applies to."""
TEMPLATE: dict[Carrier, str] = {"h1": base.HTTP, "h2": base.HTTP, "tcp": base.TCP}
CARRIERS: dict[Protocol, tuple[Carrier, ...]] = {
    "http": ("h1", "h2"),
    "grpc": ("h2",),
    "tcp": ("tcp",),
    "detect": ("h1", "h2", "tcp"),
}
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - not bound: the server's address is then the connection's own destination


def backend_sections(outbound: Outbound, place: Place) -> dict[str, Section]:
    """A section for every carrier of every backend, and of every identity that pods are dialled for directly."""
    found: dict[str, Section] = {}
    targets = _targets(outbound)
    for backend in outbound.backends:
        for carrier in _carriers(backend, targets):
            alpn = ALPN["h1"] if carrier == "tcp" and backend.protocol in ("http", "grpc") else ALPN[carrier]
            servers = (_server(endpoint, carrier, alpn, place) for endpoint in backend.endpoints)
            found[section_name(carrier, backend.name)] = Section(TEMPLATE[carrier], dict(servers))
    for identity in sorted({pod.identity for pod in outbound.pods}):
        arguments = f"{ANY_ADDRESS}:0 {_tls(identity, place)}"
        for carrier in CARRIERS["detect"]:
            found[section_name(carrier, pod_backend(identity))] = Section(
                TEMPLATE[carrier], dict([_named(f"{arguments} alpn {ALPN[carrier]}")])
            )
    return found


def _targets(outbound: Outbound) -> set[str]:
    """Backends that TCP routes name: bytes go there, whatever their port speaks."""
    routes = (frontend.tcp_routes for frontend in outbound.frontends if frontend.tcp_routes is not None)
    return {target.backend for one in routes for rule in one.rules for target in rule.targets if target.backend}


def _carriers(backend: Backend, targets: set[str]) -> tuple[Carrier, ...]:
    """On an HTTP port the bytes of a TCP route arrive as HTTP/1.1, which HTTP/2's preface may follow: the receiver's
    rules for HTTP hold for them."""
    carriers = CARRIERS[backend.protocol]
    return carriers if "tcp" in carriers or backend.name not in targets else (*carriers, "tcp")


def backend_maps(outbound: Outbound) -> dict[str, dict[str, str]]:
    """Name of a backend to its section, by what the client spoke. One that only speaks HTTP/2 is reached by both."""
    sections: dict[str, dict[str, str]] = {"sections_1": {}, "sections_2": {}, "sections_tcp": {}}
    targets = _targets(outbound)
    backends = {backend.name: _carriers(backend, targets) for backend in outbound.backends}
    backends |= {pod_backend(pod.identity): CARRIERS["detect"] for pod in outbound.pods}
    for name, carriers in backends.items():
        if "h2" in carriers:
            sections["sections_2"][name] = section_name("h2", name)
            sections["sections_1"][name] = section_name("h1" if "h1" in carriers else "h2", name)
        if "tcp" in carriers:
            sections["sections_tcp"][name] = section_name("tcp", name)
    return sections


def pod_maps(pods: tuple[PodAddress, ...]) -> dict[str, dict[str, str]]:
    """Address of a meshed pod to the backend of its identity; and the ports that are dialled in plain."""
    return {
        "pods": {ip_address(pod.ip, "outbound.pods"): pod_backend(pod.identity) for pod in pods},
        "pods_plain": {f"{pod.ip}:{port}": "plain" for pod in pods for port in pod.plain_ports},
    }


def section_name(carrier: Carrier, backend: str) -> str:
    """`h1:default:api:8080` for the backend `default/api/8080`."""
    return f"{carrier}:{section(backend)}"


def pod_backend(identity: str) -> str:
    """`pod/NAMESPACE/SERVICEACCOUNT@identity`: no backend of the snapshot has such a name, its last part is a port."""
    spiffe = parse_spiffe_id(identity)
    return f"pod/{spiffe.namespace}/{spiffe.service_account}@identity"


def ip_address(text: str, path: str) -> str:
    """An IPv4 address in its one spelling.

    Raises:
        InvalidConfig: it is something else; the sidecar carries IPv4 only.
    """
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        raise InvalidConfig((Violation(path, f"{text!r} is not an IPv4 address"),)) from error


def port_number(port: int, path: str) -> int:
    """A port that can be dialled.

    Raises:
        InvalidConfig: it is not between 1 and 65535.
    """
    if not 1 <= port <= 65535:
        raise InvalidConfig((Violation(path, f"{port} is not a port: 1 to 65535"),))
    return port


def _server(endpoint: Endpoint, carrier: Carrier, alpn: str, place: Place) -> tuple[str, str]:
    at = "outbound.backends"
    address = f"{ip_address(endpoint.ip, at)}:{port_number(endpoint.port, at)}"
    # The pod itself: loopback traffic is not captured, so there is no sidecar that could answer the handshake.
    if endpoint.identity is None or endpoint.ip == place.pod_ip:
        return _named(f"{address} proto h2" if carrier == "h2" else address)
    return _named(f"{address} {_tls(endpoint.identity, place)} alpn {alpn}")


def _tls(identity: str, place: Place) -> str:
    """TLS arguments of a server. `no-sni-auto`: else the request's Host would choose the identity that is accepted."""
    try:
        name = parse_spiffe_id(identity).dns_name
    except ValueError as error:
        raise InvalidConfig((Violation("outbound", str(error)),)) from error
    return (
        f"ssl verify required ca-file {word(place.trust_bundle)} crt {place.certificate} "
        f"verifyhost {word(name)} no-sni-auto"
    )


def _named(arguments: str) -> tuple[str, str]:
    """A name that changes whenever the arguments do, so that a server is never altered in place."""
    return f"s{hashlib.sha256(arguments.encode()).hexdigest()[:12]}", arguments

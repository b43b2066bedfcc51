"""Backends of the snapshot to sections: one per protocol that the connection between the sidecars may carry.

A section's name is `PREFIX:NAME`: `h1` and `h2` are HTTP over HTTP/1.1 and HTTP/2, `tcp` is bytes. Meshed endpoints are
dialled with TLS 1.3, our certificate, and the one name that the peer must prove; the ALPN tells what comes.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import replace
from typing import Literal

from mesh_policy.errors import InvalidConfig, Violation
from mesh_policy.identity import parse_spiffe_id
from mesh_policy.snapshot import Backend, Endpoint, Outbound, PodAddress, Protocol
from proxy.engine.haproxy import balance, base, circuit, external_host, session
from proxy.engine.haproxy.quoting import section, word
from proxy.engine.haproxy.rendering import Place, Section

Carrier = Literal["h1", "h2", "tcp"]
ALPN: dict[Carrier, str] = {"h1": "http/1.1", "h2": "h2", "tcp": "heddle-tcp"}
"""`heddle-tcp` is ours alone: bytes for the application, which no HTTP rule applies to."""
MODE: dict[Carrier, Literal["http", "tcp"]] = {"h1": "http", "h2": "http", "tcp": "tcp"}
_ONE = {"http": base.HTTP, "tcp": base.TCP}
CARRIERS: dict[Protocol, tuple[Carrier, ...]] = {
    "http": ("h1", "h2"),
    "grpc": ("h2",),
    "tcp": ("tcp",),
    "detect": ("h1", "h2", "tcp"),
}
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - not bound: the server's address is then the connection's own destination


def backend_sections(outbound: Outbound, zone: str, place: Place) -> dict[str, Section]:
    """A section for every carrier of every backend, and of every identity that pods are dialled for directly.

    Args:
        zone: the pod's own; empty: not known, and then no endpoint is nearer than another.
    """
    found: dict[str, Section] = {}
    targets = _targets(outbound)
    pinned = session.pinned(outbound)
    for backend in outbound.backends:
        rules = session.USE_SERVER if backend.name in pinned else ""
        for carrier in _carriers(backend, targets):
            made = _section(backend, carrier, zone, place)
            found[section_name(carrier, backend.name)] = replace(made, rules=rules if MODE[carrier] == "http" else "")
    for identity in sorted({pod.identity for pod in outbound.pods}):
        arguments = f"{ANY_ADDRESS}:0 {_tls(identity, place)}"
        for carrier in CARRIERS["detect"]:
            found[section_name(carrier, pod_backend(identity))] = Section(
                _ONE[MODE[carrier]], dict([_named(f"{arguments} alpn {ALPN[carrier]}")])
            )
    return found


def _targets(outbound: Outbound) -> set[str]:
    """Backends that TCP routes name: bytes go there, whatever their port speaks."""
    routes = (frontend.tcp_routes for frontend in outbound.frontends if frontend.tcp_routes is not None)
    return {target.backend for one in routes for rule in one.rules for target in rule.targets if target.backend}


def _carriers(backend: Backend, targets: set[str]) -> tuple[Carrier, ...]:
    """None for a host outside of the cluster. On an HTTP port the bytes of a TCP route arrive as HTTP/1.1, which
    HTTP/2's preface may follow: the receiver's rules for HTTP hold for them."""
    if backend.hostname is not None:
        return ()
    carriers = CARRIERS[backend.protocol]
    return carriers if "tcp" in carriers or backend.name not in targets else (*carriers, "tcp")


def backend_templates(outbound: Outbound, place: Place) -> str:
    """The named `defaults` that the sections are made from."""
    modes = sorted(set(MODE.values()))
    used = (balance.template(backend, mode, place) for backend in outbound.backends for mode in modes)
    return balance.templates(used, place)


def circuit_map(outbound: Outbound) -> dict[str, str]:
    """Section to the number that it has under way at most; no entry: no limit."""
    targets = _targets(outbound)
    limits = {
        section_name(carrier, backend.name): circuit.limit(backend.circuit, carrier)
        for backend in outbound.backends
        for carrier in _carriers(backend, targets)
    }
    return {name: str(limit) for name, limit in limits.items() if limit is not None}


def pin_map(sections: dict[str, Section]) -> dict[str, str]:
    """Section and address of an endpoint to the server's name, where sessions are."""
    return {
        session.pin(name, arguments.split(maxsplit=1)[0]): server
        for name, section in sections.items()
        if section.rules
        for server, arguments in section.servers.items()
    }


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
    outside = {backend.name: external_host.SECTION for backend in outbound.backends if backend.hostname is not None}
    return {**sections, "sections_1": sections["sections_1"] | outside, "sections_2": sections["sections_2"] | outside}


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


def _section(backend: Backend, carrier: Carrier, zone: str, place: Place) -> Section:
    preferred = [one for one in backend.endpoints if not (zone and backend.balance.prefer_zone) or one.zone == zone]
    alpn = ALPN["h1"] if carrier == "tcp" and backend.protocol in ("http", "grpc") else ALPN[carrier]
    servers: dict[str, str] = {}
    for endpoint in backend.endpoints:
        choice = balance.server_arguments(backend.balance, local=endpoint in preferred)
        servers |= [_named(_server(endpoint, carrier, alpn, place) + choice)]
    maxconn = circuit.per_endpoint(backend.circuit, carrier, len(preferred) or len(servers))
    return Section(balance.template(backend, MODE[carrier], place).name, servers, maxconn)


def _server(endpoint: Endpoint, carrier: Carrier, alpn: str, place: Place) -> str:
    at = "outbound.backends"
    address = f"{ip_address(endpoint.ip, at)}:{port_number(endpoint.port, at)}"
    # The pod itself: loopback traffic is not captured, so there is no sidecar that could answer the handshake.
    if endpoint.identity is None or endpoint.ip == place.pod_ip:
        return f"{address} proto h2" if carrier == "h2" else address
    return f"{address} {_tls(endpoint.identity, place)} alpn {alpn}"


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

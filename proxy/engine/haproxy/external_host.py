"""Copies of requests to hosts outside of the cluster: looked up as the pod would, dialled in plain.

One section serves all of them; name and port are data. Whoever may make a mirror could otherwise have every caller's
sidecar knock at its own loopback or at the cloud's metadata: such addresses are refused, whatever the name says.
"""

from __future__ import annotations

from collections.abc import Iterable

from mesh_policy.snapshot import Backend
from proxy.engine.haproxy.rendering import Place

SECTION = "external"
CONNECT_TIMEOUT = "5s"
ANSWER_TIMEOUT = "30s"
_REFUSED = "0.0.0.0/8 127.0.0.0/8 169.254.0.0/16 100.100.100.200 168.63.129.16 224.0.0.0/3"
"""This host, loopback, link-local (metadata services), those of Alibaba and Azure that are not, multicast and what is
reserved."""


def external_maps(backends: Iterable[Backend]) -> dict[str, dict[str, str]]:
    """Name of a backend to its host and port."""
    hosts = [one for one in backends if one.hostname is not None]
    return {
        "external_hosts": {one.name: str(one.hostname) for one in hosts},
        "external_ports": {one.name: str(one.external_port) for one in hosts},
        "external_authorities": {one.name: _authority(one) for one in hosts},
    }


def _authority(backend: Backend) -> str:
    """The `host` header: others would be turned away by a server of many hosts."""
    return str(backend.hostname) if backend.external_port == 80 else f"{backend.hostname}:{backend.external_port}"


def external_sections(place: Place) -> str:
    """The section, and who is asked: the servers of the pod's resolv.conf. A name that nobody knows, or that nobody
    tells of in about three seconds, is 503."""
    return (
        _resolvers(place)
        + f"""
backend {SECTION} from d-base
  mode http
  timeout connect {CONNECT_TIMEOUT}
  timeout server {ANSWER_TIMEOUT}
  retries 0
{_refuse("only-copies", "!{ var(txn.copy) -m bool }")}\
  http-request set-var(txn.host) var(txn.backend),map_str({place.map("external_hosts")})
{_look_up(place)}\
{_refuse("host-not-found", "!{ var(txn.address) -m found }")}\
{_refuse("host-not-allowed", f"{{ var(txn.address) -m ip {_REFUSED} {place.pod_ip} }}")}\
  http-request set-header host %[var(txn.backend),map_str({place.map("external_authorities")})]
  http-request set-dst var(txn.address)
  http-request set-dst-port var(txn.backend),map_str_int({place.map("external_ports")})
  server original 0.0.0.0:0
"""
    )


def _resolvers(place: Place) -> str:
    if not place.nameservers:
        return ""
    servers = "".join(f"  nameserver n{i} {address}:53\n" for i, address in enumerate(place.nameservers))
    return f"""
resolvers pod
{servers}\
  accepted_payload_size 4096
  resolve_retries 2
  timeout resolve 1s
  timeout retry 1s
  hold valid 10s
"""


def _look_up(place: Place) -> str:
    return "  http-request do-resolve(txn.address,pod,ipv4) var(txn.host)\n" if place.nameservers else ""


def _refuse(reason: str, condition: str) -> str:
    return f"""\
  http-request set-var(txn.reason) str({reason}) if !{{ var(txn.reason) -m found }} {condition}
  http-request return status 503 content-type text/plain hdr x-mesh-error {reason} \
hdr x-mesh-internal-failure connect string "no such host for copies\\n" if {condition}
"""

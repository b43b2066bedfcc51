"""Proofs of identity: who is behind a connection, and who is refused."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from meshctl import ca, pods
from meshctl.checks import CheckFailed, Context, Finding
from meshctl.checks.shop import API_URL, SHOP, STREET, Traffic, a_pod, probe, random_id, wait_until, web
from meshctl.errors import MeshctlError
from meshctl.names import MESH_API, PROXY
from meshctl.pods import Pod

APP_PORT = 8080
HANDSHAKE = """
import json, socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
answer = {}
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5) as plain:
    plain.settimeout(5)
    try:
        with context.wrap_socket(plain, server_hostname="api") as tls:
            answer["certificate"] = ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))
            answer["version"] = tls.version()
            tls.sendall(b"GET /goods HTTP/1.1\\r\\nhost: api\\r\\nconnection: close\\r\\n\\r\\n")
            answer["received"] = tls.recv(64).decode("latin-1")
    except OSError as error:
        answer["refused"] = f"{type(error).__name__}: {error}"[:200]
print(json.dumps(answer))
"""
"""TLS without a client certificate, from a container whose traffic is not captured: what anybody could do.
TLS 1.3 shows the server's certificate first and refuses the client afterwards."""


def handshake(context: Context, target: Pod) -> dict[str, Any]:
    source = web(context)
    argv = ["python3", "-c", HANDSHAKE, target.ip, str(APP_PORT)]
    done = context.cluster.execute(source.namespace, source.name, PROXY, argv)
    try:
        value: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise MeshctlError(f"the handshake from {source.key} gave nothing: {done.stderr[-300:]}") from error
    return value


def trust_domain(context: Context) -> str:
    found = context.cluster.find(f"{MESH_API}/meshconfigs/default") or {}
    return str(found.get("spec", {}).get("trustDomain", "cluster.local"))


def peer_certificate(context: Context) -> Finding:
    target = a_pod(context.cluster, SHOP, "api")
    seen = handshake(context, target)
    if "certificate" not in seen:
        raise CheckFailed(f"{target.key} showed no certificate on port {APP_PORT}: {seen.get('refused', seen)}")
    certificate = ca.describe(seen["certificate"])[0]
    expected = f"spiffe://{trust_domain(context)}/ns/{SHOP}/sa/{target.service_account}"
    if certificate.uris != (expected,):
        raise CheckFailed(f"{target.key} shows {', '.join(certificate.uris) or 'no URI'}, not {expected}")
    hours = (certificate.not_after - datetime.now(UTC)).total_seconds() / 3600
    if not 0 < hours <= 24:
        raise CheckFailed(f"the certificate of {target.key} ends in {hours:.1f} h, not within a day")
    return Finding(
        f"{seen.get('version', 'TLS')}, {certificate.uris[0]}, {hours:.0f} h left",
        {"uri": certificate.uris[0], "tls": seen.get("version", "")},
    )


def no_certificate(context: Context) -> Finding:
    target = a_pod(context.cluster, SHOP, "api")
    seen = handshake(context, target)
    if seen.get("received"):
        raise CheckFailed(f"{target.key} answered a client without a certificate: {seen['received']!r}")
    return Finding(str(seen.get("refused", "connection closed"))[:80])


def plaintext(context: Context) -> Finding:
    """A pod outside of the mesh gets no answer: by the Service's name, and by a pod's own address."""
    stranger = a_pod(context.cluster, STREET, "stranger")
    target = a_pod(context.cluster, SHOP, "api")
    headers = (("x-probe", f"plain-{context.marker or random_id()}"),)
    tried = 0
    for url in (f"http://api.{SHOP}/goods", f"http://{target.ip}:{APP_PORT}/goods"):
        traffic = Traffic(url=url, count=5, concurrency=1, timeout_seconds=3, new_connections=True, headers=headers)
        seen = probe(context.cluster, stranger, "stranger", traffic)
        if seen.status:
            raise CheckFailed(f"{stranger.key} got an answer in plaintext from {url}: {seen.status}")
        tried += seen.requests
    return Finding(f"{tried} tries, no answer", {"tries": tried})


def denied(context: Context) -> Finding:
    """`load` is in the mesh and has an identity, but no intention lets it call the api."""
    source = a_pod(context.cluster, SHOP, "load")
    began = time.monotonic()
    seen = probe(context.cluster, source, "load", Traffic(url=API_URL, count=20, concurrency=2))
    if seen.status != {"403": 20}:
        raise CheckFailed(f"{source.key} calling the api got {seen.status or seen.errors}, not 403", status=seen.status)
    identity = f"spiffe://{trust_domain(context)}/ns/{SHOP}/sa/{source.service_account}"
    found: dict[str, Any] = {}

    def logged() -> bool:
        found.update(refusal(context, identity, int(time.monotonic() - began) + 10))
        return bool(found)

    wait_until(15, logged, f"no log line of an api sidecar with status 403, a reason and peer {identity}")
    return Finding(f"20 x 403, log: peer {found['peer']}, reason {found['reason']!r}", {"logLine": found})


def refusal(context: Context, identity: str, seconds: int) -> dict[str, Any]:
    """The newest access-log line of the api's sidecars about a refusal of `identity`, with its reason; {}: none."""
    for pod in pods.running(pods.listed(context.cluster, SHOP, "app=api")):
        for line in reversed(context.cluster.logs(pod.namespace, pod.name, PROXY, seconds)):
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if not isinstance(entry, dict) or str(entry.get("status")) != "403" or entry.get("peer") != identity:
                continue
            if entry.get("reason"):
                return entry
    return {}

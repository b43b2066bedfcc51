"""`meshctl check demo`: the mesh at work, proved with the shop. Proofs change the demo for moments and put it back."""

from __future__ import annotations

from meshctl import pods
from meshctl.checks import Category, Check, CheckFailed, Context, Finding, Skipped
from meshctl.checks import demo_changes as changes
from meshctl.checks import demo_identity as identity
from meshctl.checks import demo_traffic as traffic
from meshctl.checks.shop import SHOP, STAGING, a_pod, probe
from meshctl.checks.shop import Traffic as Load

DEPLOYMENTS = ("api-v1", "api-v2", "load", "payment", "web")


def workloads(context: Context) -> Finding:
    """All Deployments are ready, all their pods are in the mesh, and the shop sells."""
    if context.cluster.find(f"/api/v1/namespaces/{SHOP}") is None:
        raise Skipped("the demo is not installed (meshctl demo install)")
    found = [*pods.listed(context.cluster, SHOP), *pods.listed(context.cluster, STAGING)]
    owned = [pod for pod in pods.running(found) if pod.owner.startswith("Deployment/")]
    missing = set(DEPLOYMENTS) - {pod.owner.removeprefix("Deployment/") for pod in owned if pod.namespace == SHOP}
    if missing:
        raise CheckFailed(f"no pod of {', '.join(sorted(missing))} runs")
    for pod in owned:
        if not pod.meshed:
            raise CheckFailed(f"{pod.key} has no sidecar")
        if not pod.ready:
            raise CheckFailed(f"{pod.key} is not ready")
    customer = a_pod(context.cluster, SHOP, "load")
    for path in ("/", "/checkout"):
        seen = probe(context.cluster, customer, "load", Load(url=f"http://web{path}", count=20, concurrency=2))
        if seen.failed:
            raise CheckFailed(f"customers at http://web{path} get {seen.problems()}: {str(seen.sample)[:200]}")
    crossed = len({pod.node for pod in owned})
    return Finding(f"{len(owned)} pods on {crossed} nodes, all with a sidecar", {"pods": len(owned), "nodes": crossed})


WORKLOADS = Check(
    name="workloads",
    description="the shop runs in the mesh and sells",
    hint="kubectl -n shop get pods; meshctl status; meshctl check",
    run=workloads,
    fatal=True,
    retry_seconds=120,
)
LOGS = "meshctl proxy status shop/POD; kubectl -n shop logs POD -c heddle-proxy"
WIRE = Category(
    "demo-wire",
    "Demo: on the wire",
    (
        WORKLOADS,
        Check(name="requests", description="requests of web are answered", hint=LOGS, run=traffic.marked),
        Check(
            name="peer-certificate",
            description="the api's certificate names its SPIFFE identity",
            hint=LOGS,
            run=identity.peer_certificate,
        ),
        Check(
            name="no-certificate",
            description="a TLS client without a certificate is refused",
            hint=LOGS,
            run=identity.no_certificate,
        ),
        Check(
            name="plaintext",
            description="a plaintext client is refused",
            hint="kubectl get meshconfig default -o yaml: is mtls.mode Strict?",
            run=identity.plaintext,
        ),
        Check(
            name="denied",
            description="a service without an intention gets 403, and the sidecar's log says why",
            hint="kubectl -n shop get serviceintentions -o yaml",
            run=identity.denied,
        ),
    ),
)
TRAFFIC = Category(
    "demo-traffic",
    "Demo: routing",
    (
        WORKLOADS,
        Check(name="route", description="/payment goes to payment, the rest to the api", hint=LOGS, run=traffic.route),
        Check(name="split", description="the versions get their shares", hint=LOGS, run=traffic.split),
        Check(name="mirror", description="staging gets a copy of each request", hint=LOGS, run=traffic.mirror),
        Check(
            name="mirror-hangs",
            description="staging hanging for 30 s changes nothing for the caller",
            hint=LOGS,
            run=traffic.mirror_hangs,
        ),
        Check(name="faults", description="faults meet their shares of requests", hint=LOGS, run=traffic.faults),
    ),
)
CHANGES = Category(
    "demo-changes",
    "Demo: changes under load",
    (
        WORKLOADS,
        Check(
            name="weight-change",
            description="new weights are in effect within a second",
            hint=LOGS,
            run=changes.weight_change,
        ),
        Check(name="rollout", description="a rollout fails no request", hint=LOGS, run=changes.rollout),
        Check(name="deletion", description="a deleted pod fails no request", hint=LOGS, run=changes.pod_deletion),
        Check(name="job", description="a Job with a sidecar ends", hint=LOGS, run=changes.job_ends),
    ),
)
CATEGORIES = (WIRE, TRAFFIC, CHANGES)

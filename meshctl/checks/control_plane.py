"""Does the control plane run, and does it answer?"""

from __future__ import annotations

from meshctl import pods
from meshctl.checks import Category, Check, CheckFailed, Context, Finding, Warned
from meshctl.client import ApiError
from meshctl.names import CONTROL_PLANE, GROUP, MESH_API

HEALTH_PORT = 8080


def installed(context: Context) -> Finding:
    if context.cluster.find(f"/api/v1/namespaces/{context.namespace}") is None:
        raise CheckFailed(f"there is no namespace {context.namespace}")
    if context.cluster.find(deployment_path(context)) is None:
        raise CheckFailed(f"there is no Deployment {CONTROL_PLANE} in {context.namespace}")
    return Finding(context.namespace)


def deployment_path(context: Context) -> str:
    return f"/apis/apps/v1/namespaces/{context.namespace}/deployments/{CONTROL_PLANE}"


def replicas(context: Context) -> Finding:
    deployment = context.cluster.get(deployment_path(context))
    wanted, ready = deployment["spec"].get("replicas", 1), deployment.get("status", {}).get("readyReplicas", 0)
    if ready == 0 or deployment.get("status", {}).get("observedGeneration") != deployment["metadata"]["generation"]:
        raise CheckFailed(f"{ready} of {wanted} replicas are ready", ready=ready, wanted=wanted)
    if ready < wanted:
        raise Warned(f"{ready} of {wanted} replicas are ready: the mesh works, the next failure stops it")
    return Finding(f"{ready} of {wanted}", {"ready": ready, "wanted": wanted})


def answers(context: Context) -> Finding:
    silent = []
    found = control_plane_pods(context)
    for pod in found:
        try:
            context.cluster.pod_get(pod.namespace, pod.name, HEALTH_PORT, "/readyz")
        except ApiError as error:
            silent.append(f"{pod.name}: {error}")
    if silent or not found:
        raise CheckFailed("; ".join(silent) or "there is no pod of the control plane")
    return Finding(f"{len(found)} replicas")


def leader(context: Context) -> Finding:
    leases = context.cluster.items(f"/apis/coordination.k8s.io/v1/namespaces/{context.namespace}/leases")
    holders = {pod.name for pod in control_plane_pods(context)}
    for lease in leases:
        holder = lease["spec"].get("holderIdentity") or ""
        if any(name in holder for name in holders):
            return Finding(holder, {"leader": holder})
    raise CheckFailed("no running replica holds a Lease: statuses are not written", leases=len(leases))


def service(context: Context) -> Finding:
    path = f"/apis/discovery.k8s.io/v1/namespaces/{context.namespace}/endpointslices"
    slices = context.cluster.items(path, f"kubernetes.io/service-name={CONTROL_PLANE}")
    ready = [
        address
        for slice_ in slices
        for endpoint in slice_.get("endpoints") or []
        if endpoint.get("conditions", {}).get("ready")
        for address in endpoint["addresses"]
    ]
    if not ready:
        raise CheckFailed(f"Service {CONTROL_PLANE} has no ready endpoint: sidecars get nothing new")
    return Finding(f"{len(ready)} endpoints")


def mesh_config(context: Context) -> Finding:
    found = context.cluster.find(f"{MESH_API}/meshconfigs/default")
    if found is None:
        raise Warned("there is no MeshConfig default: the built-in defaults hold (strict mTLS, default deny)")
    spec = found.get("spec", {})
    mode = spec.get("mtls", {}).get("mode", "Strict")
    default = spec.get("authorization", {}).get("default", "Deny")
    if (mode, default) != ("Strict", "Deny"):
        raise Warned(f"mTLS is {mode} and the default action is {default}: less than the mesh can do")
    return Finding(f"mTLS {mode}, default {default}")


def control_plane_pods(context: Context) -> list[pods.Pod]:
    found = pods.running(pods.listed(context.cluster, context.namespace))
    return [pod for pod in found if pod.owner == f"Deployment/{CONTROL_PLANE}"]


INSTALLED = Check(
    name="installed",
    description="the mesh is installed",
    hint="meshctl install, or give --namespace",
    run=installed,
    fatal=True,
)
CATEGORY = Category(
    "control-plane",
    "Control plane",
    (
        INSTALLED,
        Check(
            name="replicas",
            description="the replicas are ready",
            hint=f"kubectl -n heddle-system describe deployment {CONTROL_PLANE}",
            run=replicas,
            retry_seconds=30,
        ),
        Check(
            name="answers",
            description="each replica says it is ready",
            hint=f"kubectl -n heddle-system logs deployment/{CONTROL_PLANE}",
            run=answers,
            retry_seconds=20,
        ),
        Check(
            name="endpoints",
            description="sidecars can reach it",
            hint=f"kubectl -n heddle-system get endpointslices -l kubernetes.io/service-name={CONTROL_PLANE}",
            run=service,
        ),
        Check(
            name="leader",
            description="one replica leads",
            hint=f"may the replicas write Leases? kubectl -n heddle-system logs deployment/{CONTROL_PLANE}",
            run=leader,
            retry_seconds=30,
        ),
        Check(
            name="mesh-config",
            description="the mesh encrypts and denies by default",
            hint=f"kubectl get meshconfigs.{GROUP} default -o yaml",
            run=mesh_config,
        ),
    ),
)

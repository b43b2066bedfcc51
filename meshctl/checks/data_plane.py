"""Does every sidecar run, on the same version and on what was last decided?"""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import Any

from meshctl import pods
from meshctl.checks import Category, Check, CheckFailed, Context, Finding, Skipped, Warned
from meshctl.checks.control_plane import deployment_path
from meshctl.client import ApiError
from meshctl.names import CONTROLLER_NAME, GATEWAY_API, GATEWAY_X_API, GROUP, HEALTH_PORT, MESH_API, METRICS_PORT
from meshctl.pods import Pod

MOST = 200
"""Sidecars that are asked one by one; of more, the first ones are."""
EXPIRY = re.compile(r"^heddle_agent_certificate_expiry_seconds(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)
INJECTOR = f".injector.{GROUP}"
"""In the names of the webhooks that give pods their sidecar."""
SOON_SECONDS = 6 * 3600
"""A certificate is renewed at half of its 24 h; one with so little left is not being renewed."""


def meshed(context: Context) -> list[Pod]:
    found = [pod for pod in pods.running(pods.listed(context.cluster)) if pod.meshed]
    if not found:
        raise Skipped("no pod is in the mesh yet")
    return found


def ready(context: Context) -> Finding:
    found = meshed(context)
    unready = [pod.key for pod in found if not pod.proxy_ready]
    if unready:
        raise CheckFailed(f"{len(unready)} of {len(found)} sidecars are not ready: {', '.join(unready[:5])}")
    return Finding(f"{len(found)}", {"sidecars": len(found)})


def answers(context: Context) -> Finding:
    """Each sidecar says itself that certificate, snapshot and HAProxy are in place."""
    found, silent = meshed(context)[:MOST], []
    for pod in found:
        try:
            context.cluster.pod_get(pod.namespace, pod.name, HEALTH_PORT, "/readyz")
        except ApiError as error:
            silent.append(f"{pod.key} ({error})")
    if silent:
        raise CheckFailed(f"{len(silent)} of {len(found)} have no certificate, snapshot or HAProxy: {silent[0]}")
    return Finding(f"{len(found)}")


def metrics(context: Context) -> Finding:
    """Each gives its series, and they say that its certificate lives on."""
    found, silent, ending = meshed(context)[:MOST], [], []
    now = time.time()
    left = float("inf")
    for pod in found:
        try:
            text = context.cluster.pod_get(pod.namespace, pod.name, METRICS_PORT, "/metrics")
        except ApiError as error:
            silent.append(f"{pod.key} ({error})")
            continue
        if "haproxy_" not in text or "heddle_agent_" not in text:
            silent.append(f"{pod.key} (no series of HAProxy or of the agent)")
        expiry = EXPIRY.search(text)
        seconds = float(expiry.group(1)) - now if expiry else 0.0
        left = min(left, seconds)
        if seconds < SOON_SECONDS:
            ending.append(f"{pod.key} ({seconds / 3600:.1f} h)")
    if silent:
        raise CheckFailed(f"{len(silent)} of {len(found)} give no metrics: {silent[0]}")
    if ending:
        raise CheckFailed(f"{len(ending)} certificates are not renewed: {', '.join(ending[:5])}")
    return Finding(f"{len(found)}, the first certificate ends in {left / 3600:.0f} h")


def versions(context: Context) -> Finding:
    """Each has the image that new pods get: after an upgrade those that were there before have not."""
    found = meshed(context)
    newest = injected_image(context) or Counter(pod.proxy_image for pod in found).most_common(1)[0][0]
    behind = [pod for pod in found if pod.proxy_image != newest]
    if behind:
        owners = sorted({f"{pod.namespace}/{pod.owner}" for pod in behind})
        more = f" and {len(owners) - 5} more" if len(owners) > 5 else ""
        raise Warned(
            f"{len(behind)} of {len(found)} are not of {newest}, as new pods are; restart {', '.join(owners[:5])}{more}"
        )
    return Finding(newest)


def injected_image(context: Context) -> str:
    """What the control plane gives to new pods; empty: it does not say."""
    deployment = context.cluster.find(deployment_path(context)) or {}
    containers = deployment.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
    variables = [one for container in containers for one in container.get("env", [])]
    return next((str(one["value"]) for one in variables if one["name"] == "HEDDLE_IMAGE"), "")


def restarts(context: Context) -> Finding:
    restarted = [f"{pod.key} ({pod.proxy_restarts})" for pod in meshed(context) if pod.proxy_restarts > 0]
    if restarted:
        raise Warned(f"sidecars were restarted: {', '.join(restarted[:5])}")
    return Finding()


def forgotten(context: Context) -> Finding:
    """Pods that are older than the label of their namespace have no sidecar."""
    labelled = {
        one["metadata"]["name"] for one in context.cluster.items("/api/v1/namespaces", "mesh.heddle.dev/inject=enabled")
    }
    outside = [
        pod.key
        for pod in pods.running(pods.listed(context.cluster))
        if pod.namespace in labelled and not pod.meshed and pod.labels.get("mesh.heddle.dev/inject") != "disabled"
    ]
    if outside:
        raise Warned(f"{len(outside)} pods run without a sidecar in meshed namespaces: {', '.join(outside[:5])}")
    return Finding()


def refused_pods(context: Context) -> Finding:
    """While no control plane answers, pods are refused; their ReplicaSets try again ever later, up to 17 minutes."""
    waiting = [
        f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        for item in context.cluster.items("/apis/apps/v1/replicasets")
        for one in (item.get("status") or {}).get("conditions", [])
        if (one["type"], one["status"]) == ("ReplicaFailure", "True") and INJECTOR in one.get("message", "")
    ]
    if waiting:
        more = f" and {len(waiting) - 5} more" if len(waiting) > 5 else ""
        raise Warned(f"the injector refused pods of {', '.join(sorted(waiting)[:5])}{more}; they are tried again later")
    return Finding()


KINDS = (
    f"{GATEWAY_API}/httproutes",
    f"{GATEWAY_API}/grpcroutes",
    f"{GATEWAY_API}/tcproutes",
    f"{GATEWAY_API}/tlsroutes",
    f"{GATEWAY_X_API}/xbackendtrafficpolicies",
    f"{MESH_API}/servicesubsets",
    f"{MESH_API}/serviceintentions",
    f"{MESH_API}/trafficpolicies",
)


def conditions(context: Context) -> Finding:
    """Every object of the mesh is accepted, resolved and runs in all sidecars that need it."""
    wrong, parts, seen = [], [], 0
    for path in KINDS:
        for item in context.cluster.items(path):
            meta = item["metadata"]
            name = f"{path.rpartition('/')[2]} {meta['namespace']}/{meta['name']}"
            found = conditions_of(item)
            seen += bool(found)
            wrong += [
                f"{name}: {one['type']} is {one['status']}: {one.get('message', one.get('reason', ''))}"
                for one in found
                if one["type"] in ("Accepted", "ResolvedRefs", "Programmed") and one["status"] != "True"
            ]
            wrong += [f"{name}: the control plane finds no Service {service}, its parent" for service in orphaned(item)]
            parts += [
                f"{name}: {one.get('message', one.get('reason', ''))}"
                for one in found
                if one["type"] == "PartiallyInvalid" and one["status"] == "True"
            ]
    if wrong:
        raise CheckFailed(f"{len(wrong)} objects are not in effect. {wrong[0]}", wrong=wrong[:50])
    if parts:
        raise Warned(f"{len(parts)} objects are in effect in part. {parts[0]}")
    return Finding(f"{seen} objects")


def orphaned(item: dict[str, Any]) -> list[str]:
    """The Services that a route names as parents and of which its status says nothing: a parent that does not exist
    has no entry there (Gateway API, RouteStatus.parents)."""
    home = item["metadata"]["namespace"]
    parents = [one for one in item.get("spec", {}).get("parentRefs", ()) if _is_service(one)]
    entries = (item.get("status") or {}).get("parents", ())
    ours = [one.get("parentRef", {}) for one in entries if one.get("controllerName") == CONTROLLER_NAME]
    known = {_named(one, home) for one in ours}
    return sorted({_named(one, home) for one in parents} - known)


def _is_service(parent: dict[str, str]) -> bool:
    return parent.get("group") == "" and parent.get("kind") == "Service"


def _named(parent: dict[str, str], home: str) -> str:
    return f"{parent.get('namespace', home)}/{parent.get('name', '')}"


def conditions_of(item: dict[str, object]) -> list[dict[str, str]]:
    """Conditions of our own kinds, and of the Gateway API's those that the mesh's controller wrote."""
    status = item.get("status") or {}
    assert isinstance(status, dict)  # noqa: S101 - the API's own schema
    entries = [*status.get("parents", []), *status.get("ancestors", [])]
    parents = [one for one in entries if one.get("controllerName") == CONTROLLER_NAME]
    nested = [condition for parent in parents for condition in parent.get("conditions", [])]
    return [*status.get("conditions", []), *nested]


CATEGORY = Category(
    "data-plane",
    "Sidecars",
    (
        Check(
            name="ready",
            description="all sidecars are ready",
            hint="kubectl -n NAMESPACE logs POD -c heddle-proxy; meshctl proxy status NAMESPACE/POD",
            run=ready,
            retry_seconds=30,
        ),
        Check(
            name="answers",
            description="each has its certificate and its configuration",
            hint="meshctl proxy status NAMESPACE/POD",
            run=answers,
            retry_seconds=20,
        ),
        Check(
            name="metrics",
            description="each gives metrics, and renews its certificate",
            hint="meshctl proxy status NAMESPACE/POD",
            run=metrics,
        ),
        Check(
            name="versions",
            description="all are of the version that new pods get",
            hint="kubectl -n NAMESPACE rollout restart deployment/NAME",
            run=versions,
        ),
        Check(
            name="restarts",
            description="none was restarted",
            hint="kubectl -n NAMESPACE logs POD -c heddle-proxy --previous",
            run=restarts,
        ),
        Check(
            name="forgotten",
            description="no pod of a meshed namespace runs without one",
            hint="kubectl -n NAMESPACE rollout restart deployment/NAME",
            run=forgotten,
        ),
        Check(
            name="refused",
            description="no workload waits for a pod that the injector refused",
            hint="kubectl -n NAMESPACE describe replicaset NAME; once it is mended, at once: "
            "kubectl -n NAMESPACE annotate replicaset NAME try-again=now --overwrite",
            run=refused_pods,
        ),
    ),
)
CONFIGURATION = Category(
    "configuration",
    "Configuration",
    (
        Check(
            name="conditions",
            description="every route and policy is in effect",
            hint="kubectl describe the object: its conditions name the field and what would be right",
            run=conditions,
            retry_seconds=20,
        ),
    ),
)

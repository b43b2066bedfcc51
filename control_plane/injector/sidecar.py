"""The containers and volumes that a meshed pod gets. Names, ports, mounts and environment: docs/contract.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from control_plane.injector.pod import Pod
from control_plane.injector.probes import HEALTH_PORT, Target
from control_plane.injector.settings import InjectorSettings, Resources
from control_plane.injector.wishes import Wishes

CAPTURE = "heddle-capture"
PROXY = "heddle-proxy"
RUN_VOLUME = "heddle-run"
TOKEN_VOLUME = "heddle-token"  # noqa: S105 - the name of a volume
UID = 1337
METRICS_PORT = 15090
PRE_STOP_SECONDS = 3
"""Callers have stopped sending by then: an endpoint's removal reaches every sidecar in well under a second."""

type Object = dict[str, Any]


def capture(settings: InjectorSettings, wishes: Wishes) -> Object:
    """The init container that redirects the pod's traffic, and is then gone."""
    return {
        "name": CAPTURE,
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": ["python", "-OO", "-m", "proxy.capture"],
        "env": [
            _env("HEDDLE_EXCLUDE_INBOUND_PORTS", ",".join(map(str, wishes.exclude_inbound_ports))),
            _env("HEDDLE_EXCLUDE_OUTBOUND_PORTS", ",".join(map(str, wishes.exclude_outbound_ports))),
            _env("HEDDLE_EXCLUDE_OUTBOUND_CIDRS", ",".join(wishes.exclude_outbound_cidrs)),
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "runAsUser": 0,
            "runAsGroup": 0,
            "runAsNonRoot": False,
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN", "NET_RAW"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def proxy(settings: InjectorSettings, wishes: Wishes, pod: Pod, probes: Mapping[str, Target]) -> Object:
    """The native sidecar: started before, and stopped after, everything else in the pod."""
    drain = max(1, min(settings.drain_seconds, pod.grace_seconds))
    return {
        "name": PROXY,
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "restartPolicy": "Always",
        "env": [
            _env("HEDDLE_CONTROL_PLANE", settings.control_plane),
            _env("HEDDLE_TRUST_BUNDLE", settings.trust_bundle),
            _env("HEDDLE_TRUST_DOMAIN", settings.trust_domain),
            _downward("HEDDLE_NAMESPACE", "metadata.namespace"),
            _downward("HEDDLE_POD", "metadata.name"),
            _downward("HEDDLE_POD_IP", "status.podIP"),
            _downward("HEDDLE_SERVICE_ACCOUNT", "spec.serviceAccountName"),
            _env("HEDDLE_PROBES", json.dumps(probes, sort_keys=True, separators=(",", ":"))),
            _env("HEDDLE_LOG_LEVEL", wishes.log_level or settings.log_level),
            _env("HEDDLE_DRAIN_SECONDS", str(drain)),
        ],
        "ports": [
            {"name": "heddle-health", "containerPort": HEALTH_PORT, "protocol": "TCP"},
            {"name": "heddle-metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
        ],
        # The first certificate and snapshot come within a second; five minutes bridge a control plane that is away.
        "startupProbe": _ask("/readyz", periodSeconds=1, timeoutSeconds=2, failureThreshold=300),
        "readinessProbe": _ask("/readyz", periodSeconds=2, timeoutSeconds=2, failureThreshold=3),
        "livenessProbe": _ask("/livez", periodSeconds=10, timeoutSeconds=5, failureThreshold=6),
        "resources": _resources(settings.resources, wishes),
        "securityContext": {
            "runAsUser": UID,
            "runAsGroup": UID,
            "runAsNonRoot": True,
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": RUN_VOLUME, "mountPath": "/run/heddle"},
            {"name": TOKEN_VOLUME, "mountPath": "/var/run/secrets/mesh.heddle.dev", "readOnly": True},
        ],
    }


def volumes() -> list[Object]:
    """The run folder, in memory, and the token that opens the control plane's own endpoint and nothing else."""
    token = {"audience": "mesh.heddle.dev", "expirationSeconds": 3600, "path": "token"}
    return [
        {"name": RUN_VOLUME, "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        {"name": TOKEN_VOLUME, "projected": {"sources": [{"serviceAccountToken": token}]}},
    ]


def pre_stop_seconds(pod: Pod) -> int:
    """How long an application waits before it is told to end: at most half of its grace period; 0: not at all."""
    return min(PRE_STOP_SECONDS, pod.grace_seconds // 2)


def _env(name: str, value: str) -> Object:
    # Kubernetes expands $(NAME) in values; $$ is how one $ is written.
    return {"name": name, "value": value.replace("$", "$$")}


def _downward(name: str, path: str) -> Object:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _ask(path: str, **numbers: int) -> Object:
    return {"httpGet": {"path": path, "port": HEALTH_PORT, "scheme": "HTTP"}, **numbers}


def _resources(base: Resources, wishes: Wishes) -> Object:
    """The mesh's default; an annotation replaces the request, and the limit where the mesh has one."""
    found: Object = {"requests": dict(base.requests), "limits": dict(base.limits)}
    for name, wish in (("cpu", wishes.proxy_cpu), ("memory", wishes.proxy_memory)):
        if wish is not None:
            found["requests"][name] = wish
            if name in found["limits"]:
                found["limits"][name] = wish
    return {part: amounts for part, amounts in found.items() if amounts}

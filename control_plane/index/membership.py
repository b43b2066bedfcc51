"""Which pods are in the mesh, who they are, and how they are dialled."""

from __future__ import annotations

from typing import get_args

from control_plane.index.store import Index
from control_plane.kinds.meta import GROUP
from control_plane.kinds.pod import MTLS_LABEL, SIDECAR_PORTS, Pod
from control_plane.kinds.service import ServicePort
from mesh_policy.identity import SpiffeId
from mesh_policy.snapshot import DefaultAction, MtlsMode

AUTHORIZATION_LABEL = f"{GROUP}/authorization"
CHAOS_LABEL = f"{GROUP}/chaos"

_MODES: dict[str, MtlsMode] = {mode: mode for mode in get_args(MtlsMode)}
_ACTIONS: dict[str, DefaultAction] = {action: action for action in get_args(DefaultAction)}


def service_account_id(index: Index, namespace: str, service_account: str) -> str:
    """The SPIFFE URI of a ServiceAccount."""
    return SpiffeId(index.mesh.spec.trust_domain, namespace, service_account).uri


def identity_of(index: Index, pod: Pod) -> str:
    """The SPIFFE URI that a pod's sidecar proves."""
    return service_account_id(index, pod.metadata.namespace, pod.spec.service_account_name or "default")


def mtls_mode(index: Index, pod: Pod) -> MtlsMode:
    """Label of the pod, else of the namespace, else MeshConfig. A value that is none of the modes counts as Strict."""
    for labels in (pod.metadata.labels, index.namespace_labels(pod.metadata.namespace)):
        if MTLS_LABEL in labels:
            return _MODES.get(labels[MTLS_LABEL], "Strict")
    return index.mesh.spec.mtls.mode


def default_action(index: Index, namespace: str) -> DefaultAction:
    """Label of the namespace, else MeshConfig. A value that is none of the actions counts as Deny."""
    labels = index.namespace_labels(namespace)
    if AUTHORIZATION_LABEL in labels:
        return _ACTIONS.get(labels[AUTHORIZATION_LABEL], "Deny")
    return index.mesh.spec.authorization.default


def peer_identity(index: Index, pod: Pod | None, port: int) -> str | None:
    """Whom a client must find at a pod's port; None: it is dialled in plain (no sidecar there, or not on that port)."""
    if pod is None or not pod.is_meshed or port in pod.excluded_ports or port in SIDECAR_PORTS:
        return None
    return None if mtls_mode(index, pod) == "Disabled" else identity_of(index, pod)


def consents_to_chaos(index: Index, namespace: str) -> bool:
    """Whether faults may be injected into a namespace's traffic."""
    return index.namespace_labels(namespace).get(CHAOS_LABEL) == "allowed"


def target_port(pod: Pod, port: ServicePort) -> int | None:
    """The number that a Service port has in a pod; None: the pod has no port of that name."""
    match port.target_port:
        case str() as name:
            return pod.container_port(name)
        case int() as number if number:
            return number
        case _:
            return port.port

"""The decision about one pod: inject it (RFC 6902 patch), leave it alone, or refuse it with every reason at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from control_plane.injector import sidecar
from control_plane.injector.checks import refusals, reservations, warnings
from control_plane.injector.pod import Pod
from control_plane.injector.probes import Operation, Target, rewrite
from control_plane.injector.settings import InjectorSettings
from control_plane.injector.wishes import INJECT, STATUS, parse_wishes
from mesh_policy.errors import Violation


class NamespaceWish(StrEnum):
    """The label `mesh.heddle.dev/inject` of the pod's namespace, as the API server's own selectors saw it."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    """Also: no label."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Injected:
    patch: tuple[Operation, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Untouched:
    reason: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    violations: tuple[Violation, ...]


type Decision = Injected | Untouched | Refused


def inject(pod: Pod, namespace: NamespaceWish, settings: InjectorSettings) -> Decision:
    """Decide about a pod that is being created.

    Order: the pod's label wins over the namespace's; then what cannot be meshed (host network, Windows) is left
    alone; then a pod that has its sidecar already; then everything that is wrong is reported together.
    """
    wanted = _wanted(pod, namespace)
    if isinstance(wanted, Violation):
        return _unreadable((wanted,), settings)
    return _left_alone(pod, wanted) or _patched(pod, settings)


def _left_alone(pod: Pod, wanted: bool) -> Untouched | None:
    system = pod.spec.os.name if pod.spec.os is not None else "linux"
    if not wanted:
        return Untouched("the pod is not to be injected")
    if pod.spec.host_network:
        return Untouched("hostNetwork pods share the node's network and cannot be meshed", _asked(pod, "hostNetwork"))
    if system != "linux":
        return Untouched(f"pods for {system[:20]} cannot be meshed", _asked(pod, "os"))
    if _injected_already(pod):
        return Untouched("the pod has its sidecar already")
    return None


def _patched(pod: Pod, settings: InjectorSettings) -> Decision:
    wishes, unreadable = parse_wishes(pod.labels, pod.annotations)
    moved = _move_probes(pod)
    impossible = (*reservations(pod), *refusals(pod), *moved.faults)
    if impossible:
        return Refused((*unreadable, *impossible))
    if unreadable:
        return _unreadable(unreadable, settings)
    proxy = sidecar.proxy(settings, wishes, pod, moved.targets)
    patch = (
        *moved.operations,
        *_pre_stop(pod),
        *_insert_containers(pod, [sidecar.capture(settings, wishes), proxy]),
        *_append_volumes(pod),
        *_mark(pod),
    )
    return Injected(patch, warnings(pod, wishes))


def _wanted(pod: Pod, namespace: NamespaceWish) -> bool | Violation:
    label = pod.labels.get(INJECT)
    if label is not None:
        if label in ("enabled", "disabled"):
            return label == "enabled"
        return Violation(f"metadata.labels[{INJECT}]", f"{label[:40]!r} is not one of enabled, disabled")
    if namespace is NamespaceWish.UNREADABLE:
        return Violation(
            f"namespace's label {INJECT}", "its value is not one of enabled, disabled; correct it on the namespace"
        )
    return namespace is NamespaceWish.ENABLED


def _unreadable(violations: tuple[Violation, ...], settings: InjectorSettings) -> Refused | Untouched:
    if settings.unreadable == "refuse":
        return Refused(violations)
    said = tuple(f"{violation}: the pod starts without a sidecar" for violation in violations)
    return Untouched("a label or annotation cannot be read", said)


def _asked(pod: Pod, field: str) -> tuple[str, ...]:
    """Silence is right for a pod that only stands in a meshed namespace; one that asked by name gets a word."""
    if pod.labels.get(INJECT) == "enabled":
        return (f"spec.{field}: the pod asks to be injected by its label, but cannot be meshed; it starts without",)
    return ()


def _injected_already(pod: Pod) -> bool:
    """Both containers and the mark: any less is not a sidecar of ours (checks.reservations refuses it)."""
    names = {container.name for container in pod.init_containers}
    return pod.annotations.get(STATUS) == "injected" and {sidecar.CAPTURE, sidecar.PROXY} <= names


@dataclass(frozen=True, slots=True)
class _Moved:
    targets: dict[str, Target]
    operations: tuple[Operation, ...]
    faults: tuple[Violation, ...]


def _move_probes(pod: Pod) -> _Moved:
    targets: dict[str, Target] = {}
    operations: list[Operation] = []
    faults: list[Violation] = []
    for field, containers in (("initContainers", pod.init_containers), ("containers", pod.spec.containers)):
        for index, container in enumerate(containers):
            found = rewrite(container, field, index)
            targets |= found[0]
            operations += found[1]
            faults += found[2]
    return _Moved(targets, tuple(operations), tuple(faults))


def _pre_stop(pod: Pod) -> list[Operation]:
    """A short sleep for containers without a hook of their own. Kubernetes wants it within the grace period."""
    seconds = sidecar.pre_stop_seconds(pod)
    operations: list[Operation] = []
    for index, container in enumerate(pod.spec.containers):
        if not seconds or (container.lifecycle is not None and container.lifecycle.pre_stop is not None):
            continue
        at = f"/spec/containers/{index}/lifecycle"
        hook = {"sleep": {"seconds": seconds}}
        if container.lifecycle is None:
            operations.append({"op": "add", "path": at, "value": {"preStop": hook}})
        else:
            operations.append({"op": "add", "path": f"{at}/preStop", "value": hook})
    return operations


def _insert_containers(pod: Pod, containers: list[sidecar.Object]) -> list[Operation]:
    """First of all init containers, so that the others have their network through the mesh already."""
    if pod.spec.init_containers is None:
        return [{"op": "add", "path": "/spec/initContainers", "value": containers}]
    return [
        {"op": "add", "path": f"/spec/initContainers/{index}", "value": container}
        for index, container in enumerate(containers)
    ]


def _append_volumes(pod: Pod) -> list[Operation]:
    if pod.spec.volumes is None:
        return [{"op": "add", "path": "/spec/volumes", "value": sidecar.volumes()}]
    return [{"op": "add", "path": "/spec/volumes/-", "value": volume} for volume in sidecar.volumes()]


def _mark(pod: Pod) -> list[Operation]:
    if pod.metadata.annotations is None:
        return [{"op": "add", "path": "/metadata/annotations", "value": {STATUS: "injected"}}]
    return [{"op": "add", "path": f"/metadata/annotations/{STATUS.replace('/', '~1')}", "value": "injected"}]

"""What a pod may not be if it is to be meshed, and what its owner should know."""

from __future__ import annotations

from control_plane.injector import sidecar
from control_plane.injector.pod import Container, Pod
from control_plane.injector.wishes import EXCLUDE_INBOUND_PORTS, RESERVED_PORTS, STATUS, Wishes, unknown_keys
from mesh_policy.errors import Violation

_OWN_VOLUMES = (sidecar.RUN_VOLUME, sidecar.TOKEN_VOLUME)


def reservations(pod: Pod) -> tuple[Violation, ...]:
    """Names, ports and volumes that are the sidecar's own, in a pod that has no sidecar."""
    found: list[Violation] = []
    for at, container in _containers(pod):
        if container.name in (sidecar.CAPTURE, sidecar.PROXY):
            found.append(Violation(f"{at}.name", f"{container.name} is the mesh's own name; choose another"))
        found += [
            Violation(
                f"{at}.ports[{i}].containerPort",
                f"{port.container_port} belongs to the sidecar (15000 to 15099); choose another port",
            )
            for i, port in enumerate(container.ports or [])
            if port.container_port in RESERVED_PORTS
        ]
        # Without such a volume in the pod this would be wrong by itself, but the injector adds the volumes.
        found += [
            Violation(
                f"{at}.volumeMounts[{i}].name", f"{mount.name} is the mesh's own volume; the sidecar alone has it"
            )
            for i, mount in enumerate(container.volume_mounts or [])
            if mount.name in _OWN_VOLUMES
        ]
    found += [
        Violation(f"spec.volumes[{i}].name", f"{volume.name} is the mesh's own name; choose another")
        for i, volume in enumerate(pod.spec.volumes or [])
        if volume.name in _OWN_VOLUMES
    ]
    if STATUS in pod.annotations:
        found.append(Violation(f"metadata.annotations[{STATUS}]", "only the injector sets it; remove it"))
    return tuple(found)


def refusals(pod: Pod) -> tuple[Violation, ...]:
    """A process of the sidecar's user passes by the capture: no container of the pod may be one."""
    whole = pod.spec.security_context
    pod_user = whole.run_as_user if whole is not None else None
    found = []
    for at, container in _containers(pod):
        own = container.security_context
        user = own.run_as_user if own is not None and own.run_as_user is not None else pod_user
        if user == sidecar.UID:
            message = f"user {sidecar.UID} is the sidecar's, whose traffic is not captured; choose another user id"
            found.append(Violation(f"{at}.securityContext.runAsUser", message))
    return tuple(found)


def warnings(pod: Pod, wishes: Wishes) -> tuple[str, ...]:
    """What works, but not as its owner may think. Shown by kubectl."""
    found = list(unknown_keys(pod.labels, pod.annotations))
    if pod.spec.share_process_namespace:
        found.append("spec.shareProcessNamespace: the application sees the sidecar's processes and may signal them")
    if pod.spec.dns_policy in ("None", "Default"):
        found.append(
            f"spec.dnsPolicy: {pod.spec.dns_policy} may not resolve the control plane's name; "
            "the pod starts only if its resolver knows the cluster's names"
        )
    for at, container in _containers(pod):
        found += _hooks(at, container, wishes)
        own = container.security_context
        added = (own.capabilities.add or []) if own is not None and own.capabilities is not None else []
        if own is not None and (own.privileged or "NET_ADMIN" in added or "ALL" in added):
            found.append(f"{at}.securityContext: with NET_ADMIN the container can undo the capture of its own pod")
    return tuple(found)


def _hooks(at: str, container: Container, wishes: Wishes) -> list[str]:
    lifecycle = container.lifecycle
    if lifecycle is None:
        return []
    found = []
    for name, hook in (("postStart", lifecycle.post_start), ("preStop", lifecycle.pre_stop)):
        if hook is None or hook.http_get is None or hook.http_get.host:
            continue
        port = hook.http_get.port
        named = {p.name: p.container_port for p in container.ports or [] if p.name}
        if (named.get(port) if isinstance(port, str) else port) not in wishes.exclude_inbound_ports:
            found.append(
                f"{at}.lifecycle.{name}.httpGet: the kubelet asks in plaintext, which Strict refuses; "
                f"use exec, or list the port in {EXCLUDE_INBOUND_PORTS}"
            )
    return found


def _containers(pod: Pod) -> list[tuple[str, Container]]:
    return [
        *((f"spec.initContainers[{i}]", container) for i, container in enumerate(pod.init_containers)),
        *((f"spec.containers[{i}]", container) for i, container in enumerate(pod.spec.containers)),
    ]

"""Probes of the application, asked through the sidecar: the kubelet holds no certificate, so Strict would refuse it.

The kubelet asks 15020, the agent asks the application on the pod's address (docs/contract.md, HEDDLE_PROBES).
"""

from __future__ import annotations

from typing import Any

import msgspec

from control_plane.injector.pod import Container, Probe
from mesh_policy.errors import Violation

HEALTH_PORT = 15020
_KINDS = (("livenessProbe", "livez"), ("readinessProbe", "readyz"), ("startupProbe", "startupz"))

type Operation = dict[str, Any]
"""One operation of RFC 6902."""
type Target = dict[str, Any]
"""One entry of HEDDLE_PROBES."""


def rewrite(container: Container, field: str, index: int) -> tuple[dict[str, Target], list[Operation], list[Violation]]:
    """Move the network probes of one container to the sidecar.

    Args:
        container: the container as it is in the pod.
        field: `containers` or `initContainers`.
        index: its place there.

    Returns:
        The entries of HEDDLE_PROBES, the operations on the pod, and what cannot be done.
    """
    targets: dict[str, Target] = {}
    operations: list[Operation] = []
    faults: list[Violation] = []
    probes = (container.liveness_probe, container.readiness_probe, container.startup_probe)
    for (kind, word), probe in zip(_KINDS, probes, strict=True):
        handler = _handler(probe)
        if probe is None or handler is None:
            continue  # exec runs inside the container; a probe with a host of its own never comes through the pod
        name, target = handler
        port = _number(container, target["port"])
        if port is None:
            faults.append(
                Violation(
                    f"spec.{field}[{index}].{kind}.{name}.port",
                    f"{str(target['port'])[:40]!r} is neither a port from 1 to 65535 nor the name of one of "
                    f"container {container.name}",
                )
            )
            continue
        path = f"/app-health/{container.name}/{word}"
        targets[path] = {name: {**target, "port": port}, "timeoutSeconds": probe.timeout_seconds or 1}
        at = f"/spec/{field}/{index}/{kind}"
        asked = {"path": path, "port": HEALTH_PORT, "scheme": "HTTP"}
        if name != "httpGet":
            operations.append({"op": "remove", "path": f"{at}/{name}"})
        operations.append({"op": "replace" if name == "httpGet" else "add", "path": f"{at}/httpGet", "value": asked})
    return targets, operations, faults


def _handler(probe: Probe | None) -> tuple[str, dict[str, Any]] | None:
    """The network question of a probe, without the fields that are not given."""
    if probe is None:
        return None
    if probe.http_get is not None and not probe.http_get.host:
        found = msgspec.to_builtins(probe.http_get)
        return "httpGet", {key: value for key, value in found.items() if value not in (None, "")}
    if probe.tcp_socket is not None and not probe.tcp_socket.host:
        return "tcpSocket", {"port": probe.tcp_socket.port}
    if probe.grpc is not None:
        service = {"service": probe.grpc.service} if probe.grpc.service else {}
        return "grpc", {"port": probe.grpc.port, **service}
    return None


def _number(container: Container, port: int | str) -> int | None:
    """A port by number or by the name that the container gave it. Kubernetes looks nowhere else.

    The API server checks a probe after it was rewritten: a number that is no port would not be seen any more.
    """
    if isinstance(port, str) and port.isascii() and port.isdigit() and len(port) <= 5:
        port = int(port)
    if isinstance(port, int):
        return port if 1 <= port <= 65535 else None
    return next((p.container_port for p in container.ports or [] if p.name == port), None)

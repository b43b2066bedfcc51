"""meshctl status: who is in the mesh, what each runs, who is behind."""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rich.text import Text

from meshctl import pods
from meshctl.client import Cluster
from meshctl.commands import Session
from meshctl.errors import MeshctlError
from meshctl.names import METRICS_PORT
from meshctl.pods import Pod

EXAMPLES = """examples:
  meshctl status                  all namespaces that are in the mesh, or have pods in it
  meshctl status shop staging     only these
  meshctl status -o json          pod by pod
"""
ASKED_AT_ONCE = 8
SERIES = re.compile(r"^(heddle_agent_[a-z_]+)(?:\{([^}]*)\})? ([0-9.eE+-]+)$", re.MULTILINE)
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a sidecar's own metrics say; empty and False when it does not answer."""

    version: str = ""
    """Of the configuration it runs."""
    connected: bool = False
    """To the control plane."""
    answered: bool = False


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("namespaces", nargs="*", metavar="NAMESPACE")
    parser.epilog = EXAMPLES


def run(session: Session) -> int:
    output, cluster = session.output, session.cluster()
    wanted = set(session.options.namespaces) or meshed_namespaces(cluster)
    found = [pod for pod in pods.running(pods.listed(cluster)) if pod.meshed or pod.namespace in wanted]
    if session.options.namespaces:
        found = [pod for pod in found if pod.namespace in wanted]
    meshed = [pod for pod in found if pod.meshed]
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        asked = dict(zip((pod.key for pod in meshed), pool.map(lambda pod: ask(cluster, pod), meshed), strict=True))
    output.result({"pods": [to_json(pod, asked.get(pod.key)) for pod in found]})
    groups: dict[tuple[str, str], list[Pod]] = defaultdict(list)
    for pod in found:
        groups[pod.namespace, pod.owner].append(pod)
    rows = [row(members, asked) for _, members in sorted(groups.items())]
    if rows:
        output.table("", ["NAMESPACE", "WORKLOAD", "MESHED", "READY", "SIDECAR", "CONFIGURATION", "IDENTITY"], rows)
    for pod in meshed:
        if not asked[pod.key].answered:
            output.warn(f"the sidecar of {pod.key} does not answer")
        elif not asked[pod.key].connected:
            output.warn(f"{pod.key} has no connection to the control plane: it runs what it knew last")
    if not found and session.options.namespaces:
        output.plain(f"no pod runs in {', '.join(session.options.namespaces)}")
    elif not found:
        output.say("no pod is in the mesh; kubectl label namespace NAME mesh.heddle.dev/inject=enabled")
    return 0


def meshed_namespaces(cluster: Cluster) -> set[str]:
    return {one["metadata"]["name"] for one in cluster.items("/api/v1/namespaces", "mesh.heddle.dev/inject=enabled")}


def ask(cluster: Cluster, pod: Pod) -> Sidecar:
    try:
        return parse(cluster.pod_get(pod.namespace, pod.name, METRICS_PORT, "/metrics"))
    except MeshctlError:
        return Sidecar()


def parse(metrics: str) -> Sidecar:
    """Out of the agent's series (Prometheus text)."""
    version, connected = "", False
    for name, labels, value in SERIES.findall(metrics):
        if name == "heddle_agent_snapshot_info" and float(value) == 1:
            version = dict(LABEL.findall(labels)).get("version", "")
        if name == "heddle_agent_connected":
            connected = float(value) == 1
    return Sidecar(version, connected, True)


def short(version: str) -> str:
    return version.removeprefix("sha256:")[:8]


def row(members: list[Pod], asked: dict[str, Sidecar]) -> list[str | Text]:
    meshed = [pod for pod in members if pod.meshed]
    versions = sorted({short(asked[pod.key].version) or "?" for pod in meshed})
    silent = sum(not asked[pod.key].answered for pod in meshed)
    all_in = len(meshed) == len(members)
    return [
        members[0].namespace,
        members[0].owner,
        Text(f"{len(meshed)}/{len(members)}", "green" if all_in else "yellow"),
        f"{sum(pod.ready for pod in members)}/{len(members)}",
        ", ".join(sorted({pod.proxy_image.rpartition(":")[2] for pod in meshed})) or "-",
        Text.assemble(", ".join(versions) or "-", (f" ({silent} silent)", "red") if silent else ""),
        ", ".join(sorted({f"ns/{pod.namespace}/sa/{pod.service_account}" for pod in meshed})) or "-",
    ]


def to_json(pod: Pod, sidecar: Sidecar | None) -> dict[str, object]:
    return {
        "namespace": pod.namespace,
        "pod": pod.name,
        "workload": pod.owner,
        "node": pod.node,
        "meshed": pod.meshed,
        "ready": pod.ready,
        "sidecarImage": pod.proxy_image or None,
        "configuration": sidecar.version if sidecar else None,
        "connected": sidecar.connected if sidecar else None,
        "restarts": pod.proxy_restarts if pod.meshed else None,
    }

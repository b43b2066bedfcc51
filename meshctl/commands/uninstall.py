"""meshctl uninstall: takes everything away that install brought."""

from __future__ import annotations

import argparse
import time

from meshctl import pods
from meshctl.client import Cluster
from meshctl.commands import Session, helm_arguments
from meshctl.errors import MeshctlError
from meshctl.names import CONTROLLER_NAME, CRDS_RELEASE, MESH_API, RELEASE, XMESH

EXAMPLES = """examples:
  meshctl uninstall                    refuses while pods run with a sidecar
  meshctl uninstall --force            removes the mesh under them: they keep what they last knew
  meshctl uninstall --keep-namespace   leaves the namespace, and in it the Secret with the authority
"""
KINDS = ("servicesubsets", "serviceintentions", "trafficpolicies")


def add(parser: argparse.ArgumentParser) -> None:
    helm_arguments(parser)
    parser.add_argument("--force", action="store_true", help="although meshed pods run, or objects of the mesh exist")
    parser.add_argument(
        "--keep-namespace", action="store_true", help="leave the mesh's namespace and what else is in it"
    )
    parser.epilog = EXAMPLES


def run(session: Session) -> int:
    output, cluster, helm = session.output, session.cluster(), session.helm()
    concerns = [*meshed_pods(cluster), *objects(cluster)]
    for concern in concerns:
        output.warn(concern)
    if concerns and not session.options.force:
        raise MeshctlError(
            "the mesh is in use",
            "remove the inject label and restart those pods, delete the objects; or --force",
        )
    changed = False
    for release in (RELEASE, CRDS_RELEASE):
        removed = helm.uninstall(release, session.namespace)
        output.step(f"{release}: {'removed' if removed else 'was not there'}")
        changed |= removed
    if not session.options.keep_namespace:
        changed |= cluster.delete(f"/api/v1/namespaces/{session.namespace}", "Foreground")
        wait_gone(cluster, f"/api/v1/namespaces/{session.namespace}", session.options.timeout)
    changed |= announcement(cluster)
    output.result({"changed": changed})
    output.say(f"[green]ok[/green]: {'the mesh is removed' if changed else 'there was no mesh'}")
    return 0


def meshed_pods(cluster: Cluster) -> list[str]:
    found = [pod for pod in pods.running(pods.listed(cluster)) if pod.meshed]
    if not found:
        return []
    owners = sorted({f"{pod.namespace}/{pod.owner}" for pod in found})
    more = f" and {len(owners) - 5} more" if len(owners) > 5 else ""
    return [f"{len(found)} pods run with a sidecar: {', '.join(owners[:5])}{more}"]


def objects(cluster: Cluster) -> list[str]:
    """Objects of the mesh's own kinds: they go with their definitions."""
    return [
        f"{len(found)} {kind} will be deleted: {', '.join(names[:3])}{' …' if len(names) > 3 else ''}"
        for kind in KINDS
        if (found := cluster.items(f"{MESH_API}/{kind}"))
        and (names := [f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in found])
    ]


def announcement(cluster: Cluster) -> bool:
    """The XMesh that the control plane made for the mesh itself, in a cluster that knows the kind."""
    found = cluster.find(XMESH)
    ours = found is not None and found.get("spec", {}).get("controllerName") == CONTROLLER_NAME
    return ours and cluster.delete(XMESH)


def wait_gone(cluster: Cluster, path: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while cluster.find(path) is not None:
        if time.monotonic() > deadline:
            raise MeshctlError(f"{path} is still there after {seconds:g} s", "kubectl get it -o yaml: what holds it?")
        time.sleep(1)

"""meshctl install, meshctl upgrade: definitions first, then the control plane; whole or not at all."""

from __future__ import annotations

import argparse
import asyncio
import base64
from pathlib import Path
from typing import Any

from meshctl import ca, charts
from meshctl.checks import Context
from meshctl.checks import run as run_checks
from meshctl.checks.kubernetes import PREFLIGHT
from meshctl.client import Cluster, Object
from meshctl.commands import Session, helm_arguments, values_arguments
from meshctl.errors import MeshctlError
from meshctl.helm import Progress, Values
from meshctl.names import CA_SECRET, CONTROL_PLANE, CRDS_RELEASE, RELEASE, WEBHOOKS

EXAMPLES = """examples:
  meshctl install                                       the control plane makes its own certificate authority
  meshctl ca init --dir ca && meshctl install --ca ca   you keep the root's key
  meshctl install --ha                                  three replicas, for clusters of several nodes
  meshctl install --set image.tag=0.2.0 -f my.yaml      values of the chart
  meshctl upgrade --set proxy.logLevel=debug            keeps what was given before, adds to it
"""
ADMISSION_API = "/apis/admissionregistration.k8s.io/v1"


def add(parser: argparse.ArgumentParser) -> None:
    helm_arguments(parser)
    values_arguments(parser)
    parser.add_argument("--ca", metavar="FOLDER", help="authority made by `meshctl ca init`: its intermediate is used")
    parser.add_argument("--ha", action="store_true", help="with the chart's values-ha.yaml")
    parser.add_argument("--dry-run", action="store_true", help="preflight, and whether anything would change")
    parser.epilog = EXAMPLES


def run(session: Session) -> int:
    options, output = session.options, session.output
    upgrade = options.verb == "upgrade"
    crds, mesh = charts.find(options.charts, "mesh-crds"), charts.find(options.charts, "mesh")
    cluster, helm = session.cluster(), session.helm()
    preflight(session, cluster)
    there = helm.find(RELEASE, session.namespace)
    if upgrade and there is None:
        hint = "meshctl install, or give --namespace"
        raise MeshctlError(f"there is no release {RELEASE} in {session.namespace} to upgrade", hint)
    refuse_foreign(session, cluster, there is not None)
    values = wanted_values(session, mesh, helm.values(RELEASE, session.namespace) if upgrade else {})
    if options.ca:
        values = charts.merge(values, {"ca": {"create": False}})
    helm.check_values(RELEASE, session.namespace, mesh, values)
    if options.dry_run:
        changed = helm.would_change(CRDS_RELEASE, session.namespace, crds, {})
        changed |= helm.would_change(RELEASE, session.namespace, mesh, values)
        output.result({"changed": changed, "dryRun": True})
        output.say(f"this would {'change the mesh' if changed else 'change nothing'}")
        return 0
    changed = ensure_namespace(cluster, session.namespace)
    if options.ca:
        changed |= ensure_ca(cluster, session.namespace, Path(options.ca).expanduser())
    output.step(f"definitions: {CRDS_RELEASE} from {crds.name}")
    _, crds_changed = helm.ensure(CRDS_RELEASE, session.namespace, crds, {})
    output.step(f"control plane: {RELEASE} from {mesh.name}, ready within {options.timeout} s or rolled back")
    release, mesh_changed = helm.ensure(RELEASE, session.namespace, mesh, values, watch_rollout(session, cluster))
    changed |= crds_changed or mesh_changed
    output.result(
        {"changed": changed, "release": release.name, "revision": release.revision, "version": release.version}
    )
    state = "installed" if release.revision == 1 else f"at revision {release.revision}"
    output.say(f"[green]ok[/green]: {release.name} {release.version} {state if changed else 'is as wanted already'}")
    output.say("next: meshctl check")
    output.say("      kubectl label namespace NAME mesh.heddle.dev/inject=enabled   (its new pods join the mesh)")
    return 0


def preflight(session: Session, cluster: Cluster) -> None:
    """Raises MeshctlError with the first thing that is wrong, before anything is changed."""
    context = Context(cluster=cluster, namespace=session.namespace)
    for outcome in run_checks([PREFLIGHT], context):
        if outcome.result == "failed":
            raise MeshctlError(f"{outcome.check.description}: no: {outcome.message}", outcome.check.hint, outcome.code)
        if outcome.result == "warning":
            session.output.warn(outcome.message)


def refuse_foreign(session: Session, cluster: Cluster, ours_is_there: bool) -> None:
    """A second mesh in one cluster would fight over the webhooks and the definitions."""
    for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
        found = cluster.find(f"{ADMISSION_API}/{kind}/{WEBHOOKS}")
        owner = (found or {}).get("metadata", {}).get("annotations", {}).get("meta.helm.sh/release-namespace")
        if found and (owner != session.namespace or not ours_is_there):
            where = f"release in namespace {owner}" if owner else "object that no release owns"
            raise MeshctlError(
                f"{kind.removesuffix('s')} {WEBHOOKS} is there already, of a {where}",
                f"one mesh per cluster: upgrade that one (--namespace), or remove it: kubectl delete {kind} {WEBHOOKS}",
            )


def wanted_values(session: Session, chart: Path, before: Values) -> Values:
    options = session.options
    files = ([str(chart / "values-ha.yaml")] if options.ha else []) + options.values
    return charts.merge(before, charts.read_values(files, options.set))


def ensure_namespace(cluster: Cluster, name: str) -> bool:
    if cluster.find(f"/api/v1/namespaces/{name}") is not None:
        return False
    labels = {"app.kubernetes.io/part-of": "heddle", "mesh.heddle.dev/inject": "disabled"}
    metadata = {"name": name, "labels": labels}
    cluster.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    return True


def ensure_ca(cluster: Cluster, namespace: str, directory: Path) -> bool:
    """Puts the intermediate into the Secret. Another authority that is there is never replaced: that would cut off
    every sidecar which trusts it."""
    data = {name: base64.b64encode(text.encode()).decode() for name, text in ca.secret_data(directory).items()}
    path = f"/api/v1/namespaces/{namespace}/secrets"
    found = cluster.find(f"{path}/{CA_SECRET}")
    if found is not None:
        if found.get("data") == data:
            return False
        raise MeshctlError(
            f"Secret {namespace}/{CA_SECRET} holds another authority than {directory}",
            "leave --ca away to keep it; a change of authority needs a rotation, so that sidecars trust both meanwhile",
        )
    body: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": CA_SECRET, "labels": {"app.kubernetes.io/part-of": "heddle"}},
        "data": data,
    }
    cluster.create(path, body)
    return True


def watch_rollout(session: Session, cluster: Cluster) -> Progress:
    """Says now and then how far the control plane is, while Helm waits."""

    async def watch() -> None:
        said = ""
        while True:
            await asyncio.sleep(5)
            text = await asyncio.to_thread(rollout_state, session.namespace, cluster)
            if text and text != said:
                session.output.step(f"  {text}")
                said = text

    return watch


def rollout_state(namespace: str, cluster: Cluster) -> str:
    try:
        found: dict[str, Any] = cluster.find(f"/apis/apps/v1/namespaces/{namespace}/deployments/{CONTROL_PLANE}") or {}
    except MeshctlError as error:
        return str(error)
    if not found:
        return ""
    status = found.get("status", {})
    return f"{status.get('readyReplicas', 0)} of {found['spec'].get('replicas', 1)} replicas are ready"

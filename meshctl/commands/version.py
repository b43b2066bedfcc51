"""meshctl version: of this program, of the control plane, of the sidecars."""

from __future__ import annotations

import argparse
from collections import Counter
from importlib.metadata import PackageNotFoundError, version

from meshctl import pods
from meshctl.commands import Session
from meshctl.errors import MeshctlError
from meshctl.names import CONTROL_PLANE


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--client", action="store_true", help="ask no cluster")


def own() -> str:
    try:
        return version("heddle-mesh")
    except PackageNotFoundError:
        return "unknown (not installed as a package)"


def run(session: Session) -> int:
    output, control_plane, sidecars, problem = session.output, "", Counter[str](), ""
    if not session.options.client:
        try:
            cluster = session.cluster()
            path = f"/apis/apps/v1/namespaces/{session.namespace}/deployments/{CONTROL_PLANE}"
            found = cluster.find(path)
            if found:
                control_plane = str(found["spec"]["template"]["spec"]["containers"][0]["image"]).rpartition(":")[2]
            meshed = [pod for pod in pods.running(pods.listed(cluster)) if pod.meshed]
            sidecars = Counter(pod.proxy_image.rpartition(":")[2] for pod in meshed)
        except MeshctlError as error:
            problem = str(error)
    output.result(
        {"client": own(), "controlPlane": control_plane or None, "sidecars": dict(sidecars), "problem": problem}
    )
    output.say(f"client         {own()}")
    if not session.options.client:
        output.say(f"control plane  {control_plane or ('unknown' if problem else 'not installed')}")
        shown = ", ".join(f"{tag} ({count})" for tag, count in sidecars.most_common())
        output.say(f"sidecars       {shown or ('unknown' if problem else 'none')}")
    if problem:
        output.warn(problem)
    return 0

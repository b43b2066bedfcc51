"""What the run needs of the cluster beyond the suite: the channel that is installed, the engine that is asked for."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LIMIT_SECONDS = 30
_ANNOTATIONS = "gateway.networking.k8s.io/channel", "gateway.networking.k8s.io/bundle-version"


class Kubectl:
    """kubectl with one kubeconfig."""

    def __init__(self, kubeconfig: str) -> None:
        self._kubeconfig = kubeconfig

    def __call__(self, *args: str) -> dict[str, Any]:
        """Run and read its JSON; an object that is not there is empty.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        argv = ["kubectl", f"--kubeconfig={self._kubeconfig}", *args, "--output=json"]
        done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, timeout=_LIMIT_SECONDS)
        found: dict[str, Any] = json.loads(done.stdout or b"{}")
        return found


def installed_channel(kubectl: Kubectl) -> tuple[str, str] | None:
    """Channel and version of the Gateway API's definitions; None: HTTPRoute is not installed."""
    name = "httproutes.gateway.networking.k8s.io"
    found = kubectl("get", "customresourcedefinitions", name, "--ignore-not-found")
    annotations = found.get("metadata", {}).get("annotations", {})
    channel, version = (annotations.get(one, "") for one in _ANNOTATIONS)
    return (channel, version) if found else None


@contextmanager
def with_engine(kubectl: Kubectl, engine: str | None) -> Iterator[None]:
    """MeshConfig with this engine, and as it was afterwards. None: as it is."""
    if engine is None:
        yield
        return
    before = kubectl("get", "meshconfigs.mesh.heddle.dev", "default")["spec"].get("engine")
    try:
        _set_engine(kubectl, engine)
        yield
    finally:
        _set_engine(kubectl, before)


def _set_engine(kubectl: Kubectl, engine: str | None) -> None:
    patch = json.dumps({"spec": {"engine": engine}})
    kubectl("patch", "meshconfigs.mesh.heddle.dev", "default", "--type=merge", f"--patch={patch}")

"""What the run needs of the cluster beyond the suite: the channel that is installed, the engine that is asked for."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LIMIT_SECONDS = 30
_GONE_SECONDS = 180
_NAMESPACES = ("gateway-conformance-mesh", "gateway-conformance-mesh-consumer")
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
        found: dict[str, Any] = json.loads(self.run(*args, "--output=json") or b"{}")
        return found

    def run(self, *args: str) -> bytes:
        """Run; its output as it is."""
        argv = ["kubectl", f"--kubeconfig={self._kubeconfig}", *args]
        limit = _LIMIT_SECONDS + _GONE_SECONDS
        return subprocess.run(argv, check=True, stdout=subprocess.PIPE, timeout=limit).stdout


def installed_channel(kubectl: Kubectl) -> tuple[str, str] | None:
    """Channel and version of the Gateway API's definitions; None: HTTPRoute is not installed."""
    name = "httproutes.gateway.networking.k8s.io"
    found = kubectl("get", "customresourcedefinitions", name, "--ignore-not-found")
    annotations = found.get("metadata", {}).get("annotations", {})
    channel, version = (annotations.get(one, "") for one in _ANNOTATIONS)
    return (channel, version) if found else None


def wait_until_gone(kubectl: Kubectl) -> None:
    """The namespaces of a run before are deleted when its suite has ended already: a new one cannot use them.

    Raises:
        subprocess.CalledProcessError: they are still there after a while.
    """
    kubectl.run("wait", "--for=delete", f"--timeout={_GONE_SECONDS}s", *(f"namespace/{name}" for name in _NAMESPACES))


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

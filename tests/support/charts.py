"""Charts, rendered as `helm install` would send them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.support.binaries import find

ROOT = Path(__file__).parents[2]
CHARTS = ROOT / "charts"
KUBERNETES = "1.35.4"

type Manifest = dict[str, Any]


class RenderError(Exception):
    """What Helm says when it refuses."""


def helm(*args: str) -> str:
    """Run Helm; its output. Raises RenderError."""
    done = subprocess.run([str(find("helm", "helm")), *args], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise RenderError(done.stderr + done.stdout)
    return done.stdout


def render(chart: str, *args: str, namespace: str = "heddle-system") -> list[Manifest]:
    """All manifests of a chart, with Helm's arguments for values (`--set`, `-f`)."""
    text = helm(
        "template", "heddle", str(CHARTS / chart), "--namespace", namespace, "--kube-version", KUBERNETES, *args
    )
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


def one(manifests: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    """The only manifest of a kind (and name)."""
    (found,) = (m for m in manifests if m["kind"] == kind and name in (None, m["metadata"]["name"]))
    return found

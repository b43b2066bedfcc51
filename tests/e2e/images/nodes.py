"""Bringing an image to every node of the cluster that `make demo` made: there is no registry."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from meshctl.client import Cluster
from tests.e2e.images.build import Image

SSH_SECONDS = 30
IMPORT_SECONDS = 300


def bring(cluster: Cluster, image: Image, state_dir: Path) -> None:
    """Import where it is missing. Skips the test on nodes that are not ours to change."""
    if not (state_dir / "ssh/id_ed25519").exists():
        pytest.skip(f"the nodes were not made by make demo: the proofs need the image {image.name} in them")
    for address in addresses(cluster):
        if image.name in on(address, state_dir, "ctr --namespace=k8s.io images list --quiet").split():
            continue
        with image.archive.open("rb") as archive:
            command = [*ssh(address, state_dir), "ctr --namespace=k8s.io images import -"]
            subprocess.run(command, stdin=archive, check=True, timeout=IMPORT_SECONDS, stdout=subprocess.DEVNULL)


def addresses(cluster: Cluster) -> list[str]:
    """Where each node is reached."""
    nodes = cluster.items("/api/v1/nodes")
    return [one["address"] for node in nodes for one in node["status"]["addresses"] if one["type"] == "InternalIP"]


def ssh(address: str, state_dir: Path) -> list[str]:
    keys = state_dir / "ssh"
    options = {"IdentityFile": keys / "id_ed25519", "UserKnownHostsFile": keys / "known_hosts", "BatchMode": "yes"}
    return ["ssh", *(f"-o{name}={value}" for name, value in options.items()), f"root@{address}"]


def on(address: str, state_dir: Path, command: str) -> str:
    """Run a command there."""
    argv = [*ssh(address, state_dir), command]
    return subprocess.run(argv, check=True, timeout=SSH_SECONDS, stdout=subprocess.PIPE, text=True).stdout

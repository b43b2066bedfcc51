"""The guide's examples are taken by the API server with its webhooks, and come into effect."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import yaml

from meshctl.checks.data_plane import conditions_of
from meshctl.client import Object
from tests.e2e.namespace import Sandbox, eventually

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
EXPERIMENTAL = ("sessionPersistence", "gateway.networking.x-k8s.io")
"""Fields that the API server drops and kinds that it does not know, unless the cluster has that channel."""
ROUTES = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/httproutes.gateway.networking.k8s.io"


@pytest.fixture(autouse=True)
def services(sandbox: Sandbox) -> None:
    for name in ("api", "payment", "web", "postgres"):
        sandbox.service(name)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_taken(path: Path, sandbox: Sandbox) -> None:
    if any(field in path.read_text() for field in EXPERIMENTAL):
        channel = sandbox.cluster.get(ROUTES)["metadata"]["annotations"]["gateway.networking.k8s.io/channel"]
        if channel != "experimental":
            pytest.skip(f"the cluster has the {channel} channel of the Gateway API")
    manifests = [sandbox.moved(one) for one in yaml.safe_load_all(path.read_text())]
    if any(one["kind"] in ("MeshConfig", "Namespace", "Pod") for one in manifests):
        for manifest in manifests:
            dry_run(sandbox, manifest)
        return
    try:
        for manifest in manifests:
            sandbox.cluster.apply(sandbox.path(manifest), manifest)
        for manifest in manifests:
            path_of = sandbox.path(manifest)
            found = eventually(15, partial(accepted, sandbox, path_of), lambda text: text == "True")
            assert found == "True", f"{manifest['kind']} {manifest['metadata']['name']}: Accepted is {found}"
    finally:
        for manifest in manifests:
            sandbox.cluster.delete(sandbox.path(manifest))


def accepted(sandbox: Sandbox, path: str) -> str:
    found = {one["type"]: one for one in conditions_of(sandbox.cluster.get(path))}
    condition = found.get("Accepted", {})
    return condition.get("status", "missing") if condition.get("status") == "True" else str(condition)


def dry_run(sandbox: Sandbox, manifest: Object) -> None:
    """Raises ApiError when the API server or a webhook refuses it."""
    query = {"dryRun": "All", "fieldManager": "e2e", "fieldValidation": "Strict", "force": "true"}
    path = sandbox.path(manifest)
    sandbox.cluster.call("PATCH", path, manifest, query=query, content_type="application/apply-patch+yaml")

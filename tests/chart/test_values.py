"""Every value is described, used, and checked; a key that nobody knows is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.charts import CHARTS, Manifest, RenderError, one, render

pytestmark = pytest.mark.needs_helm
MESH = CHARTS / "mesh"
DEFAULTS: dict[str, Any] = yaml.safe_load((MESH / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((MESH / "values.schema.json").read_text())
WHOLE = {
    ("controlPlane", "resources"),
    ("proxy", "resources"),
    ("controlPlane", "affinity"),
    ("controlPlane", "nodeSelector"),
    ("controlPlane", "podAnnotations"),
    ("controlPlane", "podLabels"),
}
"""Values that are passed on as they are."""
SINGLE = {("mesh", "accessLog", "format")}
"""Values of which there is only one so far."""


def leaves(values: dict[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in values.items():
        path = (*at, key)
        if isinstance(value, dict) and path not in WHOLE:
            yield from leaves(value, path)
        else:
            yield path, value


PATHS = [path for path, _ in leaves(DEFAULTS)]


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_every_value_has_its_sentence(path: tuple[str, ...]) -> None:
    lines = (MESH / "values.yaml").read_text().splitlines()
    number = -1
    for depth, key in enumerate(path):  # the key at its depth, below its parent
        number = next(i for i, line in enumerate(lines) if i > number and line.startswith(f"{'  ' * depth}{key}:"))
    above = number - 1
    while lines[above].lstrip().startswith("# ") and not lines[above].lstrip().startswith("# -- "):
        above -= 1
    assert lines[above].lstrip().startswith("# -- "), f"{'.'.join(path)} has no '# --' line above it"


@pytest.mark.parametrize("path", [path for path in PATHS if path not in SINGLE], ids=".".join)
def test_every_value_changes_what_is_rendered(path: tuple[str, ...], default_mesh: list[Manifest]) -> None:
    """`ci/everything-values.yaml` sets each value away from its default; each alone must change something."""
    other: Any = yaml.safe_load((MESH / "ci" / "everything-values.yaml").read_text())
    for key in path:
        assert key in other, f"ci/everything-values.yaml does not set {'.'.join(path)}"
        other = other[key]
    assert render("mesh", "--set-json", f"{'.'.join(path)}={json.dumps(other)}") != default_mesh


def objects(schema: dict[str, Any], at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if "properties" in schema:
        yield at, schema
    for key, value in schema.get("properties", {}).items():
        yield from objects(value, f"{at}.{key}")


@pytest.mark.parametrize("at", [at for at, _ in objects(SCHEMA)])
def test_no_object_of_the_schema_takes_unknown_keys(at: str) -> None:
    assert dict(objects(SCHEMA))[at]["additionalProperties"] is False


@pytest.mark.parametrize(
    "change",
    [
        "nope=1",
        "image.digest=x",
        "mesh.mtls.modes=Strict",
        "mesh.mtls.mode=strict",
        "mesh.trustDomain=Example.Org",
        "mesh.authorization.default=deny",
        "mesh.accessLog.sample=101",
        "mesh.engine=lua",
        "mesh.retry=2",
        "mesh.rateLimit.requests=1",
        "ca.create=maybe",
        "controlPlane.replicas=0",
        "controlPlane.terminationGracePeriodSeconds=1",
        "controlPlane.resources.request.cpu=1",
        "injector.timeoutSeconds=31",
        "injector.unreadable=Ignore",
        "injector.excludedNamespaces={default}",
        "admission.failurePolicy=Warn",
        "proxy.logLevel=loud",
        "proxy.drainSeconds=-1",
        "proxy.resources.limits.memory=lots",
        "image.repository=Localhost/X Y",
    ],
)
def test_a_wrong_value_is_refused(change: str) -> None:
    with pytest.raises(RenderError, match="values don't meet the specifications of the schema"):
        render("mesh", "--set", change)


def test_how_traffic_behaves_is_written_into_the_meshconfig() -> None:
    config = one(render("mesh", "-f", str(MESH / "ci" / "everything-values.yaml")), "MeshConfig")
    assert config["spec"]["retry"] == {"attempts": 2, "when": ["ConnectFailure", "Reset"]}
    assert config["spec"]["loadBalancing"] == {"locality": "Prefer"}


def test_the_definitions_have_nothing_to_configure() -> None:
    with pytest.raises(RenderError, match="schema"):
        render("mesh-crds", "--set", "nope=1")


def test_images_have_one_repository_and_tag() -> None:
    mesh = render("mesh", "--set", "image.repository=registry.example/mesh,image.tag=abc")
    (container,) = one(mesh, "Deployment")["spec"]["template"]["spec"]["containers"]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert container["image"] == "registry.example/mesh/control-plane:abc"
    assert env["HEDDLE_IMAGE"] == "registry.example/mesh/sidecar:abc"


def test_without_a_tag_it_is_the_charts_version(default_mesh: list[Manifest]) -> None:
    version = yaml.safe_load((MESH / "Chart.yaml").read_text())["appVersion"]
    (container,) = one(default_mesh, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"localhost/heddle/control-plane:{version}"


def test_the_control_plane_can_read_its_environment(mesh: list[Manifest]) -> None:
    """The chart and the settings agree, for every set of values."""
    from control_plane.injector.settings import from_environment as injector_settings
    from control_plane.settings import from_environment as control_plane_settings

    (container,) = one(mesh, "Deployment")["spec"]["template"]["spec"]["containers"]
    env = {entry["name"]: entry.get("value", "of-the-pod") for entry in container["env"]}
    env |= {"HEDDLE_NAMESPACE": "heddle-system"}
    settings = injector_settings(env)
    assert settings.control_plane == "https://heddle-control-plane.heddle-system.svc"
    assert control_plane_settings(env).host == "heddle-control-plane.heddle-system.svc"


def test_charts_of_one_version_belong_together() -> None:
    def chart(name: str) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(Path(CHARTS / name / "Chart.yaml").read_text())
        return found

    mesh, crds = chart("mesh"), chart("mesh-crds")
    assert (mesh["version"], mesh["appVersion"], mesh["kubeVersion"]) == (
        crds["version"],
        crds["appVersion"],
        crds["kubeVersion"],
    )

"""Any pod that Kubernetes could send: the patch applies, and a second look changes nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from control_plane.injector.patch import Injected, NamespaceWish, Refused, Untouched, inject
from control_plane.injector.pod import parse_pod
from control_plane.injector.settings import InjectorSettings
from tests.support import json_patch

SETTINGS = InjectorSettings(image="i", control_plane="https://c", trust_bundle="PEM", trust_domain="cluster.local")
PORT = st.one_of(st.integers(1, 14999), st.sampled_from(["web", "admin"]))


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Each field may be missing or null."""
    return st.fixed_dictionaries({}, optional={name: st.one_of(st.none(), value) for name, value in fields.items()})


HANDLER = st.one_of(
    st.builds(lambda port: {"httpGet": {"port": port, "path": "/"}}, PORT),
    st.builds(lambda port: {"tcpSocket": {"port": port}}, PORT),
    st.builds(lambda port: {"grpc": {"port": port}}, st.integers(1, 14999)),
    st.just({"exec": {"command": ["true"]}}),
)
CONTAINER = optional(
    ports=st.lists(
        st.builds(
            lambda name, n: {"name": name, "containerPort": n}, st.sampled_from(["web", "admin"]), st.integers(1, 14999)
        ),
        max_size=2,
    ),
    livenessProbe=HANDLER,
    readinessProbe=HANDLER,
    startupProbe=HANDLER,
    lifecycle=optional(preStop=HANDLER, postStart=HANDLER),
    securityContext=optional(runAsUser=st.sampled_from([0, 1000, 1337])),
)


def containers(least: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    lists = st.lists(CONTAINER, min_size=least, max_size=3)
    return lists.map(lambda found: [{**container, "name": f"c{i}"} for i, container in enumerate(found)])


POD = st.builds(
    lambda metadata, spec, own: {"metadata": metadata, "spec": {**spec, "containers": own}},
    optional(
        labels=st.just({}), annotations=st.dictionaries(st.sampled_from(["a", "a/b", "a~b"]), st.text(max_size=3))
    ),
    optional(
        initContainers=containers(0),
        volumes=st.lists(st.just({"name": "data"}), max_size=2),
        terminationGracePeriodSeconds=st.integers(0, 3600),
        hostNetwork=st.booleans(),
        securityContext=optional(runAsUser=st.sampled_from([1000, 1337])),
    ),
    containers(1),
)


@given(POD)
def test_a_patch_applies_and_is_whole(pod: dict[str, Any]) -> None:
    decision = inject(parse_pod(pod), NamespaceWish.ENABLED, SETTINGS)
    if isinstance(decision, Refused):
        assert decision.violations
        return
    if isinstance(decision, Untouched):
        assert pod["spec"].get("hostNetwork")
        return
    assert isinstance(decision, Injected)
    result = json_patch.apply(pod, decision.patch)
    init = result["spec"]["initContainers"]
    assert [container["name"] for container in init[:2]] == ["heddle-capture", "heddle-proxy"]
    assert len(init) == 2 + len(pod["spec"].get("initContainers") or [])
    assert len(result["spec"]["volumes"]) == 2 + len(pod["spec"].get("volumes") or [])
    for key, value in (pod["metadata"].get("annotations") or {}).items():
        assert result["metadata"]["annotations"][key] == value
    assert isinstance(inject(parse_pod(result), NamespaceWish.ENABLED, SETTINGS), Untouched)


@given(POD)
def test_after_the_patch_the_kubelet_asks_the_application_nothing_itself(pod: dict[str, Any]) -> None:
    decision = inject(parse_pod(pod), NamespaceWish.ENABLED, SETTINGS)
    if not isinstance(decision, Injected):
        return
    spec = json_patch.apply(pod, decision.patch)["spec"]
    for container in (*spec["initContainers"], *spec["containers"]):
        for name in ("livenessProbe", "readinessProbe", "startupProbe"):
            probe = container.get(name) or {}
            assert "tcpSocket" not in probe
            assert "grpc" not in probe
            assert probe.get("httpGet", {"port": 15020})["port"] == 15020

"""Who gets a sidecar, who does not, and who is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from control_plane.injector.patch import Injected, NamespaceWish, Refused, Untouched, inject
from control_plane.injector.pod import parse_pod
from control_plane.injector.settings import InjectorSettings, Resources
from tests.support import json_patch

SETTINGS = InjectorSettings(
    image="localhost/heddle/sidecar:1",
    control_plane="https://heddle-control-plane.heddle-system.svc",
    trust_bundle="-----BEGIN CERTIFICATE-----\n",
    trust_domain="cluster.local",
)
ENABLED, DISABLED, UNREADABLE = NamespaceWish.ENABLED, NamespaceWish.DISABLED, NamespaceWish.UNREADABLE
INJECT = "mesh.heddle.dev/inject"


def a_pod(**parts: Any) -> dict[str, Any]:
    """A pod with one container `app`; keyword arguments go into its spec, or where their name says."""
    metadata = {key: parts.pop(key) for key in ("labels", "annotations") if key in parts}
    app = {"name": "app", "image": "app:1", **parts.pop("app", {})}
    return {"metadata": {"generateName": "app-", **metadata}, "spec": {"containers": [app], **parts}}


def decide(pod: dict[str, Any], namespace: NamespaceWish = ENABLED, settings: InjectorSettings = SETTINGS) -> Any:
    return inject(parse_pod(pod), namespace, settings)


def injected(pod: dict[str, Any], settings: InjectorSettings = SETTINGS) -> dict[str, Any]:
    decision = decide(pod, settings=settings)
    assert isinstance(decision, Injected), decision
    result: dict[str, Any] = json_patch.apply(pod, decision.patch)
    return result


def proxy_of(pod: dict[str, Any]) -> dict[str, Any]:
    return next(c for c in pod["spec"]["initContainers"] if c["name"] == "heddle-proxy")


def env_of(container: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}


def reasons(decision: Any) -> str:
    assert isinstance(decision, Refused), decision
    return "\n".join(map(str, decision.violations))


@pytest.mark.parametrize(
    ("namespace", "label", "expected"),
    [
        (ENABLED, None, Injected),
        (ENABLED, "enabled", Injected),
        (ENABLED, "disabled", Untouched),
        (DISABLED, None, Untouched),
        (DISABLED, "enabled", Injected),
        (DISABLED, "disabled", Untouched),
        (UNREADABLE, None, Refused),
        (UNREADABLE, "enabled", Injected),
        (UNREADABLE, "disabled", Untouched),
        (ENABLED, "true", Refused),
        (DISABLED, "Enabled", Refused),
    ],
)
def test_the_pods_label_goes_before_the_namespaces(namespace: NamespaceWish, label: str | None, expected: type) -> None:
    pod = a_pod(labels={INJECT: label}) if label is not None else a_pod()
    assert isinstance(decide(pod, namespace), expected)


def test_capture_is_first_then_the_sidecar_then_the_pods_own() -> None:
    pod = injected(a_pod(initContainers=[{"name": "migrate"}, {"name": "cache", "restartPolicy": "Always"}]))
    names = [c["name"] for c in pod["spec"]["initContainers"]]
    assert names == ["heddle-capture", "heddle-proxy", "migrate", "cache"]
    assert proxy_of(pod)["restartPolicy"] == "Always"


def test_only_capture_has_capabilities_and_is_root() -> None:
    capture, proxy = injected(a_pod())["spec"]["initContainers"]
    assert capture["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["NET_ADMIN", "NET_RAW"]}
    assert capture["securityContext"]["runAsUser"] == 0
    assert proxy["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert (proxy["securityContext"]["runAsUser"], proxy["securityContext"]["runAsGroup"]) == (1337, 1337)
    assert proxy["securityContext"]["runAsNonRoot"] is True
    for container in (capture, proxy):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_run_folder_and_token_are_mounted_in_the_sidecar_only() -> None:
    pod = injected(a_pod(volumes=[{"name": "data", "emptyDir": {}}], app={"volumeMounts": [{"name": "data"}]}))
    assert [v["name"] for v in pod["spec"]["volumes"]] == ["data", "heddle-run", "heddle-token"]
    assert [m["mountPath"] for m in proxy_of(pod)["volumeMounts"]] == [
        "/run/heddle",
        "/var/run/secrets/mesh.heddle.dev",
    ]
    others = [c for c in (*pod["spec"]["containers"], *pod["spec"]["initContainers"]) if c["name"] != "heddle-proxy"]
    assert not any(m["name"].startswith("heddle-") for c in others for m in c.get("volumeMounts", []))
    token = pod["spec"]["volumes"][2]["projected"]["sources"][0]["serviceAccountToken"]
    assert token == {"audience": "mesh.heddle.dev", "expirationSeconds": 3600, "path": "token"}


def test_environment_is_the_contracts() -> None:
    env = env_of(proxy_of(injected(a_pod())))
    assert set(env) == {
        "HEDDLE_CONTROL_PLANE", "HEDDLE_TRUST_BUNDLE", "HEDDLE_TRUST_DOMAIN", "HEDDLE_NAMESPACE", "HEDDLE_POD",
        "HEDDLE_POD_IP", "HEDDLE_SERVICE_ACCOUNT", "HEDDLE_PROBES", "HEDDLE_LOG_LEVEL", "HEDDLE_DRAIN_SECONDS",
    }  # fmt: skip
    assert env["HEDDLE_SERVICE_ACCOUNT"]["fieldRef"]["fieldPath"] == "spec.serviceAccountName"
    assert env["HEDDLE_TRUST_BUNDLE"] == SETTINGS.trust_bundle


def test_the_mark_is_set_beside_other_annotations() -> None:
    assert injected(a_pod())["metadata"]["annotations"] == {"mesh.heddle.dev/status": "injected"}
    annotations = injected(a_pod(annotations={"a/b": "c"}))["metadata"]["annotations"]
    assert annotations == {"a/b": "c", "mesh.heddle.dev/status": "injected"}


def test_an_injected_pod_is_not_injected_again() -> None:
    again = decide(injected(a_pod()))
    assert isinstance(again, Untouched)


def test_the_mark_without_a_sidecar_is_refused() -> None:
    pod = a_pod(annotations={"mesh.heddle.dev/status": "injected"})
    assert "only the injector sets it" in reasons(decide(pod))


def test_the_sidecars_names_are_reserved() -> None:
    said = reasons(decide(a_pod(app={"name": "heddle-proxy"}, volumes=[{"name": "heddle-run"}])))
    assert "spec.containers[0].name: heddle-proxy is the mesh's own name" in said
    assert "spec.volumes[0].name: heddle-run is the mesh's own name" in said


@pytest.mark.parametrize("volume", ["heddle-run", "heddle-token"])
@pytest.mark.parametrize("field", ["containers", "initContainers"])
def test_no_other_container_gets_the_sidecars_volumes(field: str, volume: str) -> None:
    container = {
        "name": "a",
        "volumeMounts": [{"name": "data", "mountPath": "/d"}, {"name": volume, "mountPath": "/x"}],
    }
    said = reasons(decide(a_pod(**{field: [container]})))
    assert f"spec.{field}[0].volumeMounts[1].name: {volume} is the mesh's own volume" in said
    assert "volumeMounts[0]" not in said


@pytest.mark.parametrize("port", [15000, 15006, 15099])
def test_the_sidecars_ports_are_reserved(port: int) -> None:
    said = reasons(decide(a_pod(app={"ports": [{"containerPort": port}]})))
    assert f"spec.containers[0].ports[0].containerPort: {port} belongs to the sidecar" in said


@pytest.mark.parametrize(
    "pod",
    [
        a_pod(app={"securityContext": {"runAsUser": 1337}}),
        a_pod(securityContext={"runAsUser": 1337}),
        a_pod(initContainers=[{"name": "i", "securityContext": {"runAsUser": 1337}}]),
        a_pod(
            securityContext={"runAsUser": 1000}, initContainers=[{"name": "i", "securityContext": {"runAsUser": 1337}}]
        ),
    ],
    ids=["container", "pod", "init container", "over the pod's"],
)
def test_a_container_of_the_sidecars_user_is_refused(pod: dict[str, Any]) -> None:
    assert "user 1337 is the sidecar's" in reasons(decide(pod))


def test_a_container_may_override_the_pods_user() -> None:
    pod = a_pod(securityContext={"runAsUser": 1337}, app={"securityContext": {"runAsUser": 1000}})
    assert isinstance(decide(pod), Injected)


def test_host_network_is_left_alone_and_said_to_who_asked() -> None:
    assert decide(a_pod(hostNetwork=True)) == Untouched(
        "hostNetwork pods share the node's network and cannot be meshed", ()
    )
    asked = decide(a_pod(hostNetwork=True, labels={INJECT: "enabled"}), DISABLED)
    assert "cannot be meshed" in asked.warnings[0]


def test_windows_is_left_alone() -> None:
    assert isinstance(decide(a_pod(os={"name": "windows"})), Untouched)


@pytest.mark.parametrize(
    ("grace", "seconds"), [(None, 3), (30, 3), (6, 3), (4, 2), (3, 1), (2, 1), (1, None), (0, None)]
)
def test_pre_stop_takes_at_most_half_of_the_grace_period(grace: int | None, seconds: int | None) -> None:
    pod = injected(a_pod() if grace is None else a_pod(terminationGracePeriodSeconds=grace))
    lifecycle = pod["spec"]["containers"][0].get("lifecycle")
    assert lifecycle == (None if seconds is None else {"preStop": {"sleep": {"seconds": seconds}}})


def test_a_hook_of_the_pods_own_stays() -> None:
    hook = {"preStop": {"exec": {"command": ["true"]}}}
    assert injected(a_pod(app={"lifecycle": hook}))["spec"]["containers"][0]["lifecycle"] == hook
    start = {"postStart": {"exec": {"command": ["true"]}}}
    assert injected(a_pod(app={"lifecycle": start}))["spec"]["containers"][0]["lifecycle"] == {
        **start,
        "preStop": {"sleep": {"seconds": 3}},
    }


@pytest.mark.parametrize(("grace", "drain"), [(None, "20"), (10, "10"), (0, "1"), (3600, "20")])
def test_drain_fits_into_the_grace_period(grace: int | None, drain: str) -> None:
    pod = a_pod() if grace is None else a_pod(terminationGracePeriodSeconds=grace)
    assert env_of(proxy_of(injected(pod)))["HEDDLE_DRAIN_SECONDS"] == drain


def test_resources_come_from_the_mesh_or_from_annotations() -> None:
    assert proxy_of(injected(a_pod()))["resources"] == {
        "requests": {"cpu": "50m", "memory": "128Mi"},
        "limits": {"memory": "512Mi"},
    }
    wished = {"mesh.heddle.dev/proxy-cpu": "2", "mesh.heddle.dev/proxy-memory": "1Gi"}
    assert proxy_of(injected(a_pod(annotations=wished)))["resources"] == {
        "requests": {"cpu": "2", "memory": "1Gi"},
        "limits": {"memory": "1Gi"},
    }
    bare = replace(SETTINGS, resources=Resources())
    assert proxy_of(injected(a_pod(), bare))["resources"] == {}


def test_exclusions_reach_capture_in_one_form() -> None:
    annotations = {
        "mesh.heddle.dev/exclude-inbound-ports": "9090, 22,9090",
        "mesh.heddle.dev/exclude-outbound-ports": "5432",
        "mesh.heddle.dev/exclude-outbound-cidrs": "192.0.2.7, 10.0.0.0/8",
    }
    capture = injected(a_pod(annotations=annotations))["spec"]["initContainers"][0]
    assert env_of(capture) == {
        "HEDDLE_EXCLUDE_INBOUND_PORTS": "22,9090",
        "HEDDLE_EXCLUDE_OUTBOUND_PORTS": "5432",
        "HEDDLE_EXCLUDE_OUTBOUND_CIDRS": "10.0.0.0/8,192.0.2.7/32",
    }


def test_everything_wrong_is_said_at_once() -> None:
    pod = a_pod(
        annotations={"mesh.heddle.dev/proxy-cpu": "lots", "mesh.heddle.dev/exclude-inbound-ports": "http"},
        app={"securityContext": {"runAsUser": 1337}, "readinessProbe": {"httpGet": {"port": "nope"}}},
    )
    said = reasons(decide(pod))
    for part in ("proxy-cpu", "exclude-inbound-ports", "user 1337", "readinessProbe.httpGet.port"):
        assert part in said


def test_the_unreadable_may_be_let_pass_without_a_sidecar() -> None:
    lenient = replace(SETTINGS, unreadable="pass")
    decision = decide(a_pod(annotations={"mesh.heddle.dev/proxy-cpu": "lots"}), settings=lenient)
    assert isinstance(decision, Untouched)
    assert "starts without a sidecar" in decision.warnings[0]
    # what would pass by the mesh, or break the pod, is refused all the same
    assert isinstance(decide(a_pod(securityContext={"runAsUser": 1337}), settings=lenient), Refused)


def test_a_dollar_in_a_probe_is_not_expanded_by_kubernetes() -> None:
    pod = injected(a_pod(app={"livenessProbe": {"httpGet": {"port": 80, "path": "/$(HEDDLE_POD)"}}}))
    value = env_of(proxy_of(pod))["HEDDLE_PROBES"]
    assert "/$$(HEDDLE_POD)" in value
    assert json.loads(value.replace("$$", "$"))["/app-health/app/livez"]["httpGet"]["path"] == "/$(HEDDLE_POD)"


@pytest.mark.parametrize(
    ("pod", "word"),
    [
        (a_pod(shareProcessNamespace=True), "shareProcessNamespace"),
        (a_pod(dnsPolicy="None"), "dnsPolicy"),
        (a_pod(app={"securityContext": {"privileged": True}}), "NET_ADMIN"),
        (a_pod(app={"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}), "NET_ADMIN"),
        (a_pod(app={"lifecycle": {"preStop": {"httpGet": {"port": 8080}}}}), "preStop.httpGet"),
        (a_pod(annotations={"mesh.heddle.dev/exclude-inbound-port": "1"}), "did you mean the annotation"),
        (a_pod(annotations={INJECT: "enabled"}), "did you mean the label mesh.heddle.dev/inject?"),
    ],
)
def test_what_works_otherwise_than_expected_is_said(pod: dict[str, Any], word: str) -> None:
    decision = decide(pod)
    assert isinstance(decision, Injected)
    assert any(word in warning for warning in decision.warnings), decision.warnings


def test_a_plain_pod_needs_no_word() -> None:
    assert decide(a_pod()).warnings == ()


def test_a_hook_on_an_excluded_port_needs_no_word() -> None:
    hook = {"preStop": {"httpGet": {"port": "admin"}}}
    pod = a_pod(
        annotations={"mesh.heddle.dev/exclude-inbound-ports": "8081"},
        app={"lifecycle": hook, "ports": [{"name": "admin", "containerPort": 8081}]},
    )
    assert decide(pod).warnings == ()

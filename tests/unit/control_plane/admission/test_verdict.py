"""Objects that are wrong are refused with the field; those that lead nowhere come with a warning."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.admission.verdict import Verdict, verdict
from control_plane.index.store import Index
from control_plane.kinds.registry import decode
from tests.support.cluster import a_backend_policy, a_tcp_route, a_tls_route


def an_object(kind: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "api", "namespace": "shop", **metadata}, "spec": spec}


def an_index(*objects: dict[str, Any]) -> Index:
    index = Index()
    for obj in objects:
        index.apply(obj["kind"], decode(obj["kind"], json.dumps(obj).encode()))
    return index


def judge(obj: dict[str, Any], index: Index | None = None) -> Verdict:
    return verdict(obj["kind"], json.dumps(obj).encode(), index or Index())


SERVICE = an_object("Service", {"selector": {"app": "api"}, "ports": [{"port": 80}]})
POD = an_object("Pod", {}, name="api-1", labels={"app": "api", "version": "v2"})
NAMESPACE = {
    "kind": "Namespace",
    "metadata": {"name": "shop", "labels": {"mesh.heddle.dev/chaos": "allowed"}},
}
PARENT = {"group": "", "kind": "Service", "name": "api", "port": 80}


def a_subset(**spec: Any) -> dict[str, Any]:
    return an_object("ServiceSubset", {"service": "api", "selector": {"matchLabels": {"version": "v2"}}, **spec})


def a_policy(**spec: Any) -> dict[str, Any]:
    fault = {"name": "slow", "delay": {"fixed": "2s"}}
    return an_object("TrafficPolicy", {"targetRefs": [{"kind": "Service", "name": "api"}], "faults": [fault], **spec})


def some_intentions(*sources: dict[str, Any], destination: str = "api") -> dict[str, Any]:
    return an_object("ServiceIntentions", {"destination": {"name": destination}, "sources": list(sources)})


def a_route(*rules: dict[str, Any], **parent: Any) -> dict[str, Any]:
    return an_object("HTTPRoute", {"parentRefs": [{**PARENT, **parent}], "rules": list(rules)})


@pytest.mark.parametrize(
    ("obj", "field"),
    [
        (a_subset(service="API"), "spec.service"),
        (a_subset(selector={"matchLabels": {}}), "spec.selector.matchLabels"),
        (a_subset(port=80), "spec"),
        (some_intentions({"name": "web", "serviceAccount": "web", "action": "allow"}), "spec.sources[0]"),
        (some_intentions({"name": "web"}), "spec.sources[0]"),
        (some_intentions({"name": "web", "action": "permit"}), "spec.sources[0].action"),
        (
            some_intentions({"name": "web", "permissions": [{"action": "allow", "http": {"pathRegex": "(a"}}]}),
            "spec.sources[0].permissions[0].http.pathRegex",
        ),
        (a_policy(faults=[{"name": "both", "delay": {"fixed": "2s"}, "abort": {"httpStatus": 503}}]), "spec.faults[0]"),
        (a_policy(faults=[{"name": "x", "abort": {"httpStatus": 42}}]), "spec.faults[0].abort.httpStatus"),
        (a_policy(retries={"attempts": 2}), "spec"),
        (
            a_route({"matches": [{"path": {"value": "/a/../b"}}], "backendRefs": [{"name": "api", "port": 80}]}),
            "spec.rules[0].matches[0].path.value",
        ),
        (an_object("MeshConfig", {"accessLog": {"sample": 101}}, name="default"), "spec.accessLog.sample"),
        (an_object("MeshConfig", {}, name="other"), "metadata.name"),
        (
            a_backend_policy("p", "api", retryConstraint={"budget": {"percent": 101}}),
            "spec.retryConstraint.budget.percent",
        ),
        (a_tcp_route("r", "api", {"name": "api", "port": 80, "weight": -1}), "spec.rules[0].backendRefs[0].weight"),
        (a_tls_route("r", "api", {"name": "api", "port": 80}, hostnames=["A"]), "spec.hostnames[0]"),
    ],
)
def test_a_wrong_object_is_refused_with_the_field(obj: dict[str, Any], field: str) -> None:
    assert field in {violation.path for violation in judge(obj).violations}


@pytest.mark.parametrize(
    ("obj", "warning"),
    [
        (a_subset(service="web"), "spec.service: Service shop/web does not exist"),
        (a_subset(selector={"matchLabels": {"version": "v3"}}), "no pod of Service shop/api carries these labels"),
        (
            some_intentions({"name": "*", "action": "deny"}, destination="web"),
            "spec.destination.name: Service shop/w",
        ),
        (some_intentions({"name": "web", "action": "allow"}), "spec.sources[0].name: Service shop/web does not exist"),
        (
            some_intentions({"name": "api", "namespace": "staging", "action": "allow"}),
            "Service staging/api does",
        ),
        (a_policy(targetRefs=[{"kind": "Service", "name": "web"}]), "spec.targetRefs[0].name: Service shop/web"),
        (a_backend_policy("p", "web"), "spec.targetRefs: Service shop/web does not exist"),
        (
            a_tcp_route("r", "api", {"name": "web", "port": 80}),
            "spec.rules[0].backendRefs[0]: Service shop/web does not exist; its share of the connections is refused",
        ),
        (a_route(name="web"), "spec.parentRefs[0].name: Service shop/web does not exist"),
        (a_route(group="gateway.networking.k8s.io"), 'has no kind Service, nobody looks at it: write group: ""'),
        (a_route(port=81), "spec.parentRefs[0].port: Service shop/api has no TCP port 81; it has [80]"),
        (a_route({"backendRefs": [{"name": "web", "port": 80}]}), "spec.rules[0].backendRefs[0]: Service shop/web"),
        (
            a_route(
                {"filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "x", "port": 1}}}]}
            ),
            "spec.rules[0].filters[0].requestMirror.backendRef: Service shop/x does not exist; nothing is copied",
        ),
        (
            a_route(
                {"filters": [{"type": "ExtensionRef", "extensionRef": {"group": "a.b", "kind": "C", "name": "d"}}]}
            ),
            "spec.rules[0].filters[0]",
        ),
        (a_route({"name": "a"}, {"name": "a"}), "spec.rules: 'a' is the name of more than one rule"),
        (
            a_route(*({"name": name, "sessionPersistence": {"sessionName": "s"}} for name in "ab")),
            "sessionName 's' is of rule 'a' and of rule 'b'",
        ),
    ],
)
def test_what_leads_nowhere_is_let_in_with_a_warning(obj: dict[str, Any], warning: str) -> None:
    found = judge(obj, an_index(SERVICE, POD, NAMESPACE))
    assert found.violations == ()
    assert any(warning in said for said in found.warnings), found.warnings


@pytest.mark.parametrize(
    ("spec", "warning"),
    [
        ({"retry": {"when": ["Unavailable"]}}, "spec.retry.methods: no call of gRPC is tried again"),
        (
            {"targetRefs": [{"kind": "Service", "name": "api", "sectionName": "http"}], "retryBudget": {}},
            "spec.retryBudget: has no effect on spec.targetRefs[0]",
        ),
    ],
)
def test_what_has_no_effect_is_said(spec: dict[str, Any], warning: str) -> None:
    assert any(warning in said for said in judge(a_policy(**spec), an_index(SERVICE, POD, NAMESPACE)).warnings)


def test_retries_of_calls_that_may_repeat_are_not_warned_about() -> None:
    for methods in ("All", ["POST"]):
        said = judge(a_policy(retry={"when": ["Unavailable"], "methods": methods})).warnings
        assert not any("retry" in one for one in said)


def test_faults_without_the_namespaces_consent_are_said() -> None:
    assert any("labelled mesh.heddle.dev/chaos=allowed" in said for said in judge(a_policy()).warnings)


@pytest.mark.parametrize(
    "obj",
    [
        a_subset(),
        some_intentions({"name": "api", "action": "allow"}, {"name": "*", "namespace": "*", "action": "deny"}),
        some_intentions({"serviceAccount": "anyone", "action": "allow"}, destination="*"),
        a_policy(),
        a_route({"backendRefs": [{"name": "api", "port": 80}]}),
        an_object("MeshConfig", {}, name="default"),
    ],
)
def test_a_good_object_needs_no_word(obj: dict[str, Any]) -> None:
    assert judge(obj, an_index(SERVICE, POD, NAMESPACE)) == Verdict()


@pytest.mark.parametrize("spec", [{"nonsense": 1}, {"service": "API", "selector": {"matchLabels": {}}}])
def test_a_wrong_object_may_go(spec: dict[str, Any]) -> None:
    assert judge(an_object("ServiceSubset", spec)).violations
    assert judge(an_object("ServiceSubset", spec, deletionTimestamp="2026-01-01T00:00:00Z")) == Verdict()


def test_other_kinds_are_nobodys_business() -> None:
    assert verdict("ConfigMap", b"{}", Index()) == Verdict()

"""The resource definitions: structural, described, and a real API server takes good objects and refuses bad ones."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.support.api_server import ApiServer
from tests.support.charts import Manifest, one, render

pytestmark = pytest.mark.needs_helm
KINDS = ("ServiceSubset", "ServiceIntentions", "TrafficPolicy", "MeshConfig")
GOOD: dict[str, dict[str, Any]] = {
    obj["kind"]: obj
    for obj in yaml.safe_load_all("""
apiVersion: mesh.heddle.dev/v1alpha1
kind: ServiceSubset
metadata: {name: api-v2, namespace: shop}
spec: {service: api, selector: {matchLabels: {version: v2}}}
---
apiVersion: mesh.heddle.dev/v1alpha1
kind: ServiceIntentions
metadata: {name: api, namespace: shop}
spec:
  destination: {name: api}
  sources:
  - {name: web, action: allow}
  - name: reports
    namespace: analytics
    permissions:
    - {action: deny, http: {pathPrefix: /admin}}
    - {action: allow, http: {methods: [GET], pathPrefix: /v1, header: [{name: x-tenant, present: true}]}}
  - {name: "*", action: deny}
---
apiVersion: mesh.heddle.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: api, namespace: shop}
spec:
  targetRefs:
  - {group: "", kind: Service, name: api}
  timeouts: {request: 2s, backendRequest: 500ms, idle: 1m}
  retry:
    attempts: 2
    when: [ConnectFailure, Reset, Timeout, "503", Unavailable]
    backoff: {base: 25ms, max: 250ms}
    methods: Idempotent
  retryBudget: {percent: 25, minPerSecond: 10, interval: 10s}
  circuit: {maxConnections: 1024, maxPending: 256, maxRequests: 1024}
  outlier: {consecutiveErrors: 5, successRate: {below: 80, minRequests: 20}, baseEjection: 30s, maxEjected: 50}
  loadBalancing: {algorithm: LeastRequest, locality: Prefer, slowStart: 10s}
  rateLimit: {requests: 100, per: 1s, burst: 20, by: Caller}
  faults:
  - {name: slow, percent: 10, delay: {fixed: 2s}}
  - {name: broken, percent: 5, abort: {httpStatus: 503}, match: {headers: [{name: x-chaos, value: "on"}]}}
  - {name: uneven, delay: {uniform: {min: 0s, max: 1h}}}
  - {name: bell, delay: {normal: {mean: 200ms, deviation: 50ms}}, match: {callers: [{name: web}]}}
  - {name: call, abort: {grpcStatus: Unavailable}, match: {callers: [{serviceAccount: x, namespace: "*"}]}}
  - {name: narrow, bandwidth: {bytesPerSecond: 65536}}
---
apiVersion: mesh.heddle.dev/v1alpha1
kind: MeshConfig
metadata: {name: default}
spec:
  trustDomain: cluster.local
  mtls: {mode: Strict}
  authorization: {default: Deny}
  engine: auto
  accessLog: {format: json, sample: 100}
""")
}
"""The examples of the API's documentation, as far as this version goes."""


WORD_OR_LIST = {".spec.retry.methods"}
"""What a schema cannot type; the webhook refuses what is neither."""


@pytest.fixture(scope="module")
def definitions() -> list[Manifest]:
    return render("mesh-crds")


def schema_of(definitions: list[Manifest], kind: str) -> dict[str, Any]:
    (definition,) = (d for d in definitions if d["spec"]["names"]["kind"] == kind)
    schema: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def parts(schema: dict[str, Any], at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield at, schema
    for name, part in schema.get("properties", {}).items():
        yield from parts(part, f"{at}.{name}")
    if "items" in schema:
        yield from parts(schema["items"], f"{at}[]")


def test_they_are_valid_and_complete(definitions: list[Manifest]) -> None:
    assert sorted(d["spec"]["names"]["kind"] for d in definitions) == sorted(KINDS)
    for definition in definitions:
        kubernetes_validate.validate(definition, "1.35", strict=True)
        names, (version,) = definition["spec"]["names"], definition["spec"]["versions"]
        assert definition["metadata"]["name"] == f"{names['plural']}.mesh.heddle.dev"
        assert names["categories"] == ["heddle"]
        assert len(names["shortNames"]) == 1
        assert version["subresources"] == {"status": {}}
        assert [column["name"] for column in version["additionalPrinterColumns"]][-3:] == [
            "Accepted",
            "Programmed",
            "Age",
        ]


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_fields_have_no_place(definitions: list[Manifest], kind: str) -> None:
    for at, part in parts(schema_of(definitions, kind)):
        assert "x-kubernetes-preserve-unknown-fields" not in part or at in WORD_OR_LIST, at
        if part.get("type") == "object" and at != ".metadata":
            assert "properties" in part or "additionalProperties" in part, f"{at} takes anything"


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_described_and_bounded(definitions: list[Manifest], kind: str) -> None:
    for at, part in parts(schema_of(definitions, kind)):
        if at in ("", ".metadata", ".apiVersion", ".kind") or at.startswith(".status.conditions[]"):
            continue
        if not at.endswith(".methods[]"):
            assert len(part.get("description", "")) > 10, f"{at} has no description"
        match part.get("type"):
            case "array":
                assert part["maxItems"] <= 256, at
            case "string":
                assert "maxLength" in part or "enum" in part, f"{at} has no limit"
            case "number" | "integer":
                assert {"minimum", "maximum"} <= set(part), f"{at} has no range"
            case _:
                pass
        if "default" in part and part.get("type") not in ("object", "boolean"):
            assert "Default" in part["description"], f"{at}: the default is not in the description"


@pytest.mark.parametrize("kind", KINDS)
def test_the_documented_example_is_accepted(kubernetes: ApiServer, kind: str) -> None:
    made = send(kubernetes, GOOD[kind])
    assert made.status == 201, made.message


def send(kubernetes: ApiServer, obj: dict[str, Any]) -> Any:
    plural = {"TrafficPolicy": "trafficpolicies", "ServiceIntentions": "serviceintentions"}.get(
        obj["kind"], f"{obj['kind'].lower()}s"
    )
    home = f"/namespaces/{obj['metadata']['namespace']}" if "namespace" in obj["metadata"] else ""
    return kubernetes.create(f"/apis/mesh.heddle.dev/v1alpha1{home}/{plural}", obj, dry_run=True)


DELETE = object()
DELAY, ABORT = {"fixed": "2s"}, {"httpStatus": 503}


def a_header(**test: Any) -> dict[str, Any]:
    return {"name": "web", "permissions": [{"action": "allow", "http": {"header": [{"name": "x-a", **test}]}}]}


BAD: list[tuple[str, str, Any, str]] = [
    ("ServiceSubset", "spec.service", DELETE, "spec.service: Required value"),
    ("ServiceSubset", "spec.service", "API", "spec.service: Invalid value"),
    ("ServiceSubset", "spec.service", "a" * 64, "spec.service: Too long"),
    ("ServiceSubset", "spec.port", 80, 'unknown field "spec.port"'),
    ("ServiceSubset", "spec.selector", {}, "spec.selector.matchLabels: Required value"),
    ("ServiceSubset", "spec.selector.matchLabels", {}, "should have at least 1 properties"),
    ("ServiceSubset", "spec.selector.matchLabels", {"version": "v 2"}, "spec.selector.matchLabels.version"),
    ("ServiceSubset", "spec.selector.matchLabels", {"a b": "v2"}, "a key is not the name of a label"),
    ("ServiceSubset", "spec.selector.matchExpressions", [], 'unknown field "spec.selector.matchExpressions"'),
    ("ServiceIntentions", "spec.destination", {}, "spec.destination.name: Required value"),
    ("ServiceIntentions", "spec.destination.name", "a*", "spec.destination.name: Invalid value"),
    ("ServiceIntentions", "spec.destination.namespace", "shop", 'unknown field "spec.destination.namespace"'),
    ("ServiceIntentions", "spec.sources", [], "should have at least 1 items"),
    ("ServiceIntentions", "spec.sources", [{"action": "allow"}], "exactly one of name (a Service"),
    (
        "ServiceIntentions",
        "spec.sources",
        [{"name": "a", "serviceAccount": "b", "action": "allow"}],
        "exactly one of name",
    ),
    ("ServiceIntentions", "spec.sources", [{"name": "a"}], "exactly one of action (allow or deny) and permissions"),
    ("ServiceIntentions", "spec.sources", [{"name": "a", "action": "permit"}], 'supported values: "allow", "deny"'),
    ("ServiceIntentions", "spec.sources", [a_header()], "exactly one of present, exact, prefix, suffix and regex"),
    ("ServiceIntentions", "spec.sources", [a_header(exact="a", prefix="b")], "exactly one of present, exact"),
    (
        "ServiceIntentions",
        "spec.sources",
        [{"name": "a", "permissions": [{"action": "allow", "http": {"pathExact": "/a", "pathPrefix": "/b"}}]}],
        "at most one of pathExact, pathPrefix and pathRegex",
    ),
    (
        "ServiceIntentions",
        "spec.sources",
        [{"name": "a", "permissions": [{"action": "allow", "http": {"pathPrefix": "v1"}}]}],
        "pathPrefix: Invalid value",
    ),
    (
        "ServiceIntentions",
        "spec.sources",
        [{"name": "a", "permissions": [{"action": "allow", "http": {"methods": ["GET", "FETCH"]}}]}],
        "Unsupported value",
    ),
    ("TrafficPolicy", "spec.faults", [], "should have at least 1 items"),
    ("TrafficPolicy", "spec.faults", [{"name": "x"}], "one of delay, abort and bandwidth"),
    (
        "TrafficPolicy",
        "spec.faults",
        [{"name": "x", "delay": DELAY, "abort": ABORT}],
        "one of delay, abort and bandwidth",
    ),
    ("TrafficPolicy", "spec.faults", [{"delay": DELAY}], "name: Required value"),
    ("TrafficPolicy", "spec.faults", [{"name": "x", "delay": DELAY}, {"name": "x", "abort": ABORT}], "Duplicate value"),
    ("TrafficPolicy", "spec.faults", [{"name": "x", "delay": {"fixed": "2"}}], "fixed: Invalid value"),
    ("TrafficPolicy", "spec.faults", [{"name": "x", "delay": {"fixed": "0s"}}], "use more than 0 and at most 1h"),
    ("TrafficPolicy", "spec.faults", [{"name": "x", "delay": {"fixed": "61m"}}], "use more than 0 and at most 1h"),
    ("TrafficPolicy", "spec.faults", [{"name": "x", "abort": {"httpStatus": 199}}], "httpStatus: Invalid value"),
    ("TrafficPolicy", "spec.faults", [{"name": "x", "percent": 100.5, "abort": ABORT}], "percent: Invalid value"),
    ("TrafficPolicy", "spec.targetRefs", DELETE, "spec.targetRefs is empty"),
    ("TrafficPolicy", "spec.targetRefs", [{"kind": "HTTPRoute", "name": "api"}], "group and kind do not fit"),
    ("TrafficPolicy", "spec.targetRefs", [{"kind": "Pod", "name": "api"}], "Unsupported value"),
    ("TrafficPolicy", "spec.retries", {"attempts": 2}, 'unknown field "spec.retries"'),
    ("TrafficPolicy", "spec.retry", {"when": ["Unavailible"]}, "spec.retry.when[0]: Invalid value"),
    ("TrafficPolicy", "spec.retry", {"when": [503]}, "must be of type string"),
    ("TrafficPolicy", "spec.retry", {"methods": "Some"}, "spec.retry.methods: Invalid value"),
    ("TrafficPolicy", "spec.retry", {"methods": []}, "spec.retry.methods: Invalid value"),
    ("TrafficPolicy", "spec.retry", {"backoff": {"base": "1s"}}, "max is shorter than base"),
    ("TrafficPolicy", "spec.timeouts", {"request": "1s", "backendRequest": "2s"}, "backendRequest is longer"),
    ("TrafficPolicy", "spec.timeouts", {"idle": "25h"}, "use 1ms to 24h, or 0s"),
    ("TrafficPolicy", "spec.outlier", {"baseEjection": "10m"}, "maxEjection is shorter"),
    ("TrafficPolicy", "spec.loadBalancing", {"algorithm": "ConsistentHash"}, "give both or neither"),
    ("TrafficPolicy", "spec.loadBalancing", {"hash": {"address": True}}, "give both or neither"),
    (
        "TrafficPolicy",
        "spec.loadBalancing",
        {"algorithm": "ConsistentHash", "hash": {"header": "x-user", "cookie": "user"}},
        "exactly one of header, cookie and address",
    ),
    ("TrafficPolicy", "spec.rateLimit", {"requests": 1, "by": "Header"}, "give both or neither"),
    ("TrafficPolicy", "spec.rateLimit", {"requests": 1, "per": "10ms"}, "use 1s to 1h"),
    ("TrafficPolicy", "spec", {"targetRefs": [{"kind": "Service", "name": "api"}]}, "spec: Invalid value"),
    (
        "TrafficPolicy",
        "spec.targetRefs",
        [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "api"}],
        "put a Service into targetRefs",
    ),
    ("MeshConfig", "metadata.name", "other", "its name must be default"),
    ("MeshConfig", "spec.trustDomain", "Example.Org", "spec.trustDomain: Invalid value"),
    ("MeshConfig", "spec.mtls.mode", "strict", "Unsupported value"),
    ("MeshConfig", "spec.authorization.default", "Maybe", "Unsupported value"),
    ("MeshConfig", "spec.engine", "lua", "Unsupported value"),
    ("MeshConfig", "spec.accessLog.sample", 100.1, "spec.accessLog.sample: Invalid value"),
    ("MeshConfig", "spec.accesslog", {}, 'unknown field "spec.accesslog"'),
]
BAD_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"delay": {}}, "exactly one of fixed, uniform and normal"),
    ({"delay": {**DELAY, "uniform": {"min": "0s", "max": "1s"}}}, "exactly one of fixed, uniform and normal"),
    ({"delay": {"uniform": {"min": "2s", "max": "1s"}}}, "max is shorter than min"),
    ({"delay": {"uniform": {"min": "1s", "max": "2h"}}}, "use more than 0 and at most 1h"),
    ({"delay": {"normal": {"mean": "2h", "deviation": "1s"}}}, "use 0s to 1h"),
    ({"delay": {"normal": {"mean": "1s"}}}, "deviation: Required value"),
    ({"abort": {}}, "exactly one of httpStatus and grpcStatus"),
    ({"abort": {**ABORT, "grpcStatus": "Internal"}}, "exactly one of httpStatus and grpcStatus"),
    ({"abort": {"grpcStatus": "OK"}}, "Unsupported value"),
    ({"bandwidth": {"bytesPerSecond": 0}}, "bytesPerSecond: Invalid value"),
    ({"bandwidth": {"bytesPerSecond": "64KiB"}}, "bytesPerSecond: Invalid value"),
    ({"abort": ABORT, "match": {}}, "should have at least 1 properties"),
    ({"abort": ABORT, "match": {"headers": [{"name": "a", "value": "b", "type": "Glob"}]}}, "Unsupported value"),
    ({"abort": ABORT, "match": {"callers": [{"namespace": "shop"}]}}, "exactly one of name (a Service"),
    ({"abort": ABORT, "match": {"callers": [{"name": "a*"}]}}, "name: Invalid value"),
]
BAD += [("TrafficPolicy", "spec.faults", [{"name": "x", **fault}], reason) for fault, reason in BAD_FAULTS]


def changed(obj: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    result = copy.deepcopy(obj)
    *parents, last = path.split(".")
    place = result
    for part in parents:
        place = place[part]
    if value is DELETE:
        del place[last]
    else:
        place[last] = value
    return result


@pytest.mark.parametrize(("kind", "path", "value", "reason"), BAD)
def test_a_bad_object_is_refused_with_the_reason(
    kubernetes: ApiServer, kind: str, path: str, value: Any, reason: str
) -> None:
    made = send(kubernetes, changed(GOOD[kind], path, value))
    assert made.status in (400, 422), made
    assert reason in made.message


def test_defaults_are_the_safe_ones(kubernetes: ApiServer) -> None:
    made = send(kubernetes, {key: GOOD["MeshConfig"][key] for key in ("apiVersion", "kind", "metadata")})
    assert made.body["spec"] == GOOD["MeshConfig"]["spec"]
    made = send(kubernetes, changed(GOOD["TrafficPolicy"], "spec.faults", [{"name": "x", "abort": ABORT}]))
    assert made.body["spec"]["faults"] == [{"name": "x", "percent": 100, "abort": ABORT}]


def test_methods_are_a_word_or_a_list(kubernetes: ApiServer) -> None:
    for methods in ("All", ["GET", "POST"]):
        made = send(kubernetes, changed(GOOD["TrafficPolicy"], "spec.retry.methods", methods))
        assert made.status == 201, made.message


def test_a_policy_of_the_whole_namespace_is_named_default(kubernetes: ApiServer) -> None:
    whole = changed(GOOD["TrafficPolicy"], "spec.targetRefs", DELETE)
    assert send(kubernetes, changed(whole, "metadata.name", "default")).status == 201


def test_a_new_field_of_the_meshconfig_has_no_default(definitions: list[Manifest]) -> None:
    """The API server writes defaults into the MeshConfig that is there. While an upgrade is under way, the webhook of
    the control plane before it refuses what it does not know, and with it the upgrade."""
    spec = schema_of(definitions, "MeshConfig")["properties"]["spec"]["properties"]
    first = {"trustDomain", "mtls", "authorization", "engine", "accessLog"}
    assert {name for name, field in spec.items() if "default" in field} == first


def test_the_trust_domain_is_fixed(kubernetes: ApiServer) -> None:
    path = "/apis/mesh.heddle.dev/v1alpha1/meshconfigs"
    assert kubernetes.create(path, GOOD["MeshConfig"]).status == 201
    try:
        merge = "application/merge-patch+json"
        other = kubernetes.call("PATCH", f"{path}/default", {"spec": {"trustDomain": "example.org"}}, merge)
        assert other.status == 422
        assert "the trust domain is fixed" in other.message
        same = kubernetes.call("PATCH", f"{path}/default", {"spec": {"mtls": {"mode": "Permissive"}}}, merge)
        assert same.status == 200, same.message
    finally:
        kubernetes.call("DELETE", f"{path}/default")


def test_the_chart_makes_a_meshconfig_that_is_accepted(kubernetes: ApiServer, mesh: list[Manifest]) -> None:
    made = send(kubernetes, one(mesh, "MeshConfig"))
    assert made.status == 201, made.message

"""What a TrafficPolicy says is what traffic does, on a Service without a route, field by field."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from control_plane.kinds.registry import KINDS
from meshctl.checks.data_plane import conditions_of
from meshctl.client import Cluster, Object
from meshctl.names import GROUP
from tests.e2e.namespace import Sandbox, eventually
from tests.e2e.workload import FILES, IDLE, Program, Workload, bring_programs, expose, python_image, run, start

LABELS = {f"{GROUP}/authorization": "Allow"}
LIVE_SECONDS = 30
CALLS = """
import json, sys, urllib.error, urllib.request
for method, url in json.loads(sys.argv[1]):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=20) as answer:
            print(json.dumps([answer.status, answer.read().decode(), dict(answer.headers)]))
    except urllib.error.HTTPError as error:
        print(json.dumps([error.code, error.read().decode(), {k.lower(): v for k, v in error.headers.items()}]))
"""
Answer = tuple[int, str, dict[str, str]]


@pytest.fixture(scope="module", autouse=True)
def flaky(cluster: Cluster, sandbox: Sandbox) -> None:
    """Services `one` and `two`, each with a pod of its own, and a client."""
    image = python_image(cluster)
    bring_programs(sandbox, "flaky.py")
    server = [Program(["python3", f"{FILES}/flaky.py", "8080"], 8080)]
    for name in ("one", "two"):
        expose(sandbox, name, name, {"name": "http", "port": 80, "targetPort": 8080})
    client = Workload("client", image, [IDLE])
    start(sandbox, Workload("one", image, server), Workload("two", image, server), client)


def call(sandbox: Sandbox, *urls: str, method: str = "GET") -> list[Answer]:
    """What the client gets, one request after the other."""
    words = ["python3", "-c", CALLS, json.dumps([(method, f"http://{url}") for url in urls])]
    return [tuple(json.loads(line)) for line in run(sandbox, "client", *words).splitlines()]


@contextmanager
def policy(sandbox: Sandbox, name: str, service: str | None, **spec: Any) -> Iterator[None]:
    """A policy for the time of a test, in effect in every sidecar."""
    targets = [{"group": "", "kind": "Service", "name": service}] if service else []
    manifest: Object = {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "TrafficPolicy",
        "metadata": {"name": name, "namespace": sandbox.name},
        "spec": {"targetRefs": targets, **spec},
    }
    path = sandbox.path(manifest)
    sandbox.cluster.apply(path, manifest)
    try:
        state = eventually(20, partial(programmed, sandbox, path), lambda found: found == "True")
        assert state == "True", f"policy {name}: {state}"
        yield
    finally:
        sandbox.cluster.delete(path)


def programmed(sandbox: Sandbox, path: str) -> str:
    found = {one["type"]: one for one in conditions_of(sandbox.cluster.get(path))}
    state = found.get("Programmed", {})
    return "True" if state.get("status") == "True" else str(found)


def key() -> str:
    return uuid.uuid4().hex


def test_without_a_policy_nothing_is_tried_again(sandbox: Sandbox) -> None:
    assert [status for status, _, _ in call(sandbox, f"one/fail/1/{key()}")] == [503]


def test_retries_of_a_service_and_of_no_other(sandbox: Sandbox) -> None:
    with policy(sandbox, "retries", "one", retry={"attempts": 2, "when": ["503"]}):
        path = f"fail/2/{key()}"
        assert [(status, body) for status, body, _ in call(sandbox, f"one/{path}")] == [(200, "3")]
        assert [status for status, _, _ in call(sandbox, f"one/fail/3/{key()}")] == [503]
        assert [status for status, _, _ in call(sandbox, f"one/fail/1/{key()}", method="POST")] == [503]
        assert [status for status, _, _ in call(sandbox, f"two/{path}")] == [503]


def test_a_request_that_takes_too_long(sandbox: Sandbox) -> None:
    with policy(sandbox, "patience", "one", timeouts={"request": "500ms"}):
        (late,) = call(sandbox, "one/slow/3000")
        assert (late[0], late[2]["x-mesh-error"]) == (504, "request-timeout")
        assert [status for status, _, _ in call(sandbox, "one/slow/10", "two/slow/1000")] == [200, 200]


def test_each_field_is_inherited_by_itself(sandbox: Sandbox) -> None:
    """The namespace says retries, the Service timeouts: both hold; the Service's own retries then replace them."""
    with (
        policy(sandbox, "default", None, retry={"attempts": 1, "when": ["503"]}),
        policy(sandbox, "near", "one", timeouts={"request": "1s"}),
    ):
        both = call(sandbox, f"one/fail/1/{key()}", "one/slow/3000", f"two/fail/1/{key()}", "two/slow/1500")
        assert [status for status, _, _ in both] == [200, 504, 200, 200]
        with policy(sandbox, "nearer", "one", retry={"attempts": 0}):
            near = call(sandbox, f"one/fail/1/{key()}", f"two/fail/1/{key()}")
            assert [status for status, _, _ in near] == [503, 200]


@contextmanager
def mesh_defaults(cluster: Cluster, **fields: Any) -> Iterator[None]:
    """These fields of the MeshConfig for the time of a test; then what was there before."""
    path = KINDS["MeshConfig"].object_path("", "default")
    before = cluster.get(path)["spec"]
    cluster.patch(path, {"spec": fields})
    try:
        yield
    finally:
        # As a whole: a merge would leave what the test had added to a field.
        operations = [
            {"op": "replace" if name in before else "remove", "path": f"/spec/{name}", "value": before.get(name)}
            for name in fields
        ]
        cluster.patch(path, operations, "application/json-patch+json")


def test_what_the_whole_mesh_says_holds_where_nobody_says_more(cluster: Cluster, sandbox: Sandbox) -> None:
    def statuses(*services: str) -> list[int]:
        urls = [url for name in services for url in (f"{name}/fail/1/{key()}", f"{name}/slow/4000")]
        return [status for status, _, _ in call(sandbox, *urls)]

    with mesh_defaults(cluster, retry={"attempts": 1, "when": ["503"]}, timeouts={"request": "2s"}):
        acts = [200, 504]
        assert eventually(LIVE_SECONDS, lambda: statuses("one", "two"), lambda found: found == acts * 2) == acts * 2
        with policy(sandbox, "own", "one", retry={"attempts": 0}):
            assert statuses("one", "two") == [503, 504, 200, 504]
        with policy(sandbox, "own", "one", timeouts={"request": "0s"}):
            assert statuses("one", "two") == [200, 200, 200, 504]
    assert eventually(LIVE_SECONDS, lambda: statuses("two"), lambda found: found == [503, 200]) == [503, 200]


def test_a_routes_own_retry_goes_before_the_policys(sandbox: Sandbox, experimental: None) -> None:
    parent = {"group": "", "kind": "Service", "name": "one"}
    rule = {"name": "all", "retry": {"codes": [503], "attempts": 2, "backoff": "10ms"}, "timeouts": {"request": "1s"}}
    manifest: Object = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "one", "namespace": sandbox.name},
        "spec": {"parentRefs": [parent], "rules": [{**rule, "backendRefs": [{"name": "two", "port": 80}]}]},
    }
    path = sandbox.path(manifest)
    with policy(sandbox, "none", "one", retry={"attempts": 0}, timeouts={"request": "10s"}):
        sandbox.cluster.apply(path, manifest)
        try:
            state = eventually(20, partial(programmed, sandbox, path), lambda found: found == "True")
            assert state == "True"
            answers = call(sandbox, f"one/fail/2/{key()}", f"one/fail/3/{key()}", "one/slow/3000")
            assert [status for status, _, _ in answers] == [200, 503, 504]
        finally:
            sandbox.cluster.delete(path)


def test_a_rate_limit_of_the_receiver(sandbox: Sandbox) -> None:
    """A connection that was kept from before has one more request decided by the HAProxy of before (ADR 3)."""
    with policy(sandbox, "limit", "two", rateLimit={"requests": 5, "per": "1h", "by": "Caller"}):
        answers = call(sandbox, *["two/"] * 12, *["one/"] * 8)
        statuses = [status for status, _, _ in answers]
        assert statuses[:5] + statuses[12:] == [200] * 13
        assert statuses[9:12] == [429] * 3
        headers = answers[11][2]
        assert headers["x-mesh-error"] == "rate-limited"
        assert int(headers["retry-after"]) >= 1

"""The demo's proofs: when they pass, and that they can fail."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from meshctl.checks import CheckFailed, Context, Skipped, demo_identity, demo_traffic
from meshctl.checks.shop import ROUTE, Traffic, report
from meshctl.errors import MeshctlError
from tests.support.fake_cluster import FakeCluster, a_pod

PODS = {
    "/api/v1/namespaces/shop/pods": [
        a_pod("shop", "web-1"),
        a_pod("shop", "api-1"),
        a_pod("shop", "load-1"),
    ],
    "/api/v1/namespaces/staging/pods": [a_pod("staging", "api-1")],
    "/api/v1/namespaces/street/pods": [a_pod("street", "stranger-1", meshed=False)],
    ROUTE: {"spec": {"rules": [{}, {"backendRefs": [{"weight": 80}, {"weight": 20}]}]}},
}


def a_report(requests: int = 100, **changes: Any) -> str:
    known = {
        "requests": requests,
        "status": {"200": requests},
        "service": {"api": requests},
        "version": {"v1": requests},
        "errors": {},
        "latencyMs": {"p50": 1.0, "p90": 2.0, "p99": 5.0, "max": 9.0},
        "slow": 0,
        "seconds": 1.0,
        "sample": {},
    }
    return "noise\n" + json.dumps({"report": known | changes}) + "\n"


def a_context(program: Callable[[str, list[str]], str], marker: str = "") -> Context:
    return Context(cluster=FakeCluster(dict(PODS), program), namespace="heddle-system", marker=marker)  # type: ignore[arg-type]


def answering(text: str) -> Context:
    return a_context(lambda pod, argv: text)


def test_traffic_becomes_the_probes_arguments() -> None:
    argv = Traffic(url="http://api/x", count=5, slow_ms=300, new_connections=True, headers=(("x-a", "1"),)).argv()
    assert argv[:5] == ["python3", "-m", "shop", "probe", "http://api/x"]
    for words in (["--count", "5"], ["--slow", "300"], ["--new-connections"], ["-H", "x-a: 1"]):
        assert " ".join(words) in " ".join(argv)
    assert "--stdin" in Traffic().argv()


def test_a_probe_without_a_report_is_an_error() -> None:
    with pytest.raises(MeshctlError, match="no report"):
        report("Traceback …")


@pytest.mark.parametrize(("v1", "passes"), [(1600, True), (1655, True), (1665, False), (1539, False), (2000, False)])
def test_the_split_may_be_off_by_three_points(v1: int, passes: bool) -> None:
    seen = answering(a_report(2000, version={"v1": v1, "v2": 2000 - v1}))
    if passes:
        assert demo_traffic.split(seen).facts["requests"] == 2000
    else:
        with pytest.raises(CheckFailed, match="wanted 80/20"):
            demo_traffic.split(seen)


def test_a_failed_request_spoils_the_split() -> None:
    seen = answering(a_report(2000, version={"v1": 1600, "v2": 399}, status={"200": 1999, "503": 1}))
    with pytest.raises(CheckFailed, match="1 of 2000 failed: 1 x 503"):
        demo_traffic.split(seen)


def test_one_request_on_the_wrong_way_fails_the_route() -> None:
    def program(pod: str, argv: list[str]) -> str:
        service = "payment" if argv[4].endswith(("/payment", "/payment/charge")) else "api"
        wrong = {"api": 1} if argv[4].endswith("/payment/charge") and strict else {}
        return a_report(25, service={service: 25 - len(wrong)} | wrong)

    strict = False
    assert demo_traffic.route(a_context(program)).facts["paths"]["/payments"] == "api"
    strict = True
    with pytest.raises(CheckFailed, match=r"/payment/charge went to"):
        demo_traffic.route(a_context(program))


@pytest.mark.parametrize(("during", "passes"), [(30.0, True), (60.0, True), (85.0, False), (10_000.0, False)])
def test_the_caller_must_not_feel_a_hanging_staging(during: float, passes: bool) -> None:
    """Allowed: twice the slower of the runs around it (20 and 25 ms), plus 25 ms."""
    hanging = False
    runs = itertools.cycle([20.0, during, 25.0])

    def program(pod: str, argv: list[str]) -> str:
        nonlocal hanging
        if argv[3] == "control":
            assert pod == "staging/api-1"
            hanging = argv[5:] == ["30"]
            return "{}"
        p99 = next(runs)
        assert hanging == (p99 == during)
        return a_report(300, latencyMs={"p50": 1, "p90": 2, "p99": p99, "max": p99})

    if passes:
        demo_traffic.mirror_hangs(a_context(program))
    else:
        with pytest.raises(CheckFailed, match=r"at most 75 ms"):
            demo_traffic.mirror_hangs(a_context(program))
    assert not hanging, "staging hangs no longer, whatever came out"


def test_more_copies_than_requests_fail() -> None:
    def program(pod: str, argv: list[str]) -> str:
        if argv[3] != "control":
            marker = argv[argv.index("-H") + 1].removeprefix("x-probe: ")
            seen.append(marker)
            return a_report(200)
        return json.dumps({"probes": {seen[-1]: copies}})

    seen: list[str] = []
    copies = 200
    assert demo_traffic.mirror(a_context(program)).facts == {"copies": 200}
    copies = 201
    with pytest.raises(CheckFailed, match="201 copies of 200"):
        demo_traffic.mirror(a_context(program))


def test_faults_are_switched_off_again_even_when_they_fail() -> None:
    seen = answering(a_report(1000, status={"200": 500, "503": 500}))
    with pytest.raises(CheckFailed):
        demo_traffic.faults(seen)
    written = seen.cluster.written  # type: ignore[attr-defined]
    assert [verb for verb, _, _ in written] == ["create", "delete"]
    assert written[0][2]["metadata"]["name"] in written[1][1]


def test_faults_of_the_shops_own_are_left_alone() -> None:
    seen = answering(a_report())
    seen.cluster.objects["/apis/mesh.heddle.dev/v1alpha1/namespaces/shop/trafficpolicies"] = [  # type: ignore[attr-defined]
        {"spec": {"faults": [{}]}}
    ]
    with pytest.raises(Skipped, match="remove it first"):
        demo_traffic.faults(seen)


def test_any_answer_in_plaintext_is_a_failure() -> None:
    refused = a_report(5, status={}, version={}, service={}, errors={"ConnectionResetError": 5})
    assert demo_identity.plaintext(answering(refused)).facts == {"tries": 10}
    with pytest.raises(CheckFailed, match="got an answer in plaintext"):
        demo_identity.plaintext(answering(a_report(5, status={"403": 5})))


def refusal_line(**changes: Any) -> str:
    known = {
        "status": 403,
        "peer": "spiffe://cluster.local/ns/shop/sa/load",
        "reason": "default",
        "direction": "inbound",
    }
    return json.dumps(known | changes)


def test_a_refusal_needs_its_line_in_the_log() -> None:
    denied = a_report(20, status={"403": 20}, version={}, service={})
    seen = answering(denied)
    seen.cluster.log_lines["shop/api-1"] = ["not json", refusal_line(peer="other"), refusal_line()]  # type: ignore[attr-defined]
    assert "reason 'default'" in demo_identity.denied(seen).message
    identity = "spiffe://cluster.local/ns/shop/sa/load"
    seen.cluster.log_lines["shop/api-1"] = [refusal_line(reason=""), refusal_line(status=200)]  # type: ignore[attr-defined]
    assert demo_identity.refusal(seen, identity, 10) == {}


def test_one_request_that_is_let_through_fails_the_denial() -> None:
    with pytest.raises(CheckFailed, match="not 403"):
        demo_identity.denied(answering(a_report(20, status={"403": 19, "200": 1})))


def test_a_server_that_answers_without_a_client_certificate_fails() -> None:
    with pytest.raises(CheckFailed, match="answered a client without a certificate"):
        demo_identity.no_certificate(answering(json.dumps({"certificate": "x", "received": "HTTP/1.1 200"})))
    assert (
        demo_identity.no_certificate(answering(json.dumps({"certificate": "x", "refused": "alert"}))).message == "alert"
    )


def test_without_the_demo_proofs_are_skipped() -> None:
    empty = Context(cluster=FakeCluster({}), namespace="heddle-system")  # type: ignore[arg-type]
    with pytest.raises(Skipped, match="demo is not installed"):
        demo_traffic.marked(empty)

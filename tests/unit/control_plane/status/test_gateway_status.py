"""Conditions of routes by cause, from the specification's text (apis/v1: RouteConditionReason, and each field's)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.registry import decode
from control_plane.kinds.route import AnyRoute
from control_plane.status.progress import Progress
from control_plane.status.route import parents
from tests.support.cluster import Json, a_grpc_route, a_service, an_index, to
from tests.support.gateway.vocabulary import GONE, WORLD, call, full, http, path, redirect, rewrite, rule

GOOD = ("True", "Accepted"), ("True", "ResolvedRefs")


def refused(reason: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("False", reason), ("True", "ResolvedRefs")


def unresolved(reason: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("True", "Accepted"), ("False", reason)


def mirror(ref: Json) -> Json:
    return {"type": "RequestMirror", "requestMirror": {"backendRef": ref}}


SUBSET = {"group": "mesh.heddle.dev", "kind": "ServiceSubset", "name": "gone", "port": 80}
BUCKET = {"group": "storage.example", "kind": "Bucket", "name": "b"}
STRANGE = {"type": "Strange"}
UNREADABLE = ("False", "UnsupportedValue"), ("Unknown", "Pending")
TABLE: dict[str, tuple[Json, Any]] = {
    "a good route": (http(rule()), GOOD),
    "a redirect without backends": (http(redirect(hostname="o")), GOOD),
    "one port": (http(rule(), parent={"port": 8080}), GOOD),
    "a port by its name": (http(rule(), parent={"sectionName": "b"}), GOOD),
    "number and name of one port": (http(rule(), parent={"port": 8080, "sectionName": "b"}), GOOD),
    "number and name of two ports": (
        http(rule(), parent={"port": 80, "sectionName": "b"}),
        refused("NoMatchingParent"),
    ),
    "no such port": (http(rule(), parent={"port": 81}), refused("NoMatchingParent")),
    "no such name": (http(rule(), parent={"sectionName": "c"}), refused("NoMatchingParent")),
    "no such Service": (http({"backendRefs": [GONE]}), unresolved("BackendNotFound")),
    "one good, one gone": (http({"backendRefs": [to("v1"), GONE]}), unresolved("BackendNotFound")),
    "gone, with no weight": (http({"backendRefs": [to("v1"), {**GONE, "weight": 0}]}), unresolved("BackendNotFound")),
    "no such port of a backend": (http({"backendRefs": [to("v1", 81)]}), unresolved("BackendNotFound")),
    "no such subset": (http({"backendRefs": [SUBSET]}), unresolved("BackendNotFound")),
    "another kind": (http({"backendRefs": [BUCKET]}), unresolved("InvalidKind")),
    "bytes, not HTTP": (http({"backendRefs": [to("db", 5432)]}), unresolved("UnsupportedProtocol")),
    "a copy to nobody": (http(rule(filters=(mirror(GONE),))), unresolved("BackendNotFound")),
    "a copy to another kind": (http(rule(filters=(mirror(BUCKET),))), unresolved("InvalidKind")),
    "another namespace, without a grant": (
        http({"backendRefs": [to("web", namespace="other")]}),
        GOOD,  # GEP-1294: none is needed in a mesh
    ),
    "a filter of an unknown type": (http(rule(filters=(STRANGE,))), refused("UnsupportedValue")),
    "a filter of the backend of an unknown type": (
        http({"backendRefs": [to("v1", filters=[STRANGE])]}),
        refused("UnsupportedValue"),
    ),
    "no such port, and a backend that is gone": (
        http({"backendRefs": [GONE]}, parent={"port": 81}),
        (("False", "NoMatchingParent"), ("False", "BackendNotFound")),
    ),
    "an unknown type of path": (http(rule(path("/", "Strange"))), UNREADABLE),
    "an unknown type of header": (
        http(rule({"headers": [{"name": "a", "value": "b", "type": "Strange"}]})),
        refused("UnsupportedValue"),
    ),
    "an unknown method": (http(rule({"method": "STRANGE"})), refused("UnsupportedValue")),
    "an unknown scheme": (http(redirect(scheme="ftp")), refused("UnsupportedValue")),
    "an unknown status": (http(redirect(statusCode=399)), refused("UnsupportedValue")),
    "an unknown change of a path": (
        http(rewrite(path={"type": "Strange", "replaceFullPath": "/"})),
        refused("UnsupportedValue"),
    ),
    "an expression that is none": (http(rule(path("(", "RegularExpression"))), refused("UnsupportedValue")),
    "redirect and rewrite in one rule": (
        http(
            rule(
                path("/"),
                filters=(
                    {"type": "RequestRedirect", "requestRedirect": {"hostname": "o"}},
                    {"type": "URLRewrite", "urlRewrite": {"path": full("/")}},
                ),
            )
        ),
        refused("IncompatibleFilters"),
    ),
    "a call": (a_grpc_route("g", "api", rule(call("a.B", "Get"))), GOOD),
    "a call by an unknown type": (
        a_grpc_route("g", "api", rule(call("a.B", kind="Strange"))),
        UNREADABLE,
    ),
    "a call to nobody": (a_grpc_route("g", "api", {"backendRefs": [GONE]}), unresolved("BackendNotFound")),
}


@pytest.mark.parametrize("cause", TABLE)
def test_conditions_by_cause(cause: str) -> None:
    obj, (accepted, references) = TABLE[cause]
    obj = {**obj, "metadata": {**obj["metadata"], "generation": 7}}
    other = a_service("web", "10.97.0.1", namespace="other")
    route = decode(obj["kind"], json.dumps(obj).encode())
    assert isinstance(route, AnyRoute)
    (entry,) = parents(an_index(*WORLD, other, obj), route, Progress(1, 1), "2026-03-01T00:00:00Z")
    found = {one["type"]: (one["status"], one["reason"]) for one in entry["conditions"]}
    assert (found["Accepted"], found["ResolvedRefs"]) == (accepted, references), entry["conditions"]
    assert {one["observedGeneration"] for one in entry["conditions"]} == {7}
    assert ("Programmed" in found) == (accepted[0] == "True")

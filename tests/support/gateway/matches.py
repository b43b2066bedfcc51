"""Which route, rule and Service port a request meets."""

from __future__ import annotations

from typing import Any

from tests.support.cluster import a_grpc_route, a_subset, to
from tests.support.gateway.vocabulary import V1, V2, Table, call, field, goes, grpc, http, nowhere, path, rule

MATCHES = {
    "path by whole elements": Table(
        (http(rule(path("/v2"), backend="v2")),),
        (
            goes("/v2", V2), goes("/v2/", V2), goes("/v2/x", V2), goes("/v2?x=1", V2),
            nowhere("/v2x"), nowhere("/V2"), nowhere("/"), nowhere("/x/v2"),
        ),
    ),
    "a trailing slash of a prefix is ignored": Table(
        (http(rule(path("/v2/"), backend="v2")),), (goes("/v2", V2), goes("/v2/x", V2), nowhere("/v2x"))
    ),
    "exact paths are exact": Table(
        (http(rule(path("/a", "Exact"), backend="v2")),),
        (goes("/a", V2), goes("/a?b", V2), nowhere("/a/"), nowhere("/A")),
    ),
    "a rule without matches takes all": Table((http(rule()),), (goes("/", V1), goes("/x/y", V1))),
    "regular expressions match whole paths": Table(
        (http(rule(path("/v[12]/.*", "RegularExpression"), backend="v2")),), (goes("/v1/a", V2), nowhere("/x/v1/a"))
    ),
    "header names in any case, values as they are": Table(
        (http(rule({"headers": [field("Version", "two")]}, backend="v2")),),
        (
            goes("/", V2, ("version", "two")), goes("/", V2, ("VERSION", "two")), nowhere("/", ("version", "Two")),
            nowhere("/", ("version", "two ,x")), nowhere("/"),
        ),
    ),
    "of two matches of one header the first counts": Table(
        (http(rule({"headers": [field("version", "two"), field("VERSION", "one")]}, backend="v2")),),
        (goes("/", V2, ("version", "two")), nowhere("/", ("version", "one"))),
    ),
    "all headers of a match, any match of a rule": Table(
        (
            http(
                rule(
                    {"headers": [field("color", "red"), field("size", "l")]},
                    {"headers": [field("color", "blue")]},
                    backend="v2",
                )
            ),
        ),
        (
            goes("/", V2, ("color", "red"), ("size", "l")), goes("/", V2, ("color", "blue")),
            nowhere("/", ("color", "red")), nowhere("/", ("size", "l")),
        ),
    ),
    "a header by expression": Table(
        (http(rule({"headers": [field("color", "gr[ae]y", "RegularExpression")]}, backend="v2")),),
        (goes("/", V2, ("color", "grey")), nowhere("/", ("color", "greyish"))),
    ),
    "query parameters": Table(
        (http(rule({"queryParams": [field("animal", "whale")]}, backend="v2")),),
        (
            goes("/?animal=whale", V2), goes("/?x=1&animal=whale", V2), goes("/?animal=whale&animal=x", V2),
            nowhere("/?animal=x&animal=whale"), nowhere("/?Animal=whale"), nowhere("/?animal=Whale"), nowhere("/"),
        ),
    ),
    "of two matches of one parameter the first counts": Table(
        (http(rule({"queryParams": [field("a", "1"), field("a", "2")]}, backend="v2")),),
        (goes("/?a=1", V2), nowhere("/?a=2")),
    ),
    "path, header and query together": Table(
        (http(rule(path("/p", headers=[field("h", "1")], queryParams=[field("q", "1")]), backend="v2")),),
        (goes("/p?q=1", V2, ("h", "1")), nowhere("/p?q=1"), nowhere("/p", ("h", "1")), nowhere("/?q=1", ("h", "1"))),
    ),
    "method": Table(
        (http(rule({"method": "POST"}, backend="v2"), rule({"method": "GET"})),),
        (goes("/", V2, method="POST"), goes("/", V1), nowhere("/", method="PUT")),
    ),
    "hostnames have no effect": Table(
        ({**http(rule()), "spec": {**http(rule())["spec"], "hostnames": ["other.example"]}},), (goes("/", V1),)
    ),
}  # fmt: skip

_OLD, _NEW = "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
PRECEDENCE = {
    "exact before prefix": Table(
        (http(rule(path("/a")), rule(path("/a", "Exact"), backend="v2")),), (goes("/a", V2), goes("/a/b", V1))
    ),
    "longest prefix": Table(
        (http(rule(path("/")), rule(path("/a/b"), backend="v2"), rule(path("/a"))),),
        (goes("/a/b/c", V2), goes("/a/c", V1), goes("/c", V1)),
    ),
    "path before headers": Table(
        (http(rule({"headers": [field("x", "1")]}), rule(path("/a"), backend="v2")),), (goes("/a", V2, ("x", "1")),)
    ),
    "method before headers": Table(
        (http(rule({"headers": [field("x", "1"), field("y", "1")]}), rule({"method": "GET"}, backend="v2")),),
        (goes("/", V2, ("x", "1"), ("y", "1")), goes("/", V1, ("x", "1"), ("y", "1"), method="PUT")),
    ),
    "more headers, then more parameters": Table(
        (
            http(
                rule({"headers": [field("x", "1")], "queryParams": [field("a", "1"), field("b", "1")]}),
                rule({"headers": [field("x", "1"), field("y", "1")]}, backend="v2"),
            ),
        ),
        (goes("/?a=1&b=1", V2, ("x", "1"), ("y", "1")), goes("/?a=1&b=1", V1, ("x", "1"))),
    ),
    "the older route": Table(
        (http(rule(), name="a", created=_NEW), http(rule(backend="v2"), name="b", created=_OLD)), (goes("/", V2),)
    ),
    "then the name": Table((http(rule(backend="v2"), name="a"), http(rule(), name="b")), (goes("/", V2),)),
    "then the first rule": Table((http(rule(backend="v2"), rule()),), (goes("/", V2),)),
    "over all routes of a Service": Table(
        (
            http(rule(path("/a")), name="a", created=_OLD),
            http(rule(path("/a/b"), backend="v2"), name="b", created=_NEW),
        ),
        (goes("/a/b", V2), goes("/a", V1), nowhere("/b")),
    ),
}

_CONSUMER: dict[str, Any] = {"namespace": "client", "parent": {"namespace": "shop"}}
ATTACHMENT = {
    "a consumer's route acts on its namespace and wins there": Table(
        (
            http(rule(path("/both")), rule(path("/producer")), name="p", created=_OLD),
            http({"backendRefs": [to("v2", namespace="shop")], "matches": [path("/both")]}, name="c", **_CONSUMER),
        ),
        (
            goes("/both", V1), goes("/producer", V1), goes("/both", V2, namespace="client"),
            nowhere("/producer", namespace="client"),
        ),
    ),
    "a route on one port leaves the other alone": Table(
        (http(rule(backend="v2"), parent={"port": 8080}),), (goes("/", V2, port=8080), goes("/", "shop/api/80"))
    ),
    "a port by its name": Table(
        (http(rule(backend="v2"), parent={"sectionName": "b"}),), (goes("/", V2, port=8080), goes("/", "shop/api/80"))
    ),
    "without a port all ports": Table((http(rule(backend="v2")),), (goes("/", V2, port=8080), goes("/", V2))),
    "calls go before other requests": Table(
        (http(rule()), a_grpc_route("g", "api", {"backendRefs": [to("v2")]})), (goes("/", V2, method="POST"),)
    ),
    "a subset": Table(
        (
            a_subset("v1-blue", "v1", color="blue"),
            http(
                {"backendRefs": [{"group": "mesh.heddle.dev", "kind": "ServiceSubset", "name": "v1-blue", "port": 80}]}
            ),
        ),
        (goes("/", "shop/v1-blue@subset/80"),),
    ),
}  # fmt: skip

GRPC = {
    "service and method": Table(
        grpc(rule(call("a.B", "Get"), backend="v2"), rule(call("a.B"))),
        (goes("/a.B/Get", V2), goes("/a.B/Put", V1), nowhere("/a.C/Get"), nowhere("/a.B2/Get")),
    ),
    "method alone": Table(grpc(rule(call(method="Get"), backend="v2")), (goes("/x.Y/Get", V2), nowhere("/x.Y/Put"))),
    "by expression": Table(
        grpc(rule(call("a[.].*", "G.t", "RegularExpression"), backend="v2")),
        (goes("/a.B/Got", V2), nowhere("/ab.B/Got"), nowhere("/a.B/Gets")),
    ),
    "headers": Table(
        grpc(rule(call("a.B", headers=[field("Color", "red")]), backend="v2"), rule(call("a.B"))),
        (goes("/a.B/Get", V2, ("color", "red")), goes("/a.B/Get", V1)),
    ),
    "no match is every call": Table(grpc(rule(backend="v2")), (goes("/a.B/Get", V2),)),
    "longest service, then method": Table(
        grpc(rule(call(method="Get")), rule(call("a.B"), backend="v2")), (goes("/a.B/Get", V2), goes("/a.C/Get", V1))
    ),
}

"""What the Gateway API's text says that routes on a Service do, as tables: objects, requests, answers.

Source: the documentation of the types of apis/v1 (HTTPRoute and GRPCRoute), GEP-1294, 1686, 1767. The Service is `api`
in namespace `shop`, ports 80 and 8080; `v1` and `v2` are backends.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.support.cluster import Json, a_grpc_route, a_namespace, a_pod, a_route, a_service, a_slice, a_subset, to

V1, V2 = "shop/v1/80", "shop/v2/80"
GONE = to("gone")


class Ask(NamedTuple):
    """A request."""

    target: str = "/"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    host: str = "api"
    port: int = 80
    """Of the Service."""
    namespace: str = "shop"
    """Of the client."""


class Answer(NamedTuple):
    """What happens. None and empty: it does not matter here."""

    status: int = 200
    backend: str | None = None
    location: str | None = None
    target: str | None = None
    """As the backend sees it."""
    host: str | None = None
    sees: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Header fields as the backend sees them: all values of a name."""
    told: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Header fields of the answer, sorted."""


class Table(NamedTuple):
    """Objects beside WORLD, and what follows from them."""

    objects: tuple[Json, ...]
    rows: tuple[tuple[Ask, Answer], ...]


_PORTS = ({"name": "a", "port": 80, "appProtocol": "http"}, {"name": "b", "port": 8080, "appProtocol": "http"})
_POD = a_pod("v1-1", "10.0.0.5", labels={"app": "v1"})
WORLD: tuple[Json, ...] = (
    a_namespace("shop"),
    a_namespace("client"),
    a_service("api", "10.96.0.10", *_PORTS),
    a_service("v1", "10.96.0.11"),
    a_service("v2", "10.96.0.12"),
    a_service("db", "10.96.0.13", {"port": 5432, "appProtocol": "tcp"}),
    _POD,
    a_slice("v1", _POD),
    a_pod("web-1", "10.0.0.1", account="web"),
    a_pod("client-1", "10.0.0.2", account="client", namespace="client"),
)


def http(*rules: Json, name: str = "r", **more: Any) -> Json:
    return a_route(name, "api", *rules, **more)


def path(value: str, kind: str = "PathPrefix", **more: Any) -> Json:
    return {"path": {"type": kind, "value": value}, **more}


def rule(*matches: Json, backend: str = "v1", filters: tuple[Json, ...] = (), **more: Any) -> Json:
    found: Json = {"backendRefs": [to(backend)], **more}
    if matches:
        found["matches"] = list(matches)
    if filters:
        found["filters"] = list(filters)
    return found


def redirect(*matches: Json, **wanted: Any) -> Json:
    return {
        "matches": list(matches) or [path("/")],
        "filters": [{"type": "RequestRedirect", "requestRedirect": wanted}],
    }


def rewrite(*matches: Json, **wanted: Any) -> Json:
    return rule(*matches, filters=({"type": "URLRewrite", "urlRewrite": wanted},))


def prefix(value: str) -> Json:
    return {"type": "ReplacePrefixMatch", "replacePrefixMatch": value}


def full(value: str) -> Json:
    return {"type": "ReplaceFullPath", "replaceFullPath": value}


def field(name: str, value: str, kind: str = "Exact") -> Json:
    return {"name": name, "value": value, "type": kind}


def moved(target: str, location: str, **ask: Any) -> tuple[Ask, Answer]:
    return Ask(target, **ask), Answer(302, location=location)


def goes(target: str, backend: str, *headers: tuple[str, str], **ask: Any) -> tuple[Ask, Answer]:
    return Ask(target, headers=headers, **ask), Answer(backend=backend)


def nowhere(target: str, *headers: tuple[str, str], **ask: Any) -> tuple[Ask, Answer]:
    return Ask(target, headers=headers, **ask), Answer(404)


PREFIX_MATCH: tuple[tuple[str, str, str, str], ...] = (
    ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
    ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
    ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
    ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
    ("/foo", "/foo", "/xyz", "/xyz"),
    ("/foo/", "/foo", "/xyz", "/xyz/"),
    ("/foo/bar", "/foo", "", "/bar"),
    ("/foo/", "/foo", "", "/"),
    ("/foo", "/foo", "", "/"),
    ("/foo/", "/foo", "/", "/"),
    ("/foo", "/foo", "/", "/"),
    ("/foo/bar?q=1&r", "/foo", "/xyz", "/xyz/bar?q=1&r"),
    ("/foo/bar/baz", "/", "/xyz", "/xyz/foo/bar/baz"),
    ("/foo%20bar/baz", "/foo%20bar", "/x", "/x/baz"),
)
"""Path, matched prefix, replacement, path then: the specification's own table, and a few."""


def _prefix_tables() -> dict[str, Table]:
    found = {}
    for given, matched, replacement, then in PREFIX_MATCH:
        name = f"{given} by {matched} to {replacement or 'nothing'}"
        change = {"path": prefix(replacement)}
        found[f"redirect {name}"] = Table(
            (http(redirect(path(matched), **change)),), (moved(given, f"http://api{then}"),)
        )
        found[f"rewrite {name}"] = Table(
            (http(rewrite(path(matched), **change)),), ((Ask(given), Answer(backend=V1, target=then)),)
        )
    return found


def _locations() -> dict[str, Table]:
    def on(called: int, location: str, host: str = "api", **wanted: Any) -> Table:
        return Table((http(redirect(**wanted)),), (moved("/p?q=1", location, port=called, host=host),))

    return {
        "host alone": on(80, "http://other/p?q=1", hostname="other"),
        "host alone, on a port that is not the scheme's": on(8080, "http://other:8080/p?q=1", hostname="other"),
        "the request's host stays": on(80, "http://shop.example/p?q=1", host="shop.example", path=full("/p")),
        "the port of the request's host is not the one that was called": on(
            80, "http://shop.example/p?q=1", host="shop.example:9999", path=full("/p")
        ),
        "https has its own port": on(8080, "https://api/p?q=1", scheme="https"),
        "http has its own port": on(8080, "http://api/p?q=1", scheme="http"),
        "a port of one's own": on(80, "http://api:8083/p?q=1", port=8083),
        "a port of one's own and a scheme": on(80, "https://api:8443/p?q=1", port=8443, scheme="https"),
        "443 with https is left out": on(80, "https://api/p?q=1", port=443, scheme="https"),
        "80 with http is left out": on(8080, "http://api/p?q=1", port=80),
        "443 with http is told": on(80, "http://api:443/p?q=1", port=443),
        "80 with https is told": on(80, "https://api:80/p?q=1", port=80, scheme="https"),
        "all at once": on(
            80, "https://other:8443/new?q=1", port=8443, scheme="https", hostname="other", path=full("/new")
        ),
        "a full path keeps the query": on(80, "http://api/new?q=1", path=full("/new")),
    }


def _statuses() -> dict[str, Table]:
    found = {}
    for status in (301, 302, 303, 307, 308):
        answer = Answer(status, location="http://other/")
        found[f"status {status}"] = Table((http(redirect(hostname="other", statusCode=status)),), ((Ask(), answer),))
    return found


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


def change(kind: str, **wanted: Any) -> Json:
    key = "requestHeaderModifier" if kind == "RequestHeaderModifier" else "responseHeaderModifier"
    return {"type": kind, key: wanted}


def nv(**values: str) -> list[Json]:
    return [{"name": name.replace("_", "-"), "value": value} for name, value in values.items()]


_ALL = {"set": nv(X_Set="s"), "add": nv(X_Add="a"), "remove": ["X-Remove"]}
_SENT = (("x-set", "old"), ("X-Add", "old"), ("x-remove", "old"), ("X-Other", "o"))
_SEEN = (("x-set", ("s",)), ("x-add", ("old", "a")), ("x-remove", ()), ("x-other", ("o",)))
HEADERS = {
    "of a rule": Table(
        (http(rule(filters=(change("RequestHeaderModifier", **_ALL),))),),
        ((Ask(headers=_SENT), Answer(backend=V1, sees=_SEEN)),),
    ),
    "of a backend": Table(
        (http({"backendRefs": [to("v1", filters=[change("RequestHeaderModifier", **_ALL)])]}),),
        ((Ask(headers=_SENT), Answer(backend=V1, sees=_SEEN)),),
    ),
    "of a rule, then of its backend": Table(
        (
            http(
                {
                    "filters": [change("RequestHeaderModifier", set=nv(x="rule"), add=nv(y="rule"))],
                    "backendRefs": [
                        to("v1", filters=[change("RequestHeaderModifier", set=nv(x="own"), add=nv(y="own"))])
                    ],
                }
            ),
        ),
        ((Ask(), Answer(backend=V1, sees=(("x", ("own",)), ("y", ("rule", "own"))))),),
    ),
    "of the answer": Table(
        (http(rule(filters=(change("ResponseHeaderModifier", set=nv(x_set="s"), add=nv(x_add="a")),))),),
        ((Ask(), Answer(backend=V1, told=(("x-add", ("a",)), ("x-set", ("s",))))),),
    ),
    "a host that is rewritten": Table(
        (http(rewrite(hostname="inner.example")),),
        ((Ask("/a?b"), Answer(backend=V1, target="/a?b", host="inner.example")),),
    ),
    "host and path": Table(
        (http(rewrite(path("/a"), hostname="inner.example", path=full("/z"))),),
        ((Ask("/a/b?c"), Answer(backend=V1, target="/z?c", host="inner.example")),),
    ),
}


_PAGE = "https://www.shop.example"
_ORIGIN = (("origin", _PAGE),)
_QUESTION = (*_ORIGIN, ("access-control-request-method", "PUT"), ("access-control-request-headers", "x-a"))


def _cors(answer: Answer, ask: Ask, **wanted: Any) -> Table:
    return Table((http(rule(filters=({"type": "CORS", "cors": wanted},))),), ((ask, answer),))


def _allow(**fields: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((f"access-control-{name.replace('_', '-')}", (value,)) for name, value in fields.items())


_ASKED = Ask(method="OPTIONS", headers=_QUESTION)
CORS = {
    "the origin is told, not *": _cors(
        Answer(told=_allow(allow_origin=_PAGE), backend=V1), Ask(headers=_ORIGIN), allowOrigins=["*"]
    ),
    "a wildcard for a part of the host": _cors(
        Answer(told=_allow(allow_origin=_PAGE), backend=V1),
        Ask(headers=_ORIGIN),
        allowOrigins=["https://*.shop.example"],
    ),
    "another origin is told nothing": _cors(
        Answer(told=(("access-control-allow-origin", ()),), backend=V1),
        Ask(headers=_ORIGIN),
        allowOrigins=["https://a.b"],
    ),
    "another scheme is another origin": _cors(
        Answer(told=(("access-control-allow-origin", ()),), backend=V1),
        Ask(headers=_ORIGIN),
        allowOrigins=["http://www.shop.example"],
    ),
    "a question is answered": _cors(
        Answer(
            204,
            told=_allow(allow_headers="x-a, x-b", allow_methods="GET, PUT", allow_origin=_PAGE, max_age="10"),
        ),
        _ASKED,
        allowOrigins=[_PAGE],
        allowMethods=["GET", "PUT"],
        allowHeaders=["x-a", "x-b"],
        maxAge=10,
    ),
    "five seconds, if nothing is said": _cors(
        Answer(204, told=_allow(allow_origin=_PAGE, max_age="5")), _ASKED, allowOrigins=[_PAGE]
    ),
    "with credentials * is no wildcard": _cors(
        Answer(
            204, told=_allow(allow_credentials="true", allow_headers="x-a", allow_methods="PUT", allow_origin=_PAGE)
        ),
        _ASKED,
        allowOrigins=["*"],
        allowMethods=["*"],
        allowHeaders=["*"],
        allowCredentials=True,
    ),
    "what may be read": _cors(
        Answer(backend=V1, told=_allow(allow_origin=_PAGE, expose_headers="x-told")),
        Ask(headers=_ORIGIN),
        allowOrigins=[_PAGE],
        exposeHeaders=["x-told"],
    ),
}


def grpc(*rules: Json) -> tuple[Json, ...]:
    return (a_grpc_route("g", "api", *rules),)


def call(service: str | None = None, method: str | None = None, kind: str = "Exact", **more: Any) -> Json:
    given = {name: value for name, value in (("service", service), ("method", method)) if value is not None}
    return {**({"method": {"type": kind, **given}} if given else {}), **more}


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

_INVALID: dict[str, Json] = {
    "no such Service": GONE,
    "no such port": to("v1", 81),
    "no port": to("v1", None),
    "another kind": {"group": "storage.example", "kind": "Bucket", "name": "b"},
    "no such subset": {"group": "mesh.heddle.dev", "kind": "ServiceSubset", "name": "gone", "port": 80},
    "bytes, not HTTP": to("db", 5432),
}
"""References that lead nowhere."""


def _invalid() -> dict[str, Table]:
    found = {}
    for cause, ref in _INVALID.items():
        found[f"all of a rule: {cause}"] = Table((http({"backendRefs": [ref]}),), ((Ask(), Answer(500)),))
    found["calls see UNAVAILABLE"] = Table(grpc({"backendRefs": [GONE]}), ((Ask("/a/b"), Answer(503)),))
    found["a rule without backends"] = Table((http({"name": "none"}),), ((Ask(), Answer(500)),))
    found["no weight at all"] = Table((http({"backendRefs": [to("v1", weight=0)]}),), ((Ask(), Answer(503)),))
    found["a weight of zero gets nothing"] = Table(
        (http({"backendRefs": [to("v1", weight=0), to("v2", weight=3)]}),), ((Ask(), Answer(backend=V2)),) * 3
    )
    found["an invalid one without weight costs nothing"] = Table(
        (http({"backendRefs": [to("gone", weight=0), to("v2")]}),), ((Ask(), Answer(backend=V2)),) * 3
    )
    found["a redirect needs no backend"] = Table((http(redirect(hostname="o")),), (moved("/", "http://o/"),))
    return found


def _group(name: str, tables: dict[str, Table]) -> dict[str, Table]:
    return {f"{name}: {case}": table for case, table in tables.items()}


TABLES: dict[str, Table] = {
    **_group("path", _prefix_tables()),
    **_group("location", _locations()),
    **_group("redirect", _statuses()),
    **_group("match", MATCHES),
    **_group("precedence", PRECEDENCE),
    **_group("attachment", ATTACHMENT),
    **_group("headers", HEADERS),
    **_group("cors", CORS),
    **_group("grpc", GRPC),
    **_group("invalid", _invalid()),
}


class Share(NamedTuple):
    """How many of a number of requests go where; None: an answer of 500."""

    refs: tuple[Json, ...]
    shares: tuple[tuple[str | None, int], ...]


SHARES: dict[str, Share] = {
    "70 to 30": Share((to("v1", weight=70), to("v2", weight=30)), ((V1, 7), (V2, 3))),
    "weights are no percentages": Share((to("v1", weight=1), to("v2", weight=3)), ((V1, 1), (V2, 3))),
    "one without a weight has 1": Share((to("v1"), to("v2", weight=4)), ((V1, 1), (V2, 4))),
    "none has a weight": Share((to("v1"), to("v2")), ((V1, 1), (V2, 1))),
    **{
        f"a quarter of 500: {cause}": Share((to("v1", weight=3), {**ref, "weight": 1}), ((V1, 3), (None, 1)))
        for cause, ref in _INVALID.items()
    },
}
"""Over the sum of the weights, and every multiple of it."""

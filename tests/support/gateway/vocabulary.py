"""Words for tables of what routes on a Service do: objects beside WORLD, requests, answers.

The Service is `api` in namespace `shop`, ports 80 and 8080; `v1` and `v2` are backends.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.support.cluster import Json, a_grpc_route, a_namespace, a_pod, a_route, a_service, a_slice, to

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


def change(kind: str, **wanted: Any) -> Json:
    key = "requestHeaderModifier" if kind == "RequestHeaderModifier" else "responseHeaderModifier"
    return {"type": kind, key: wanted}


def nv(**values: str) -> list[Json]:
    return [{"name": name.replace("_", "-"), "value": value} for name, value in values.items()]


def grpc(*rules: Json) -> tuple[Json, ...]:
    return (a_grpc_route("g", "api", *rules),)


def call(service: str | None = None, method: str | None = None, kind: str = "Exact", **more: Any) -> Json:
    given = {name: value for name, value in (("service", service), ("method", method)) if value is not None}
    return {**({"method": {"type": kind, **given}} if given else {}), **more}

"""What filters change in requests and answers, and CORS."""

from __future__ import annotations

from typing import Any

from tests.support.cluster import to
from tests.support.gateway.vocabulary import V1, Answer, Ask, Table, change, full, http, nv, path, rewrite, rule

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

"""Random rules and random requests that have to do with each other; what is nasty comes often."""

from __future__ import annotations

import random

from mesh_policy.route import RouteCandidate, check, order
from mesh_policy.snapshot import (
    Authorization,
    Cors,
    HeaderModifier,
    HeaderPresence,
    HttpPermissionMatch,
    HttpRoutes,
    Intention,
    Match,
    PathChange,
    PathMatch,
    Permission,
    Redirect,
    Rewrite,
    Rule,
    SourceMatch,
    ValueMatch,
    WeightedBackend,
)
from tests.support.sidecar.expectation import Sent

PREFIXES = ("/", "/", "/a", "/a/", "/a/b", "/b", "/a%20b", "/A", "/a;x", "/é".encode().decode("latin-1"), "/~u")
SEGMENTS = (
    b"a", b"b", b"A", b"ab", b"a%20b", b"a;x", b"a;x=1;y", b"~u", b"..", b".", b"...", b"..;a", b"%2e%2e", b"%2F",
    b"%5c",
    b"\\", b"%00", b"%61", b"%7e", b"%C3%A9", b"\xc3\xa9", b"\xff", b"", b"a b", b"a\tb", b"a#b", b"%", b"%zz",
    b"%2", b"*",
    b"a:b", b"@", b"'", b'"', b"<", b"|", b"^", b"{x}", b"[1]", b"$(x)", b"%[src]", b"a+b", b"a&b", b"a=b", b",",
    b"%25",
)  # fmt: skip
PLAIN = (b"a", b"b", b"A", b"ab", b"a%20b", b"a;x", b"~u", b"c", b"d%C3%A9", b"x.y")
QUERIES = (
    b"", b"?", b"?q=1", b"?q=1&q=2", b"?q=2&q=1", b"?q", b"?q=", b"?Q=1", b"?q=%31", b"?q=a+b", b"?q=a%20b", b"?q=%",
    b"?q=%zz",
    b"?x=1&q=1", b"?q=1?q=2", b"?q=/../x", b"?q=%00", b"?q=1#f", b"?q=\xff", b"?&&q=1", b"?q=1&" + b"l" * 3000,
    b"?q==1",
    b"?q=1;x=2", b"?%71=1",
)  # fmt: skip
NAMES = (b"x-a", b"X-A", b"x-b", b"X-b", b"origin", b"access-control-request-method", b"x-c")
ODD_NAMES = (
    b"x-mesh-peer", b"X_Mesh_Peer", b"x-mesh-internal-backend", b"X-Mesh-Internal-Frontend", b"x-forwarded-client-cert",
    b"x_mesh-internal_version", b"x-request-id", b"cookie", b"x.a", b"x!a", b"accept", b"user-agent", b"authorization",
)  # fmt: skip
VALUES = (
    b"v", b"V", b"w", b"", b" v ", b"v, w", b"v,w", b"\tv", b"it's", b'"', b"%[src]", b"$x", b"\\", b"\xe9",
    b"\xc3\xa9", b"v" * 900,
    b"https://shop.example", b"https://www.shop.example", b"http://evil.example", b"null", b"GET", b"shop/b0/80",
)  # fmt: skip
METHODS = (
    b"GET",
    b"GET",
    b"GET",
    b"POST",
    b"PUT",
    b"OPTIONS",
    b"HEAD",
    b"DELETE",
    b"PURGE",
    b"get",
    b"M-SEARCH",
    b"TRACE",
)
HOSTS = (b"api", b"API.shop", b"api:80", b"api.shop.svc.cluster.local:8080", b"10.96.0.30", b"[::1]:80")
EXPRESSIONS = ("v+", "v|w", ".*", "(?i)v", "[a-z]*", "v, ?w", "")


def a_request(chance: random.Random) -> Sent:
    """One request; two in three have a clean path."""
    clean = chance.random() < 0.67
    segments = [chance.choice(PLAIN if clean else SEGMENTS) for _ in range(chance.randint(1, 4))]
    if clean and chance.random() < 0.5:
        segments = [b"a", *segments[1:]]
    target = b"/" + b"/".join(segments) + (b"/" if chance.random() < 0.2 else b"")
    if chance.random() < 0.5:
        target += chance.choice(QUERIES)
    method = chance.choice(METHODS)
    if method == b"OPTIONS" and chance.random() < 0.2:
        target = b"*"
    names = [chance.choice(ODD_NAMES if chance.random() < 0.2 else NAMES) for _ in range(chance.randint(0, 5))]
    fields = [(name, chance.choice(VALUES)) for name in names]
    if method == b"OPTIONS" and chance.random() < 0.7:
        origin = chance.choice((b"https://shop.example", b"https://www.shop.example", b"http://evil.example"))
        fields += [(b"Origin", origin), (b"Access-Control-Request-Method", b"PUT")]
    body = b"x" * chance.choice((0, 1, 5000)) if method in (b"POST", b"PUT") else b""
    return Sent(method, target, tuple(fields), chance.choice(HOSTS), body)


def some_routes(chance: random.Random, backends: tuple[str, ...]) -> HttpRoutes:
    """Rules of some routes, in their order of precedence; the snapshot's own check accepts them."""
    while True:
        rules = tuple(_rule(chance, index, backends) for index in range(chance.randint(1, 7)))
        candidates = [
            RouteCandidate(
                _match(chance, rule), index, f"2026-01-0{chance.randint(1, 3)}T00:00:00Z", rule.route, index, n
            )
            for index, rule in enumerate(rules)
            for n in range(chance.randint(1, 3))
        ]
        routes = HttpRoutes(entries=order(candidates), rules=rules)
        if not check(routes, "routes"):
            return routes


def _match(chance: random.Random, rule: Rule) -> Match:
    kind = chance.choice(("PathPrefix", "PathPrefix", "PathPrefix", "Exact", "RegularExpression"))
    if _changes_prefix(rule):
        kind = "PathPrefix"
    value = (
        chance.choice(("/a.*", "/(a|b)/?[a-z]*", "/[^/]*", ".*"))
        if kind == "RegularExpression"
        else chance.choice(PREFIXES)
    )
    return Match(
        path=PathMatch(type=kind, value=value),  # type: ignore[arg-type]
        method=chance.choice((None, None, None, "GET", "POST", "PURGE", "OPTIONS")),
        headers=_values(chance, ("x-a", "x-b", "x-c")),
        query=_values(chance, ("q", "Q", "x")),
    )


def _values(chance: random.Random, names: tuple[str, ...]) -> tuple[ValueMatch, ...]:
    found = []
    while chance.random() < 0.25:
        if chance.random() < 0.3:
            one = ValueMatch(name=chance.choice(names), value=chance.choice(EXPRESSIONS), type="RegularExpression")
        else:
            one = ValueMatch(
                name=chance.choice(names), value=chance.choice(("v", "w", "v,w", "v, w", "", "1", "a b", "é"))
            )
        found.append(one)
    return tuple(found)


def _changes_prefix(rule: Rule) -> bool:
    changes = [rule.redirect, rule.rewrite, *(b.redirect for b in rule.backends), *(b.rewrite for b in rule.backends)]
    return any(change is not None and change.path is not None and change.path.prefix is not None for change in changes)


def _rule(chance: random.Random, index: int, backends: tuple[str, ...]) -> Rule:
    kind = chance.choice(("HTTPRoute", "HTTPRoute", "HTTPRoute", "GRPCRoute"))
    return Rule(
        route=f"{kind}/shop/r{chance.randint(0, 2)}",
        name=str(index),
        cors=_sometimes(chance, 0.2, _cors),
        redirect=_sometimes(chance, 0.12, _redirect),
        rewrite=_sometimes(chance, 0.25, _rewrite),
        request_headers=_sometimes(chance, 0.3, _modifier),
        response_headers=_sometimes(chance, 0.2, _modifier),
        backends=_backends(chance, backends),
    )


def _backends(chance: random.Random, names: tuple[str, ...]) -> tuple[WeightedBackend, ...]:
    """At most one of them has a weight: what is chosen is no matter of chance."""
    if chance.random() < 0.06:
        return ()
    idle = [WeightedBackend(backend=chance.choice(names), weight=0) for _ in range(chance.choice((0, 0, 1)))]
    filtered = chance.random() < 0.25
    chosen = WeightedBackend(
        backend=None if chance.random() < 0.06 else chance.choice(names),
        weight=0 if chance.random() < 0.05 else chance.randint(1, 9),
        cors=_sometimes(chance, 0.3 * filtered, _cors),
        redirect=_sometimes(chance, 0.2 * filtered, _redirect),
        rewrite=_sometimes(chance, 0.4 * filtered, _rewrite),
        request_headers=_sometimes(chance, 0.5 * filtered, _modifier),
        response_headers=_sometimes(chance, 0.4 * filtered, _modifier),
    )
    found = [*idle, chosen]
    chance.shuffle(found)
    return tuple(found)


def _sometimes[T](chance: random.Random, share: float, make: object) -> T | None:
    return make(chance) if chance.random() < share else None  # type: ignore[operator,no-any-return]


def _cors(chance: random.Random) -> Cors:
    origins = chance.choice((("*",), ("https://shop.example",), ("https://*.shop.example",), ()))
    return Cors(
        allow_origins=origins,
        allow_credentials=chance.random() < 0.5,
        allow_methods=chance.choice((("*",), ("GET", "PUT"), ())),
        allow_headers=chance.choice((("*",), ("x-a",), ())),
        expose_headers=chance.choice((("*",), ("x-told",), ())),
    )


def _redirect(chance: random.Random) -> Redirect:
    return Redirect(
        status=chance.choice((301, 302, 303, 307, 308)),
        scheme=chance.choice((None, None, "http", "https")),  # type: ignore[arg-type]
        hostname=chance.choice((None, "other.example")),
        port=chance.choice((None, None, 80, 443, 8443)),
        path=_sometimes(chance, 0.5, _path),
    )


def _rewrite(chance: random.Random) -> Rewrite:
    host = chance.choice((None, "inner.example"))
    return Rewrite(hostname=host, path=_path(chance) if host is None or chance.random() < 0.5 else None)


def _path(chance: random.Random) -> PathChange:
    if chance.random() < 0.4:
        return PathChange(full=chance.choice(("/", "/new", "/new/a%20b")))
    return PathChange(prefix=chance.choice(("/", "/new", "/new/", "/a")))


def _modifier(chance: random.Random) -> HeaderModifier:
    names = [chance.choice(("x-a", "x-b", "x-new", "x-told", "user-agent")) for _ in range(3)]
    return HeaderModifier(
        set=((names[0], chance.choice(("v", "set", "é"))),) if chance.random() < 0.6 else (),
        add=((names[1], chance.choice(("w", "add"))),) if chance.random() < 0.6 else (),
        remove=(names[2],) if chance.random() < 0.4 else (),
    )


def some_intentions(chance: random.Random, identities: tuple[str, ...]) -> Authorization:
    """Who may call; mostly somebody may."""
    intentions = tuple(_intention(chance, index, identities) for index in range(chance.randint(0, 4)))
    default = chance.choice(("Allow", "Allow", "Audit", "Deny"))
    return Authorization(default=default, intentions=intentions)  # type: ignore[arg-type]


def _intention(chance: random.Random, index: int, identities: tuple[str, ...]) -> Intention:
    source = chance.choice(
        (SourceMatch(identities=(chance.choice(identities),)), SourceMatch(namespace="shop"), SourceMatch())
    )
    if chance.random() < 0.3:
        return Intention(name=f"shop/i{index}", source=source, action=chance.choice(("allow", "allow", "deny")))  # type: ignore[arg-type]
    permissions = [
        Permission(action=chance.choice(("allow", "deny")), http=_permission(chance))  # type: ignore[arg-type]
        for _ in range(chance.randint(1, 3))
    ]
    if chance.random() < 0.7:
        permissions.append(Permission(action="allow"))
    return Intention(name=f"shop/i{index}", source=source, permissions=tuple(permissions))


def _permission(chance: random.Random) -> HttpPermissionMatch:
    paths: dict[str, str] = chance.choice(
        (
            {},
            {"path_exact": chance.choice(PREFIXES)},
            {"path_prefix": chance.choice(PREFIXES)},
            {"path_regex": chance.choice(("/a.*", "/(a|b)/[a-z]*", "(?i)/A", "/[^/]+"))},
        )
    )
    methods = tuple(chance.sample(("GET", "POST", "PUT", "OPTIONS", "PURGE"), 2)) if chance.random() < 0.4 else ()
    headers = tuple(_presence(chance) for _ in range(chance.choice((0, 0, 1, 2))))
    return HttpPermissionMatch(**paths, methods=methods, headers=headers)  # type: ignore[arg-type]


def _presence(chance: random.Random) -> HeaderPresence:
    test = chance.choice(("present", "exact", "prefix", "suffix", "regex"))
    value: object = chance.choice(("v", "w", "v, w", "it's", "V"))
    if test == "present":
        value = chance.random() < 0.5
    elif test == "regex":
        value = chance.choice(EXPRESSIONS[:-1])
    return HeaderPresence(name=chance.choice(("x-a", "x-b")), invert=chance.random() < 0.3, **{test: value})  # type: ignore[arg-type]

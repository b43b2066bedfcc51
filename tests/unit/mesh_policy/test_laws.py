"""Laws that hold between the rules, whatever a snapshot and a request hold."""

from __future__ import annotations

import random
import re

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from mesh_policy import authorization, filters, redirect, regex, rewrite, route, wire
from mesh_policy.errors import InvalidConfig
from mesh_policy.identity import SpiffeId, parse_spiffe_id
from mesh_policy.path import refusal, split_target
from mesh_policy.request import Fields, RequestView, header_values, joined_header, query_value
from mesh_policy.route import RouteCandidate
from mesh_policy.snapshot import (
    HeaderModifier,
    HttpRoutes,
    Match,
    PathChange,
    PathMatch,
    Redirect,
    ValueMatch,
    WorkloadConfig,
)
from tests.support.anything import TEXTS, anything
from tests.support.sidecar.random_traffic import a_request, some_intentions, some_routes

seeds = st.integers(0, 2**32).map(random.Random)
BACKENDS = ("shop/a/80", "shop/b/80")
WEB, THIEF = (SpiffeId("cluster.local", "shop", name) for name in ("web", "thief"))


def asked(chance: random.Random) -> RequestView:
    sent = a_request(chance)
    return RequestView(sent.method, *split_target(sent.target), sent.fields)


# --- precedence: which rule decides -------------------------------------------------------------------


@st.composite
def candidates(draw: st.DrawFn) -> list[RouteCandidate]:
    chance = draw(seeds)
    routes = some_routes(chance, BACKENDS)
    return [
        RouteCandidate(entry.match, entry.rule, f"202{chance.randint(5, 6)}", chance.choice("ab"), entry.rule, index)
        for index, entry in enumerate(routes.entries)
    ]


@given(candidates(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_entries(found: list[RouteCandidate], chance: random.Random) -> None:
    shuffled = chance.sample(found, len(found))
    assert route.order(shuffled) == route.order(found)


@given(candidates())
def test_of_two_candidates_one_goes_first_and_any_third_agrees(found: list[RouteCandidate]) -> None:
    """A total order: what all of them say together is what each pair says alone."""
    entries = route.order(found)
    for i, first in enumerate(found):
        for second in found[:i]:
            pair = route.order([first, second])
            assert pair == route.order([second, first])
            if pair[0] != pair[1] and entries.count(pair[0]) == entries.count(pair[1]) == 1:
                assert entries.index(pair[0]) < entries.index(pair[1])


@given(seeds)
def test_no_rule_of_a_losing_match_ever_answers(chance: random.Random) -> None:
    """The first match that holds decides, and no later one has a say; read by another, slower reading of a match."""
    routes = some_routes(chance, BACKENDS)
    request = asked(chance)
    found = route.find(route.prepare(routes), request)
    holding = [index for index, entry in enumerate(routes.entries) if holds(entry.match, request)]
    if found is None:
        assert not holding
        return
    assert found.entry == holding[0]
    assert found.rule.rule is routes.rules[routes.entries[holding[0]].rule]


def holds(match: Match, request: RequestView) -> bool:
    return (
        match.method in (None, request.method.decode("latin-1"))
        and path_holds(match.path, request.path)
        and all(header_holds(one, request.fields) for one in firsts(match.headers, str.lower))
        and all(value_holds(one, query_value(request.query, one.name.encode())) for one in firsts(match.query, str))
    )


def firsts(values: tuple[ValueMatch, ...], fold: type[str] | object) -> list[ValueMatch]:
    named = {fold(one.name): one for one in reversed(values)}  # type: ignore[operator]
    return list(named.values())


def path_holds(match: PathMatch, path: bytes) -> bool:
    value = match.value.encode()
    if match.type == "Exact":
        return path == value
    if match.type == "RegularExpression":
        return regex.compile_expression(match.value)(path)
    wanted, has = value.rstrip(b"/").split(b"/"), path.split(b"/")
    return wanted == [b""] or has[: len(wanted)] == wanted  # the whole of `OPTIONS *` is below /, too


def header_holds(match: ValueMatch, fields: Fields) -> bool:
    return value_holds(match, joined_header(fields, match.name.lower().encode()))


def value_holds(match: ValueMatch, value: bytes | None) -> bool:
    if value is None:
        return False
    if match.type == "RegularExpression":
        return regex.compile_expression(match.value)(value)
    return value == match.value.encode()


# --- paths -------------------------------------------------------------------------------------------


places = st.lists(st.sampled_from(["", "a", "b", "a%20b", "a;x", "..", ".", ".;", "%2e", "a.", "é"]), max_size=3).map(
    lambda segments: "/" + "/".join(segments)
)
changes = st.one_of(st.builds(PathChange, full=places), st.builds(PathChange, prefix=places | st.just("")))


@given(seeds, changes, st.builds(PathMatch, value=places))
def test_no_rule_makes_a_path_that_the_next_sidecar_refuses(
    chance: random.Random, change: PathChange, match: PathMatch
) -> None:
    target = a_request(chance).target
    routes = HttpRoutes(entries=(route.RouteEntry(match=Match(path=match), rule=0),), rules=(route.Rule(route="r"),))
    assume(not refusal(target) and not rewrite.check_target(None, change, "") and not route.check(routes, ""))
    path, query = split_target(target)
    found = route.find(route.prepare(routes), RequestView(b"GET", path, query, ()))
    if found is not None:
        changed = rewrite.changed_target(change, target, found.prefix)
        assert refusal(changed) is None
        assert split_target(changed)[1] == query


@given(seeds)
def test_what_is_refused_does_not_depend_on_who_asks_and_comes_before(chance: random.Random) -> None:
    """Refusing looks at the target alone: no header, method, rule or identity makes a refused target pass."""
    target = a_request(chance).target
    reason = refusal(target)
    assert refusal(target) == reason
    path, _, query = target.partition(b"?")
    if reason is not None and not reason.startswith("query"):
        assert refusal(path) == reason
        assert refusal(path + b"?x" + query) == reason


# --- header modifiers --------------------------------------------------------------------------------

names = st.sampled_from(["x-a", "x-b", "x-c"])
modifiers = st.builds(
    HeaderModifier,
    set=st.lists(st.tuples(names, st.sampled_from("12")), max_size=1).map(tuple),
    add=st.lists(st.tuples(names, st.sampled_from("34")), max_size=2).map(tuple),
    remove=st.lists(names, max_size=1).map(tuple),
)
some_fields = st.lists(
    st.tuples(st.sampled_from([b"x-a", b"X-A", b"x-B", b"other"]), st.sampled_from([b"o", b"", b"p, q"])), max_size=5
).map(tuple)


@given(modifiers, some_fields)
def test_what_a_modifier_says_holds_afterwards(modifier: HeaderModifier, fields: Fields) -> None:
    changed = filters.HeaderChange(modifier)(fields)
    set_to, removed = dict(modifier.set), set(modifier.remove)
    for name in ("x-a", "x-b", "x-c"):
        before = [set_to[name].encode()] if name in set_to else header_values(fields, name.encode())
        added = [value.encode() for field, value in modifier.add if field == name]
        assert header_values(changed, name.encode()) == ([] if name in removed else before + added)
    others = [field for field in fields if field[0] == b"other"]
    assert [field for field in changed if field[0] == b"other"] == others


@given(modifiers, some_fields)
def test_setting_and_removing_twice_is_once(modifier: HeaderModifier, fields: Fields) -> None:
    change = filters.HeaderChange(msgspec.structs.replace(modifier, add=()))
    assert sorted(change(change(fields))) == sorted(change(fields))


# --- redirects ---------------------------------------------------------------------------------------

LOCATION = re.compile(rb"(https?)://([^/?#:]+|\[[^\]]*\])(?::(\d+))?(/[^?#\s]*)?(?:\?([^#\s]*))?\Z")


redirects = st.builds(
    Redirect,
    scheme=st.sampled_from([None, "http", "https"]),
    hostname=st.sampled_from([None, "o.example"]),
    port=st.sampled_from([None, 80, 443, 8080]),
    path=st.none() | changes,
)


@given(seeds, redirects, st.sampled_from([80, 8080]))
def test_a_location_is_an_absolute_uri_that_keeps_the_query(chance: random.Random, to: Redirect, called: int) -> None:
    sent = a_request(chance)
    assume(refusal(sent.target) is None and sent.target != b"*" and not redirect.check(to, ""))
    request = RequestView(sent.method, *split_target(sent.target), ((b"host", sent.host),))
    parts = LOCATION.match(redirect.location(to, request, b"", called))
    assert parts is not None
    scheme, _, port, _, query = parts.groups()
    assert scheme.decode() == (to.scheme or "http")
    assert (query or b"") == request.query
    own = {b"http": b"80", b"https": b"443"}[scheme]
    wanted = str(to.port or (called if to.scheme is None else int(own))).encode()
    assert port == (None if wanted == own else wanted)


# --- identities and authorization --------------------------------------------------------------------


@given(
    st.one_of(TEXTS, st.from_regex(r"spiffe://[a-z0-9.-]{1,20}/ns/[a-z0-9-]{1,10}/sa/[a-z0-9.-]{1,10}", fullmatch=True))
)
def test_an_identity_is_read_in_one_way_or_refused(uri: str) -> None:
    try:
        identity = parse_spiffe_id(uri)
    except ValueError:
        return
    assert identity.uri == uri
    assert parse_spiffe_id(identity.uri) == identity
    assert "/" not in identity.dns_name and "*" not in identity.dns_name


@given(seeds)
def test_who_no_intention_names_gets_the_default_and_nobody_gets_more_without_a_certificate(
    chance: random.Random,
) -> None:
    policy = some_intentions(chance, (WEB.uri,))
    request = asked(chance)
    nobody = authorization.decide(policy, None, request, trust_domain="cluster.local")
    stranger = authorization.decide(policy, SpiffeId("other", "shop", "web"), request, trust_domain="cluster.local")
    assert nobody.name == stranger.name == "default"
    assert nobody.allowed == (policy.default != "Deny")


# --- the wire ----------------------------------------------------------------------------------------


@given(anything(WorkloadConfig))
def test_any_snapshot_comes_back_as_it_was_or_is_refused_with_reasons(config: WorkloadConfig) -> None:
    """And nothing else: no check fails by itself, whatever the values are."""
    try:
        encoded = wire.encode(wire.stamp(config))
    except UnicodeEncodeError:
        return  # lone surrogates: no JSON holds them
    assert msgspec.json.decode(encoded, type=WorkloadConfig) == wire.stamp(config)
    try:
        decoded = wire.decode(encoded)
    except InvalidConfig as refused:
        assert refused.violations
        return
    assert decoded == wire.stamp(config)
    for frontend in decoded.outbound.frontends:
        if frontend.routes is not None:
            route.prepare(frontend.routes)


@given(anything(HttpRoutes))
def test_routes_that_are_accepted_can_be_used(routes: HttpRoutes) -> None:
    if not route.check(routes, ""):
        route.find(route.prepare(routes), RequestView(b"GET", b"/a", b"q=1", ((b"x-a", b"v"),)))

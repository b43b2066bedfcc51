from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy import authorization
from mesh_policy.authorization import Decision, IntentionCandidate, decide
from mesh_policy.identity import SpiffeId
from mesh_policy.request import RequestView, view
from mesh_policy.snapshot import (
    Action,
    Authorization,
    DefaultAction,
    HeaderPresence,
    HttpPermissionMatch,
    Intention,
    Permission,
    SourceMatch,
)

TD = "cluster.local"
WEB = SpiffeId(TD, "shop", "web")
FOREIGN = SpiffeId("other.example", "shop", "web")


def source(*identities: SpiffeId) -> SourceMatch:
    return SourceMatch(identities=tuple(identity.uri for identity in identities))


def one(*permissions: Permission, action: Action | None = None) -> Authorization:
    intention = Intention(
        name="shop/api", source=source(WEB), source_name="web", action=action, permissions=permissions
    )
    return Authorization(intentions=(intention,))


def ask(policy: Authorization, peer: SpiffeId | None = WEB, request: RequestView | None = None) -> Decision:
    return decide(policy, peer, request, trust_domain=TD)


def test_an_allowed_caller_passes_and_the_decision_names_the_intention() -> None:
    assert ask(one(action="allow")) == Decision(True, "shop/api", "source web: allow")
    assert ask(one(action="deny")) == Decision(False, "shop/api", "source web: deny")


@pytest.mark.parametrize(
    ("default", "allowed", "audited"), [("Deny", False, False), ("Allow", True, False), ("Audit", True, True)]
)
def test_the_default_decides_when_nobody_names_the_caller(default: DefaultAction, allowed: bool, audited: bool) -> None:
    decision = ask(Authorization(default=default))
    assert (decision.allowed, decision.name, decision.audited) == (allowed, "default", audited)


def test_the_first_intention_whose_source_matches_decides() -> None:
    deny = Intention(name="shop/any", source=SourceMatch(), action="deny")
    assert ask(Authorization(intentions=(*one(action="allow").intentions, deny))).allowed
    assert not ask(Authorization(intentions=(deny, *one(action="allow").intentions))).allowed


@pytest.mark.parametrize(
    ("match", "peer", "holds"),
    [
        (source(WEB), WEB, True),
        (source(WEB), SpiffeId(TD, "shop", "web2"), False),
        (source(WEB), SpiffeId(TD, "shop2", "web"), False),
        (source(WEB), FOREIGN, False),
        (source(), WEB, False),
        (SourceMatch(namespace="shop"), WEB, True),
        (SourceMatch(namespace="shop"), FOREIGN, False),
        (SourceMatch(namespace="sho"), WEB, False),
        (SourceMatch(), WEB, True),
        (SourceMatch(), FOREIGN, False),
        (SourceMatch(), None, False),
        (source(WEB), None, False),
    ],
)
def test_sources_are_compared_whole(match: SourceMatch, peer: SpiffeId | None, holds: bool) -> None:
    assert authorization.source_holds(match, peer, TD) is holds


PERMISSIONS = one(
    Permission(action="deny", http=HttpPermissionMatch(path_prefix="/v1/admin")),
    Permission(
        action="allow",
        http=HttpPermissionMatch(
            path_prefix="/v1", methods=("GET",), headers=(HeaderPresence(name="X-Tenant", present=True),)
        ),
    ),
)


@pytest.mark.parametrize(
    ("request_", "allowed"),
    [
        (view("GET", "/v1/x", [("x-tenant", "a")]), True),
        (view("GET", "/v1/x"), False),
        (view("POST", "/v1/x", [("x-tenant", "a")]), False),
        (view("GET", "/v1/admin", [("x-tenant", "a")]), False),
        (view("GET", "/v1/administrator", [("x-tenant", "a")]), True),
        (view("GET", "/v2", [("x-tenant", "a")]), False),
        (None, False),
    ],
)
def test_permissions_are_tried_in_order_and_none_is_deny(request_: RequestView | None, allowed: bool) -> None:
    assert ask(PERMISSIONS, request=request_).allowed is allowed


def test_permissions_for_http_deny_tcp_and_say_so() -> None:
    assert "TCP" in ask(PERMISSIONS).reason


@pytest.mark.parametrize(
    ("test", "values", "holds"),
    [
        (HeaderPresence(name="h", present=True), [], False),
        (HeaderPresence(name="h", present=False), [], True),
        (HeaderPresence(name="h", present=True, invert=True), [], True),
        (HeaderPresence(name="h", present=True), ["a", "b"], True),
        (HeaderPresence(name="h", exact="ab"), ["ab"], True),
        (HeaderPresence(name="h", exact="ab"), ["AB"], False),
        (HeaderPresence(name="h", exact="ab", invert=True), ["x"], True),
        (HeaderPresence(name="h", exact="ab", invert=True), [], True),
        (HeaderPresence(name="h", prefix="a"), ["ab"], True),
        (HeaderPresence(name="h", suffix="b"), ["ab"], True),
        (HeaderPresence(name="h", suffix="a"), ["ab"], False),
        (HeaderPresence(name="h", regex="a."), ["ab"], True),
        (HeaderPresence(name="h", regex="a"), ["ab"], False),
        (HeaderPresence(name="h", exact=""), [""], True),
    ],
)
def test_header_tests(test: HeaderPresence, values: list[str], holds: bool) -> None:
    policy = one(Permission(action="allow", http=HttpPermissionMatch(headers=(test,))))
    assert ask(policy, request=view("GET", "/", [("H", value) for value in values])).allowed is holds


@pytest.mark.parametrize("action", ["allow", "deny"])
@pytest.mark.parametrize("invert", [True, False])
def test_a_repeated_header_that_is_tested_by_value_is_denied(action: Action, invert: bool) -> None:
    test = HeaderPresence(name="x-role", exact="reader", invert=invert)
    policy = one(
        Permission(action=action, http=HttpPermissionMatch(path_prefix="/v1", headers=(test,))),
        Permission(action="allow"),
    )
    twice = [("x-role", "reader"), ("X-Role", "admin")]
    assert not ask(policy, request=view("GET", "/v1", twice)).allowed
    assert ask(policy, request=view("GET", "/v2", twice)).allowed


@pytest.mark.parametrize(
    ("http", "target", "allowed"),
    [
        (HttpPermissionMatch(path_exact="/a"), "/a", True),
        (HttpPermissionMatch(path_exact="/a"), "/a/", False),
        (HttpPermissionMatch(path_prefix="/a/"), "/a", True),
        (HttpPermissionMatch(path_prefix="/"), "/a", True),
        (HttpPermissionMatch(path_regex="/a[0-9]"), "/a1", True),
        (HttpPermissionMatch(path_regex="/a[0-9]"), "/a1/x", False),
        (HttpPermissionMatch(), "/any", True),
    ],
)
def test_paths_of_permissions(http: HttpPermissionMatch, target: str, allowed: bool) -> None:
    assert ask(one(Permission(action="allow", http=http)), request=view("GET", target)).allowed is allowed


def candidate(name: str, action: Action | None, *, exact: bool, rank: int) -> IntentionCandidate:
    return IntentionCandidate(Intention(name=name, source=SourceMatch(), action=action), exact, rank)


RANKED = [
    candidate("exact-exact-deny", "deny", exact=True, rank=0),
    candidate("exact-exact-l7", None, exact=True, rank=0),
    candidate("exact-exact-allow", "allow", exact=True, rank=0),
    candidate("exact-namespace", "allow", exact=True, rank=1),
    candidate("exact-any", "deny", exact=True, rank=2),
    candidate("any-exact", "deny", exact=False, rank=0),
    candidate("any-any", "deny", exact=False, rank=2),
]


@given(st.permutations(RANKED))
def test_the_order_of_intentions_is_total(candidates: list[IntentionCandidate]) -> None:
    assert [intention.name for intention in authorization.order(candidates)] == [c.intention.name for c in RANKED]


@given(st.permutations([candidate(name, "allow", exact=True, rank=0) for name in ("a", "b", "c")]))
def test_equal_intentions_stand_by_name(candidates: list[IntentionCandidate]) -> None:
    assert [intention.name for intention in authorization.order(candidates)] == ["a", "b", "c"]


@given(st.lists(st.tuples(st.sampled_from(["allow", "deny"]), st.booleans()), max_size=4), st.booleans())
def test_deny_is_never_widened_by_what_stands_behind_it(rest: list[tuple[Action, bool]], tcp: bool) -> None:
    first = Intention(name="first", source=source(WEB), action="deny")
    others = tuple(
        Intention(name=str(i), source=SourceMatch() if wide else source(WEB), action=action)
        for i, (action, wide) in enumerate(rest)
    )
    policy = Authorization(default="Allow", intentions=(first, *others))
    assert not ask(policy, request=None if tcp else view("GET", "/")).allowed


def test_what_makes_no_sense_is_refused_by_its_field() -> None:
    tests = (
        HeaderPresence(name="a"),
        HeaderPresence(name="a", exact="1", prefix="1"),
        HeaderPresence(name="a", regex="("),
    )
    http = HttpPermissionMatch(path_exact="/", path_regex="(", headers=tests)
    policy = Authorization(
        intentions=(
            Intention(name="n/a", source=SourceMatch()),
            Intention(
                name="n/a", source=SourceMatch(), action="allow", permissions=(Permission(action="allow", http=http),)
            ),
        )
    )
    at = "i.intentions[1].permissions[0].http"
    assert [violation.path for violation in authorization.check(policy, "i")] == [
        "i.intentions[0]",
        "i.intentions[1]",
        at,
        *(f"{at}.{field}" for field in ("pathRegex", "headers[0]", "headers[1]", "headers[2].regex")),
    ]
    assert authorization.check(PERMISSIONS, "i") == []


def test_every_pair_of_defaults_and_callers_has_an_answer() -> None:
    defaults: tuple[DefaultAction, ...] = ("Deny", "Audit", "Allow")
    for default, peer, request in itertools.product(defaults, (None, WEB, FOREIGN), (None, view("GET", "/"))):
        assert isinstance(ask(Authorization(default=default), peer, request).allowed, bool)

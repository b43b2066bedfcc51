"""Filters of a backendRef, after those of the rule."""

from __future__ import annotations

from mitmproxy.http import HTTPFlow

from mesh_addons.cors import Cors as RuleCors
from mesh_addons.filters import Filters
from mesh_addons.flow_view import mesh_flow
from mesh_addons.mirror import Mirror
from mesh_addons.redirect import Redirect as RuleRedirect
from mesh_addons.rewrite import Rewrite as RuleRewrite
from mesh_addons.route import Route
from mesh_addons.share import Share
from mesh_addons.split import Split
from mesh_policy import snapshot
from mesh_policy.snapshot import Cors, HeaderModifier, PathChange, Redirect, Rewrite, Rule, WeightedBackend
from tests.support.flows import Kept, answer, draws, flow, frontends, rule

PAGE = "https://www.example.org"
PREFLIGHT = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}


def run(of: Rule, path: str = "/0/a?b", headers: dict[str, str] | None = None, method: str = "GET") -> HTTPFlow:
    return copied(of, path, headers, method)[0]


def copied(
    of: Rule, path: str = "/0/a?b", headers: dict[str, str] | None = None, method: str = "GET"
) -> tuple[HTTPFlow, Kept]:
    sink = Kept()
    mirror = Mirror(draws(0.0), sink)
    made = flow(frontends(of), path, headers, method)
    chain = (Route(), RuleCors(), RuleRedirect(), RuleRewrite(), Filters(), mirror, Split(draws(0.0)), Share(mirror))
    for addon in chain:
        addon.requestheaders(made)
    mirror.request(made)
    return made, sink


def share(**parts: object) -> WeightedBackend:
    return WeightedBackend(backend="shop/v1", **parts)  # type: ignore[arg-type]


def status(made: HTTPFlow) -> int | None:
    return made.response.status_code if made.response else None


def test_a_share_can_be_redirected() -> None:
    made = run(rule(share(redirect=Redirect(status=308, path=PathChange(prefix="/new")))))
    assert made.response is not None
    assert status(made) == 308
    assert made.response.headers["location"] == "http://api/new/a?b"


def test_the_other_shares_are_not() -> None:
    gone = WeightedBackend(backend="shop/v2", weight=0, redirect=Redirect(), cors=Cors(allow_origins=("*",)))
    made = run(rule(share(), gone))
    assert (status(made), mesh_flow(made).backend) == (None, "shop/v1")


def test_a_share_that_leads_nowhere_is_refused_before_its_filters() -> None:
    assert status(run(rule(WeightedBackend(backend=None, redirect=Redirect())))) == 500


def test_a_redirect_sees_what_the_rule_made_of_the_request() -> None:
    changed = rule(share(redirect=Redirect()), rewrite=Rewrite(hostname="other", path=PathChange(prefix="/r")))
    made = run(changed)
    assert made.response is not None
    assert made.response.headers["location"] == "http://other/r/a?b"


def test_a_redirected_request_is_not_copied() -> None:
    to = (snapshot.Mirror(backend="staging/api"),)
    made, sink = copied(rule(share(redirect=Redirect(), mirrors=to), mirrors=to))
    assert (status(made), sink.sent, sink.lost) == (302, [], 0)


def test_a_preflight_request_is_answered_by_the_share_that_it_meets() -> None:
    own = share(cors=Cors(allow_origins=(PAGE,), allow_methods=("PUT",)))
    made = run(rule(own, cors=Cors(allow_origins=("https://rule.example",))), headers=PREFLIGHT, method="OPTIONS")
    assert made.response is not None
    assert status(made) == 204
    assert made.response.headers["access-control-allow-methods"] == "PUT"


def test_a_share_without_cors_has_that_of_its_rule() -> None:
    other = WeightedBackend(backend="shop/v2", weight=0, cors=Cors(allow_origins=("https://other.example",)))
    for asked, method in ((PREFLIGHT, "OPTIONS"), ({"Origin": PAGE}, "GET")):
        made = run(rule(share(), other, cors=Cors(allow_origins=(PAGE,))), headers=asked, method=method)
        if made.response is None:
            Filters().responseheaders(answer(made))
        assert made.response is not None
        assert made.response.headers.get_all("access-control-allow-origin") == [PAGE]
        assert made.response.headers.get_all("vary") == ["Origin"]


def test_copies_of_a_share_have_the_changes_of_the_rule_and_of_the_share() -> None:
    one = share(
        mirrors=(snapshot.Mirror(backend="shop/v2"),),
        rewrite=Rewrite(path=PathChange(full="/backend")),
        request_headers=HeaderModifier(add=(("x-a", "backend"),)),
    )
    changes = {
        "request_headers": HeaderModifier(add=(("x-a", "rule"),)),
        "mirrors": (snapshot.Mirror(backend="staging/api"),),
    }
    _, sink = copied(rule(one, **changes))
    assert [(copy.backend, copy.path) for copy in sink.sent] == [("staging/api", b"/0/a?b"), ("shop/v2", b"/backend?b")]
    values = [[value for name, value in copy.fields if name == b"x-a"] for copy in sink.sent]
    assert values == [[b"rule"], [b"rule", b"backend"]]


def test_only_the_chosen_share_is_copied() -> None:
    other = WeightedBackend(backend="shop/v2", weight=0, mirrors=(snapshot.Mirror(backend="staging/api"),))
    assert copied(rule(share(), other))[1].sent == []


def test_a_decided_flow_is_left_alone() -> None:
    sink = Kept()
    made = answer(flow(frontends(rule(share(redirect=Redirect())))))
    Share(Mirror(draws(0.0), sink)).requestheaders(made)
    assert status(made) == 200

from __future__ import annotations

from collections.abc import Callable

from mitmproxy.http import HTTPFlow

from mesh_addons.flow_view import mesh_flow
from mesh_addons.frontends import Frontends
from mesh_addons.route import Route
from mesh_addons.session import Session as Addon
from mesh_addons.split import Split
from mesh_policy.session import parse
from mesh_policy.snapshot import Session, WeightedBackend
from tests.support.flows import answer, draws, flow, frontends, rule

V1, V2 = WeightedBackend(backend="shop/v1", weight=1), WeightedBackend(backend="shop/v2", weight=0)
COOKIE = Session(name="sid")


def sent(to: Frontends, headers: dict[str, str] | None = None, now: float = 1000.0, path: str = "/0") -> HTTPFlow:
    """A request after the split."""
    made = flow(to, path, headers)
    for addon in (Route(), Addon(at(now)), Split(draws(0.0))):
        addon.requestheaders(made)
    return made


def at(now: float) -> Callable[[], float]:
    return lambda: now


def answered(made: HTTPFlow, endpoint: str, now: float = 1000.0, **headers: str) -> list[str]:
    """Values of the cookies, or of the header, that the client gets."""
    mesh_flow(made).endpoint = endpoint
    Addon(at(now)).responseheaders(answer(made, **headers))
    assert made.response is not None
    return made.response.headers.get_all("set-cookie") or made.response.headers.get_all("x-sid")


def token_of(cookie: str) -> str:
    return cookie.removeprefix("sid=").partition(";")[0]


def test_the_first_answer_sets_a_cookie_that_leads_back() -> None:
    to = frontends(rule(V1, V2, session=COOKIE))
    first = sent(to)
    assert (mesh_flow(first).backend, mesh_flow(first).pinned) == ("shop/v1", None)
    (cookie,) = answered(first, "10.1.1.2:80")
    again = sent(to, {"cookie": f"sid={token_of(cookie)}"})
    pinned = mesh_flow(again).pinned
    assert pinned is not None
    assert (mesh_flow(again).backend, pinned.endpoint) == ("shop/v1", "10.1.1.2:80")
    assert answered(again, "10.1.1.2:80") == []


def begun(at_endpoint: str, session: Session = COOKIE) -> str:
    """The token of a session at an endpoint of `shop/v2`."""
    to = frontends(rule(WeightedBackend(backend="shop/v2"), session=session))
    (said,) = answered(sent(to), at_endpoint)
    return token_of(said)


def test_a_session_beats_a_weight_of_zero() -> None:
    later = sent(frontends(rule(V1, V2, session=COOKIE)), {"cookie": f"sid={begun('10.1.2.1:80')}"})
    assert mesh_flow(later).backend == "shop/v2"


def test_a_backend_that_the_rule_does_not_name_is_out_of_reach() -> None:
    later = sent(frontends(rule(V1, session=COOKIE)), {"cookie": f"sid={begun('10.1.2.1:80')}"})
    assert (mesh_flow(later).backend, mesh_flow(later).pinned) == ("shop/v1", None)


def test_rules_do_not_share_sessions() -> None:
    to = frontends(rule(V1, name="a", session=COOKIE), rule(V1, name="b", session=COOKIE))
    (cookie,) = answered(sent(to), "10.1.1.1:80")
    other = sent(to, {"cookie": f"sid={token_of(cookie)}"}, path="/1")
    assert mesh_flow(other).pinned is None


def test_another_endpoint_that_answers_begins_a_new_session() -> None:
    to = frontends(rule(V1, session=COOKIE))
    (cookie,) = answered(sent(to), "10.1.1.1:80")
    again = sent(to, {"cookie": f"sid={token_of(cookie)}"}, now=1500.0)
    (moved,) = answered(again, "10.1.1.2:80", now=1500.0)
    token = parse(token_of(moved).encode())
    assert token is not None
    assert token.begun == 1500


def test_silence_counts_from_the_last_answer() -> None:
    to = frontends(rule(V1, session=Session(name="sid", idle_seconds=60)))
    (cookie,) = answered(sent(to), "10.1.1.1:80")
    (later,) = answered(sent(to, {"cookie": f"sid={token_of(cookie)}"}, now=1050.0), "10.1.1.1:80", now=1050.0)
    assert mesh_flow(sent(to, {"cookie": f"sid={token_of(later)}"}, now=1100.0)).pinned is not None
    assert mesh_flow(sent(to, {"cookie": f"sid={token_of(cookie)}"}, now=1100.0)).pinned is None


def test_a_header_replaces_what_the_backend_says() -> None:
    to = frontends(rule(V1, session=Session(name="x-sid", type="Header")))
    (token,) = answered(sent(to), "10.1.1.1:80", x_sid="mine")
    assert answered(sent(to, {"X-Sid": token}), "10.1.1.1:80") == [token]


def test_the_cookies_of_the_backend_stay() -> None:
    to = frontends(rule(V1, session=COOKIE))
    own, ours = answered(sent(to), "10.1.1.1:80", set_cookie="theme=dark")
    assert (own, ours.partition("=")[0]) == ("theme=dark", "sid")


def test_an_answer_that_no_endpoint_gave_says_nothing() -> None:
    to = frontends(rule(V1, session=COOKIE))
    assert answered(sent(to), "") == []
    assert answered(sent(to), "10.9.9.9:80") == []


def test_the_services_own_rule_and_rules_without_sessions() -> None:
    own = frontends(rule(V1, session=COOKIE), routes=False)
    (cookie,) = answered(sent(own), "10.1.1.1:80")
    assert mesh_flow(sent(own, {"cookie": f"sid={token_of(cookie)}"})).pinned is not None
    assert answered(sent(frontends(rule(V1))), "10.1.1.1:80") == []
    assert answered(sent(frontends(routes=False)), "10.1.1.1:80") == []


def test_a_decided_flow_is_left_alone() -> None:
    made = answer(flow(frontends(rule(V1, session=COOKIE)), headers={"cookie": f"sid={begun('10.1.2.1:80')}"}))
    Addon(at(1000.0)).requestheaders(made)
    assert mesh_flow(made).session is None

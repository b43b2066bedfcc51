from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy import session
from mesh_policy.session import Place, Table, Token, find, following, parse, table
from mesh_policy.snapshot import Rule, Session, WeightedBackend

NOW = 1_800_000_000.7
ENDPOINTS = {"shop/v1": ("10.0.0.1:80", "10.0.0.2:80"), "shop/v2": ("10.0.0.3:80",)}


def rule(name: str = "all", **more: object) -> Rule:
    backends = (WeightedBackend(backend="shop/v1"), WeightedBackend(backend=None), WeightedBackend(backend="shop/v2"))
    return Rule(route="HTTPRoute/shop/api", name=name, backends=backends, **more)  # type: ignore[arg-type]


KNOWN = table(rule(), ENDPOINTS)
COOKIE = Session(name="sid")
HEADER = Session(type="Header", name="x-sid")
KEY = KNOWN.keys["shop/v1", "10.0.0.2:80"]


def cookie(token: object, name: str = "sid") -> tuple[tuple[bytes, bytes], ...]:
    return ((b"Cookie", f"a=b; {name}={token}; c=d".encode()),)


def test_a_rule_has_a_place_for_every_endpoint() -> None:
    assert sorted(KNOWN.places.values()) == [Place(0, "10.0.0.1:80"), Place(0, "10.0.0.2:80"), Place(2, "10.0.0.3:80")]
    assert {KNOWN.places[key].endpoint for key in KNOWN.keys.values()} == {e for es in ENDPOINTS.values() for e in es}


def test_no_two_rules_share_a_place() -> None:
    other = table(rule("other"), ENDPOINTS)
    assert not KNOWN.places.keys() & other.places.keys()
    token = Token(KEY, int(NOW), int(NOW))
    assert find(COOKIE, KNOWN, cookie(token), NOW) == token
    assert find(COOKIE, other, cookie(token), NOW) is None


def test_every_sidecar_computes_the_same() -> None:
    assert table(rule(), dict(reversed(ENDPOINTS.items()))).keys == KNOWN.keys
    assert KEY == "ddff7c6a98e31e1cb22e1877"


def test_a_token_shows_no_address_and_names_nothing() -> None:
    text = str(following(COOKIE, KEY, None, NOW))
    assert parse(text.encode()) == Token(KEY, int(NOW), int(NOW))
    assert all(word not in text for word in ("10.0", "shop", "v1"))


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"x",
        KEY.encode(),
        KEY.encode() + b".1",
        KEY.encode() + b".1.1.1",
        KEY.encode() + b".1.1\n",
        KEY.encode() + b".1." + b"f" * 10,
        KEY.upper().encode() + b".1.1",
        b"0" * 100_000,
    ],
)
def test_what_is_no_token_is_none(value: bytes) -> None:
    assert parse(value) is None


@given(st.binary(max_size=64))
def test_any_bytes_are_read_without_harm(value: bytes) -> None:
    token = parse(value)
    assert token is None or parse(str(token).encode()) == token
    assert find(COOKIE, KNOWN, ((b"cookie", b"sid=" + value),), NOW) is None


@pytest.mark.parametrize(
    ("kind", "begun", "used", "goes_on"),
    [
        (COOKIE, -10_000_000, -10_000_000, True),
        (Session(name="sid", absolute_seconds=100), -99, 0, True),
        (Session(name="sid", absolute_seconds=100), -101, 0, False),
        (Session(name="sid", idle_seconds=100), -10_000, -99, True),
        (Session(name="sid", idle_seconds=100), -10_000, -101, False),
        (Session(name="sid", absolute_seconds=1000, idle_seconds=10), -999, -9, True),
        (Session(name="sid", absolute_seconds=1000, idle_seconds=10), -1001, -9, False),
        (COOKIE, 60, 60, True),
        (COOKIE, 62, 0, False),
        (COOKIE, 0, 62, False),
    ],
)
def test_how_a_session_ends(kind: Session, begun: int, used: int, goes_on: bool) -> None:
    token = Token(KEY, int(NOW) + begun, int(NOW) + used)
    assert (find(kind, KNOWN, cookie(token), NOW) is not None) is goes_on


def test_an_endpoint_that_is_gone_is_no_place() -> None:
    smaller = table(rule(), {"shop/v1": ("10.0.0.1:80",)})
    assert find(COOKIE, smaller, cookie(Token(KEY, int(NOW), int(NOW))), NOW) is None
    assert find(COOKIE, Table({}, {}), cookie(Token(KEY, int(NOW), int(NOW))), NOW) is None


def test_the_first_token_that_holds_is_taken() -> None:
    token = Token(KEY, int(NOW), int(NOW))
    twice = ((b"cookie", b"sid=old"), (b"Cookie", f"sidx=1;sid=;sid={token}".encode()))
    assert find(COOKIE, KNOWN, twice, NOW) == token
    many = ((b"cookie", b"; ".join([b"sid=old"] * session.MAX_CANDIDATES + [f"sid={token}".encode()])),)
    assert find(COOKIE, KNOWN, many, NOW) is None


def test_the_token_may_come_in_a_header() -> None:
    token = Token(KEY, int(NOW), int(NOW))
    assert find(HEADER, KNOWN, ((b"X-Sid", str(token).encode()),), NOW) == token
    assert find(HEADER, KNOWN, cookie(token, "x-sid"), NOW) is None
    assert find(COOKIE, KNOWN, ((b"sid", str(token).encode()),), NOW) is None


def test_a_session_goes_on_at_its_place_and_begins_anew_at_another() -> None:
    came = Token(KEY, int(NOW) - 50, int(NOW) - 50)
    idle = Session(name="sid", idle_seconds=100)
    assert following(COOKIE, KEY, came, NOW) == came
    assert following(idle, KEY, came, NOW) == Token(KEY, came.begun, int(NOW))
    assert following(COOKIE, "other", came, NOW) == Token("other", int(NOW), int(NOW))


def test_a_cookie_is_set_when_it_changes() -> None:
    token = Token(KEY, int(NOW), int(NOW))
    assert session.answer_field(COOKIE, token, token, NOW) is None
    found = session.answer_field(COOKIE, token, None, NOW)
    assert found == (b"set-cookie", f"sid={token}; Path=/; HttpOnly; SameSite=Lax".encode())


def test_a_permanent_cookie_ends_with_its_session() -> None:
    permanent = Session(name="sid", absolute_seconds=100, permanent=True)
    found = session.answer_field(permanent, Token(KEY, int(NOW) - 30, int(NOW) - 30), None, int(NOW))
    assert found is not None
    assert found[1].endswith(b"; Max-Age=70")


def test_a_header_is_told_each_time() -> None:
    token = Token(KEY, int(NOW), int(NOW))
    assert session.answer_field(HEADER, token, token, NOW) == (b"x-sid", str(token).encode())


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        (Session(name=""), "s.name"),
        (Session(name="a b"), "s.name"),
        (Session(name="a;b"), "s.name"),
        (Session(name="X-Mesh-Internal-Backend", type="Header"), "s.name"),
        (Session(name="a" * 129), "s.name"),
        (Session(name="a", absolute_seconds=0), "s.absoluteSeconds"),
        (Session(name="a", idle_seconds=float("nan")), "s.idleSeconds"),
        (Session(name="a", permanent=True), "s.permanent"),
        (Session(name="a", type="Header", absolute_seconds=5, permanent=True), "s.permanent"),
    ],
)
def test_a_session_that_makes_no_sense_is_refused(bad: Session, path: str) -> None:
    assert [violation.path for violation in session.check(bad, "s")] == [path]
    assert session.check(Session(name="a", absolute_seconds=5, permanent=True), "s") == []

"""Sessions: at which endpoint a client was, as a token that it brings back. Source: Gateway API, GEP-1619.

A token holds a digest of route, rule, backend and endpoint, and two times. It shows no address, but it is no secret and
nothing protects it: who makes one up reaches an endpoint that the rule leads to anyway. Since the digest names the
rule, no two rules share a session, and since every sidecar computes the same, a client may come back through another.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mesh_policy.errors import Violation
from mesh_policy.request import Fields, header_values
from mesh_policy.snapshot import Rule, Session

MAX_SECONDS = 366 * 86_400.0
MAX_SKEW_SECONDS = 60
"""How far the clocks of two sidecars may be apart; a token from a later future is nobody's."""
MAX_CANDIDATES = 8
"""More cookies of the same name are not looked at."""
_TOKEN = re.compile(rb"([0-9a-f]{24})\.([0-9a-f]{1,9})\.([0-9a-f]{1,9})\Z")
MAX_NAME = 128
"""Characters, the Gateway API's limit."""
_NAME = re.compile(rf"[!#$%&'*+\-.^_`|~0-9A-Za-z]{{1,{MAX_NAME}}}\Z")


class Token(NamedTuple):
    """What a client brings back. Times are whole seconds since 1970."""

    key: str
    """Of a place, by `Table`."""
    begun: int
    used: int
    """When the last request of the session came; as `begun` where silence does not end it."""

    def __str__(self) -> str:
        return f"{self.key}.{self.begun:x}.{self.used:x}"


class Place(NamedTuple):
    """Where a session is."""

    share: int
    """Index of the backend in the rule."""
    endpoint: str
    """`IP:PORT`."""


class Table(NamedTuple):
    """The places that a rule leads to."""

    places: Mapping[str, Place]
    """By key."""
    keys: Mapping[tuple[str, str], str]
    """By backend and endpoint."""


def table(rule: Rule, endpoints: Mapping[str, tuple[str, ...]]) -> Table:
    """The places of a rule; `endpoints` are `IP:PORT` by backend. A backend of weight 0 has places too."""
    places: dict[str, Place] = {}
    keys: dict[tuple[str, str], str] = {}
    for share, one in enumerate(rule.backends):
        for endpoint in endpoints.get(one.backend or "", ()):
            name = "\0".join((rule.route, rule.name, one.backend or "", endpoint))
            key = hashlib.sha256(name.encode()).hexdigest()[:24]
            places.setdefault(key, Place(share, endpoint))
            keys.setdefault((one.backend or "", endpoint), key)
    return Table(places, keys)


def parse(value: bytes) -> Token | None:
    """Read a token; None: it is none."""
    match = _TOKEN.match(value)
    return None if match is None else Token(match.group(1).decode(), int(match.group(2), 16), int(match.group(3), 16))


def find(session: Session, known: Table, fields: Fields, now: float) -> Token | None:
    """The session that a request belongs to. None: to none that goes on, or its endpoint is not there any more."""
    for value in _candidates(session, fields):
        token = parse(value)
        if token is not None and token.key in known.places and _goes_on(session, token, now):
            return token
    return None


def _candidates(session: Session, fields: Fields) -> Iterator[bytes]:
    name = session.name.encode()
    if session.type == "Header":
        yield from header_values(fields, name.lower())[:MAX_CANDIDATES]
        return
    found = 0
    for line in header_values(fields, b"cookie"):
        for part in line.split(b";"):
            key, _, value = part.strip().partition(b"=")
            if key == name:
                yield value
                found += 1
                if found == MAX_CANDIDATES:
                    return


def _goes_on(session: Session, token: Token, now: float) -> bool:
    if max(token.begun, token.used) > now + MAX_SKEW_SECONDS:
        return False
    if session.absolute_seconds is not None and now >= token.begun + session.absolute_seconds:
        return False
    return session.idle_seconds is None or now < token.used + session.idle_seconds


def following(session: Session, key: str, token: Token | None, now: float) -> Token:
    """The token after an answer from the place `key`: the same session, or a new one where it is another place."""
    seconds = int(now)
    begun = token.begun if token is not None and token.key == key else seconds
    return Token(key, begun, begun if session.idle_seconds is None else seconds)


def answer_field(session: Session, token: Token, came: Token | None, now: float) -> tuple[bytes, bytes] | None:
    """What tells the client its token; None: it has it (`came`) already. A header is told with every answer."""
    if session.type == "Header":
        return session.name.encode(), str(token).encode()
    return None if token == came else (b"set-cookie", _cookie(session, token, now).encode())


def _cookie(session: Session, token: Token, now: float) -> str:
    """Scripts have no business with it. `SameSite=Lax` is what browsers assume anyway (`None` would need `Secure`, and
    whether the client's side is encrypted is not known here); said, so that all of them do the same."""
    text = f"{session.name}={token}; Path=/; HttpOnly; SameSite=Lax"
    if session.permanent and session.absolute_seconds is not None:
        text += f"; Max-Age={max(0, int(token.begun + session.absolute_seconds - now))}"
    return text


def check(session: Session | None, path: str) -> list[Violation]:
    """What types cannot say."""
    if session is None:
        return []
    found: list[Violation] = []
    if not _NAME.match(session.name) or session.name.lower().startswith("x-mesh-internal-"):
        found.append(Violation(f"{path}.name", f"{session.name!r} cannot be the name of a cookie or a header"))
    for field, seconds in (("absoluteSeconds", session.absolute_seconds), ("idleSeconds", session.idle_seconds)):
        if seconds is not None and not 1 <= seconds <= MAX_SECONDS:
            found.append(Violation(f"{path}.{field}", f"{seconds:g} is not between 1 and {MAX_SECONDS:.0f}"))
    if session.permanent and (session.absolute_seconds is None or session.type != "Cookie"):
        found.append(Violation(f"{path}.permanent", "needs type Cookie and absoluteSeconds"))
    return found

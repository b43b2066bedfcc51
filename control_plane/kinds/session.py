"""`sessionPersistence` of a route's rule (GEP-1619, experimental channel)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from control_plane.kinds import checks
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.meta import Strict
from mesh_policy.errors import Violation

MAX_LIFETIME = "8760h"
"""A year."""
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}\Z")


class CookieConfig(Strict, frozen=True, kw_only=True):
    """`cookieConfig`."""

    lifetime_type: Literal["Session", "Permanent"] = "Session"
    """`Permanent`: the cookie outlives the browser."""


class SessionPersistence(Strict, frozen=True, kw_only=True):
    """Requests of one client go to one endpoint. Durations: None or `0s`: the session does not end so."""

    session_name: str | None = None
    """None: a name of the rule's own."""
    type: Literal["Cookie", "Header"] = "Cookie"
    absolute_timeout: str | None = None
    idle_timeout: str | None = None
    """In older versions of the API."""
    cookie_config: CookieConfig | None = None


def violations(at: str, session: SessionPersistence | None) -> Iterator[Violation]:
    """What is malformed."""
    if session is None:
        return
    name = session.session_name
    if name is not None and not _NAME.match(name):
        yield Violation(f"{at}.sessionName", f"{name!r} is not a name: use letters, digits and '-', at most 128")
    elif name is not None and session.type == "Header":
        yield from checks.header_name(f"{at}.sessionName", name)
    wrong = [*checks.duration(f"{at}.absoluteTimeout", session.absolute_timeout, "1s", MAX_LIFETIME, "no end")]
    yield from wrong
    yield from checks.duration(f"{at}.idleTimeout", session.idle_timeout, "1s", MAX_LIFETIME, "no end")
    if session.cookie_config is None:
        return
    if session.type != "Cookie":
        yield Violation(f"{at}.cookieConfig", "has no meaning with type Header: leave it out")
    if session.cookie_config.lifetime_type == "Permanent" and not wrong and not _ends(session):
        yield Violation(f"{at}.absoluteTimeout", "is missing or 0s: lifetimeType Permanent needs one of 1s or more")


def _ends(session: SessionPersistence) -> bool:
    return session.absolute_timeout is not None and duration_seconds(session.absolute_timeout) > 0

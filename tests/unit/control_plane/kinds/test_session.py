"""Sessions of a route's rule."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from control_plane.kinds.session import SessionPersistence, violations


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        ({}, []),
        ({"sessionName": "shop", "absoluteTimeout": "1h", "cookieConfig": {"lifetimeType": "Permanent"}}, []),
        ({"type": "Header", "sessionName": "X-Session", "absoluteTimeout": "0s"}, []),
        ({"sessionName": "a;b"}, ["at.sessionName"]),
        ({"sessionName": "a" * 129}, ["at.sessionName"]),
        ({"type": "Header", "sessionName": "x-mesh-internal-peer"}, ["at.sessionName"]),
        ({"absoluteTimeout": "10ms"}, ["at.absoluteTimeout"]),
        ({"idleTimeout": "long"}, ["at.idleTimeout"]),
        ({"type": "Header", "cookieConfig": {}}, ["at.cookieConfig"]),
        ({"cookieConfig": {"lifetimeType": "Permanent"}}, ["at.absoluteTimeout"]),
        ({"absoluteTimeout": "0s", "cookieConfig": {"lifetimeType": "Permanent"}}, ["at.absoluteTimeout"]),
        ({"absoluteTimeout": "long", "cookieConfig": {"lifetimeType": "Permanent"}}, ["at.absoluteTimeout"]),
    ],
)
def test_what_is_wrong_is_named(spec: dict[str, Any], paths: list[str]) -> None:
    found = violations("at", msgspec.convert(spec, SessionPersistence))
    assert [violation.path for violation in found] == paths


def test_none_is_nothing() -> None:
    assert list(violations("at", None)) == []

"""Answers of both webhooks stay within what the API server takes."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from control_plane.admission_review import (
    MAX_VIOLATIONS,
    MAX_WARNING_CHARS,
    MAX_WARNINGS,
    GroupVersionKind,
    Request,
    allow,
    deny,
)
from mesh_policy.errors import Violation

REQUEST = Request(uid="u", kind=GroupVersionKind(kind="Pod"))


def response_of(answer: web.Response) -> dict[str, Any]:
    assert isinstance(answer.body, bytes)
    review = json.loads(answer.body)
    assert review["response"]["uid"] == "u"
    found: dict[str, Any] = review["response"]
    return found


def test_a_plain_yes_holds_nothing_else() -> None:
    assert response_of(allow(REQUEST)) == {"uid": "u", "allowed": True}


def test_warnings_are_bounded_in_number_and_length() -> None:
    warnings = response_of(allow(REQUEST, warnings=["x" * 1000] * 100))["warnings"]
    assert len(warnings) == MAX_WARNINGS
    assert {len(warning) for warning in warnings} == {MAX_WARNING_CHARS}
    assert warnings[0].endswith("...")


def test_violations_are_bounded_and_the_rest_is_counted() -> None:
    message = response_of(deny(REQUEST, [Violation("a", "is wrong")] * 100))["status"]["message"]
    lines = message.splitlines()
    assert len(lines) == MAX_VIOLATIONS + 1
    assert lines[-1] == f"and {100 - MAX_VIOLATIONS} more"

"""Errors of the API server by what one can do about them."""

from __future__ import annotations

import pytest

from control_plane.kube import errors


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (410, errors.Gone),
        (422, errors.Rejected),
        (429, errors.Unavailable),
        (500, errors.Unavailable),
        (503, errors.Unavailable),
    ],
)
def test_kinds(status: int, kind: type[errors.KubeError]) -> None:
    assert type(errors.error_of("GET /x", status, b"")) is kind


def test_the_message_is_the_servers_and_bounded() -> None:
    body = b'{"kind":"Status","message":"' + b"m" * 1000 + b'"}'
    text = str(errors.error_of("GET /x", 403, body))
    assert text.startswith("GET /x: 403 mmm")
    assert len(text) < 300


def test_a_body_that_is_no_status_is_never_repeated() -> None:
    assert "secret" not in str(errors.error_of("GET /x", 500, b"secret"))
    assert "secret" not in str(errors.error_of("GET /x", 500, b'{"kind":"Secret","message":"secret"}'))


def test_an_error_event() -> None:
    gone = errors.error_of_event("WATCH /x", b'{"kind":"Status","code":410,"message":"too old"}')
    assert isinstance(gone, errors.Gone)
    assert isinstance(errors.error_of_event("WATCH /x", b"[]"), errors.Unavailable)

"""Locations, as the text of HTTPRequestRedirectFilter says."""

from __future__ import annotations

from typing import Any

import pytest

from mesh_policy.redirect import check, location
from mesh_policy.request import view
from mesh_policy.snapshot import PathChange, Redirect


def to(redirect: Redirect, target: str = "/a/b", host: str = "api", port: int = 80) -> str:
    return location(redirect, view("GET", target, [("Host", host)]), b"/a", port).decode()


@pytest.mark.parametrize(
    ("wanted", "request_", "expected"),
    [
        ({}, {}, "http://api/a/b"),
        ({}, {"target": "/a?q=1&r=/a"}, "http://api/a?q=1&r=/a"),
        ({"hostname": "example.org"}, {}, "http://example.org/a/b"),
        ({"hostname": "example.org"}, {"host": "api:8080", "port": 8080}, "http://example.org:8080/a/b"),
        ({}, {"host": "api:8080", "port": 8080}, "http://api:8080/a/b"),
        ({}, {"host": "api:8080"}, "http://api/a/b"),
        ({}, {"host": "[fd00::1]:80"}, "http://[fd00::1]/a/b"),
        ({}, {"host": "[fd00::1]"}, "http://[fd00::1]/a/b"),
        ({"scheme": "https"}, {}, "https://api/a/b"),
        ({"scheme": "https"}, {"port": 8080}, "https://api/a/b"),
        ({"scheme": "http"}, {"port": 8080}, "http://api/a/b"),
        ({"port": 8083}, {}, "http://api:8083/a/b"),
        ({"port": 80}, {"port": 8080}, "http://api/a/b"),
        ({"port": 443}, {}, "http://api:443/a/b"),
        ({"scheme": "https", "port": 443}, {}, "https://api/a/b"),
        ({"scheme": "https", "port": 80}, {}, "https://api:80/a/b"),
        ({"path": PathChange(full="/x")}, {"target": "/a/b?c"}, "http://api/x?c"),
        ({"path": PathChange(prefix="/x")}, {}, "http://api/x/b"),
        ({"path": PathChange(prefix="/")}, {"target": "/a"}, "http://api/"),
        (
            {"scheme": "https", "hostname": "b.example", "port": 8443, "path": PathChange(prefix="/x")},
            {},
            "https://b.example:8443/x/b",
        ),
    ],
)
def test_location(wanted: dict[str, Any], request_: dict[str, Any], expected: str) -> None:
    assert to(Redirect(**wanted), **request_) == expected


@pytest.mark.parametrize(
    ("redirect", "path"),
    [
        (Redirect(status=304), "at.status"),
        (Redirect(port=0), "at.port"),
        (Redirect(hostname="a/b"), "at.hostname"),
        (Redirect(path=PathChange(full="b")), "at.path"),
    ],
)
def test_what_is_no_redirect_is_refused(redirect: Redirect, path: str) -> None:
    assert [violation.path for violation in check(redirect, "at")] == [path]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_status_of_the_specification_is_accepted(status: int) -> None:
    assert check(Redirect(status=status, port=65535), "at") == []
    assert check(None, "at") == []

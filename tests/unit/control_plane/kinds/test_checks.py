"""Shared checks: what is right passes, what is wrong is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from control_plane.kinds import checks
from mesh_policy.errors import Violation

Check = Callable[[str, Any], Iterator[Violation]]


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (checks.dns_label, "api-v2"),
        (checks.dns_subdomain, "api.v2"),
        (checks.header_name, "X-Tenant"),
        (checks.header_value, "blue; green\tred"),
        (checks.method, "PATCH"),
        (checks.http_path, "/a/b.c"),
        (checks.http_path, "/a%20b/caf%C3%A9"),
        (checks.status_code, 503),
        (checks.percentage, 0.5),
        (checks.port, 65535),
        (checks.regex, "^/v[0-9]+/.*"),
    ],
)
def test_what_is_right_passes(check: Check, value: object) -> None:
    assert list(check("spec.x", value)) == []


@pytest.mark.parametrize(
    ("check", "value", "says"),
    [
        (checks.dns_label, "Api", "lower-case"),
        (checks.dns_label, "a" * 64, "63"),
        (checks.dns_subdomain, "a_b", "lower-case"),
        (checks.header_name, "a b", "header name"),
        (checks.header_name, "X-Mesh-Internal-Backend", "reserved"),
        (checks.header_value, "a\r\nb", "control"),
        (checks.header_value, " a", "spaces"),
        (checks.header_value, "a" * 4097, "4096"),
        (checks.method, "get", "GET"),
        (checks.http_path, "a", "begin with '/'"),
        (checks.http_path, "/a//b", "never match"),
        (checks.http_path, "/a/../b", "never match"),
        (checks.http_path, "/a%2Fb", "never match"),
        (checks.http_path, "/%61dmin", "path-encoded-plain"),
        (checks.http_path, "/a?b", "'?'"),
        (checks.http_path, "/" + "a" * 1024, "1024"),
        (checks.status_code, 99, "200 to 599"),
        (checks.percentage, 100.5, "0 to 100"),
        (checks.port, 0, "1 to 65535"),
        (checks.regex, "(?=a)", "RE2"),
        (checks.regex, "(", "RE2"),
    ],
)
def test_what_is_wrong_is_named(check: Check, value: object, says: str) -> None:
    (violation,) = check("spec.x", value)
    assert violation.path == "spec.x"
    assert says in violation.message


def test_a_list_has_a_bound() -> None:
    assert not list(checks.at_most("spec.x", range(3), 3))
    assert list(checks.at_most("spec.x", range(4), 3))


@pytest.mark.parametrize(("text", "right"), [("1s", True), ("1h", True), ("0s", False), ("61m", False), ("x", False)])
def test_a_duration_has_a_range(text: str, right: bool) -> None:
    found = list(checks.duration("at", text, "1s", "1h"))
    assert [violation.path for violation in found] == ([] if right else ["at"])
    assert list(checks.duration("at", None, "1s", "1h")) == []


def test_zero_is_right_where_it_means_something() -> None:
    assert list(checks.duration("at", "0s", "1s", "1h", "no end")) == []
    (found,) = checks.duration("at", "2h", "1s", "1h", "no end")
    assert str(found) == "at: 2h is out of range: use 1s to 1h, or 0s for no end"
    assert list(checks.whole("at", 0, 0, 9, "none")) == []
    (found,) = checks.whole("at", 10, 0, 9, "none")
    assert str(found) == "at: 10 is out of range: use 0 to 9 (0: none)"

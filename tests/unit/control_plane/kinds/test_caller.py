"""Callers as users name them."""

from __future__ import annotations

import pytest

from control_plane.kinds.caller import Caller, violations


@pytest.mark.parametrize(
    "caller",
    [
        Caller(name="web"),
        Caller(name="*", namespace="*"),
        Caller(name="*"),
        Caller(service_account="batch.v2", namespace="jobs"),
    ],
)
def test_right(caller: Caller) -> None:
    assert list(violations("at", caller)) == []


@pytest.mark.parametrize(
    ("caller", "path"),
    [
        (Caller(), "at"),
        (Caller(namespace="shop"), "at"),
        (Caller(name="web", service_account="web"), "at"),
        (Caller(name="Web"), "at.name"),
        (Caller(service_account="*"), "at.serviceAccount"),
        (Caller(name="web", namespace="a.b"), "at.namespace"),
    ],
)
def test_what_is_wrong_is_named(caller: Caller, path: str) -> None:
    assert [violation.path for violation in violations("at", caller)] == [path]

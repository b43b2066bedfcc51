"""IPv4 addresses in their one spelling."""

from __future__ import annotations

import pytest

from control_plane.kinds.ipv4 import is_ipv4


def test_an_address() -> None:
    assert is_ipv4("10.0.0.1")


@pytest.mark.parametrize("text", ["", "010.0.0.1", "10.0.0.01", "10.0.1", "10.0.0.256", "fd00::1", "None", " 10.0.0.1"])
def test_what_is_none(text: str) -> None:
    assert not is_ipv4(text)

"""IPv4 addresses in one spelling."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.kinds.ipv4 import ipv4


@pytest.mark.parametrize("text", ["10.0.0.1", "010.0.0.1", "10.000.0.001", "10.0.0.00000001"])
def test_leading_zeros_mean_nothing(text: str) -> None:
    assert ipv4(text) == "10.0.0.1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.1",
        "10.0.0.256",
        "fd00::1",
        "::ffff:10.0.0.1",
        "None",
        " 10.0.0.1",
        "10.0.0.1\n",
        "١.0.0.1",
        "0x1.0.0.1",
    ],
)
def test_what_is_none(text: str) -> None:
    assert not ipv4(text)


@given(st.ip_addresses(v=4))
def test_an_address_stays(address: IPv4Address) -> None:
    assert ipv4(str(address)) == str(address)

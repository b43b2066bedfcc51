"""Labels and annotations of pods."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.injector.quantity import parse_cpu, parse_memory
from control_plane.injector.wishes import parse_cidrs, parse_ports, parse_wishes, unknown_keys

PREFIX = "mesh.heddle.dev/"


@pytest.mark.parametrize(
    "text",
    ["http", "0", "65536", "-1", "80;443", "80,", ",", "8080-8090", "1e3", "٨٠", "15006", "15020", "99999999999"],
)
def test_what_is_not_a_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"port|sidecar"):
        parse_ports(text)


def test_ports_are_sorted_and_each_once() -> None:
    assert parse_ports(" 9090,22 , 9090") == (22, 9090)
    assert parse_ports("") == ()


def test_too_many_ports_are_refused() -> None:
    with pytest.raises(ValueError, match="65 ports are more than the 64 allowed"):
        parse_ports(",".join(str(port) for port in range(1, 66)))


@pytest.mark.parametrize(
    "text", ["10.0.0.1/8", "10.0.0.0/33", "::/0", "fd00::1", "example.org", "10.0.0", "10.0.0.0/8,", "*"]
)
def test_what_is_not_an_ipv4_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"IPv4|IPv6"):
        parse_cidrs(text)


def test_networks_are_in_normal_form() -> None:
    assert parse_cidrs("192.0.2.7,10.0.0.0/8, 10.0.0.0/8") == ("10.0.0.0/8", "192.0.2.7/32")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    keys = ("exclude-inbound-ports", "exclude-outbound-ports", "exclude-outbound-cidrs", "proxy-cpu", "proxy-memory")
    wishes, faults = parse_wishes({}, {PREFIX + key: text for key in keys})
    named = {fault.path for fault in faults}
    for key, value in zip(keys, (wishes.exclude_inbound_ports, wishes.exclude_outbound_ports), strict=False):
        if f"metadata.annotations[{PREFIX}{key}]" in named:
            assert value == ()
    for amount in (wishes.proxy_cpu, wishes.proxy_memory):
        assert amount is None or amount.isascii()


@pytest.mark.parametrize(
    ("labels", "annotations", "field"),
    [
        ({"mtls": "strict"}, {}, "metadata.labels[mesh.heddle.dev/mtls]"),
        ({}, {"engine": "lua"}, "metadata.annotations[mesh.heddle.dev/engine]"),
        ({}, {"log-level": "trace"}, "metadata.annotations[mesh.heddle.dev/log-level]"),
        ({}, {"proxy-memory": "1Ki"}, "metadata.annotations[mesh.heddle.dev/proxy-memory]"),
    ],
)
def test_the_violation_names_the_field(labels: dict[str, str], annotations: dict[str, str], field: str) -> None:
    def prefixed(values: dict[str, str]) -> dict[str, str]:
        return {PREFIX + key: value for key, value in values.items()}

    _, faults = parse_wishes(prefixed(labels), prefixed(annotations))
    assert [fault.path for fault in faults] == [field]


def test_foreign_keys_are_nobodys_business() -> None:
    assert unknown_keys({"app": "x"}, {"sidecar.example.org/inject": "true"}) == ()


@pytest.mark.parametrize(("text", "millis"), [("1m", 1), ("250m", 250), ("2", 2000), ("0.5", 500), ("64", 64000)])
def test_amounts_of_cpu(text: str, millis: int) -> None:
    assert parse_cpu(text) == millis


@pytest.mark.parametrize("text", ["0", "0m", "65", "-1", "1.5m", "", "1 ", "m", "1e3", "100000m"])
def test_what_is_not_an_amount_of_cpu(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount of CPU"):
        parse_cpu(text)


@pytest.mark.parametrize(
    ("text", "size"), [("32Mi", 32 * 2**20), ("1Gi", 2**30), ("200M", 200_000_000), ("33554432", 32 * 2**20)]
)
def test_amounts_of_memory(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["0", "31Mi", "65Gi", "128", "128MB", "-128Mi", "", "1Ti", "1.5Gi"])
def test_what_is_not_an_amount_of_memory(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount of memory"):
        parse_memory(text)

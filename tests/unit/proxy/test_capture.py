"""What the init container tells the kernel."""

from __future__ import annotations

import pytest

from proxy.capture import Exclusions, InvalidSettings, from_environment, script


def test_everything_but_the_sidecar_and_loopback_is_captured() -> None:
    rules = script(Exclusions())
    assert "meta skuid 1337 return" in rules
    assert "meta l4proto tcp redirect to :15001" in rules
    assert "meta l4proto tcp redirect to :15006" in rules
    assert "tcp dport { 15020, 15090 } return" in rules


def test_ipv6_is_rejected_in_both_directions() -> None:
    assert script(Exclusions()).count("meta nfproto ipv6 meta l4proto tcp reject") == 2


def test_it_can_be_run_again() -> None:
    assert script(Exclusions()).startswith("table inet heddle\ndelete table inet heddle\n")


def test_exclusions() -> None:
    found = from_environment(
        {
            "HEDDLE_EXCLUDE_INBOUND_PORTS": "9100, 22",
            "HEDDLE_EXCLUDE_OUTBOUND_PORTS": "53",
            "HEDDLE_EXCLUDE_OUTBOUND_CIDRS": "10.0.0.0/8,10.1.0.0/16,192.0.2.7",
        }
    )
    assert found == Exclusions((22, 9100), (53,), ("10.0.0.0/8", "192.0.2.7/32"))
    rules = script(found)
    assert "tcp dport { 15020, 15090, 22, 9100 } return" in rules
    assert "tcp dport { 53 } return" in rules
    assert "ip daddr { 10.0.0.0/8, 192.0.2.7/32 } return" in rules


def test_every_wrong_entry_is_named() -> None:
    with pytest.raises(InvalidSettings) as refused:
        from_environment(
            {
                "HEDDLE_EXCLUDE_INBOUND_PORTS": "0,80; flush ruleset",
                "HEDDLE_EXCLUDE_OUTBOUND_PORTS": "65536",
                "HEDDLE_EXCLUDE_OUTBOUND_CIDRS": "fd00::/8",
            }
        )
    message = str(refused.value)
    for part in ("'0'", "'80; flush ruleset'", "'65536'", "'fd00::/8'"):
        assert part in message

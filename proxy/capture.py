"""The init container: makes the kernel bring the pod's TCP traffic to the sidecar. `python -OO -m proxy.capture`.

IPv4 only: HAProxy cannot learn the original destination of redirected IPv6, so IPv6 is rejected both ways and never
passed by. The sidecar's own traffic (uid 1337) and loopback are left alone. Running it again replaces the rules.
"""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PROXY_UID = 1337
OUTBOUND_PORT = 15001
INBOUND_PORT = 15006
TOLD_PORTS = (15020, 15090)
"""Health and metrics: served by the agent itself, to everybody."""
BAD_SETTINGS = 64
UNAVAILABLE = 69
NFT_TIMEOUT_SECONDS = 30


class InvalidSettings(ValueError):  # noqa: N818 - the state of the settings
    """Every setting that is wrong, one a line."""


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What is not captured: it leaves and comes as if there were no sidecar."""

    inbound_ports: tuple[int, ...] = ()
    outbound_ports: tuple[int, ...] = ()
    outbound_cidrs: tuple[str, ...] = ()


def from_environment(environment: Mapping[str, str]) -> Exclusions:
    """Read HEDDLE_EXCLUDE_*; each is a comma list and may be missing.

    Raises:
        InvalidSettings: naming every entry that is wrong.
    """
    wrong: list[str] = []
    found = Exclusions(
        _ports(environment, "HEDDLE_EXCLUDE_INBOUND_PORTS", wrong),
        _ports(environment, "HEDDLE_EXCLUDE_OUTBOUND_PORTS", wrong),
        _networks(environment, "HEDDLE_EXCLUDE_OUTBOUND_CIDRS", wrong),
    )
    if wrong:
        raise InvalidSettings("\n".join(wrong))
    return found


def script(exclusions: Exclusions) -> str:
    """The nftables script. Adding the table before deleting it makes the deletion succeed the first time too."""
    outbound = _skip("tcp dport", exclusions.outbound_ports) + _skip("ip daddr", exclusions.outbound_cidrs)
    inbound = _skip("tcp dport", (*TOLD_PORTS, *exclusions.inbound_ports))
    return f"""\
table inet heddle
delete table inet heddle
table inet heddle {{
  chain outbound {{
    type nat hook output priority -100; policy accept;
    meta nfproto ipv6 return
    meta skuid {PROXY_UID} return
    oifname "lo" return
{outbound}    meta l4proto tcp redirect to :{OUTBOUND_PORT}
  }}
  chain inbound {{
    type nat hook prerouting priority -100; policy accept;
    meta nfproto ipv6 return
    iifname "lo" return
{inbound}    meta l4proto tcp redirect to :{INBOUND_PORT}
  }}
  chain outbound6 {{
    type filter hook output priority 0; policy accept;
    oifname "lo" return
    tcp flags & rst == rst return
    meta nfproto ipv6 meta l4proto tcp reject with tcp reset
    meta nfproto ipv6 meta l4proto udp reject
  }}
  chain inbound6 {{
    type filter hook input priority 0; policy accept;
    iifname "lo" return
    meta nfproto ipv6 meta l4proto tcp reject with tcp reset
    meta nfproto ipv6 meta l4proto udp reject
  }}
}}
"""


def _skip(what: str, values: Sequence[object]) -> str:
    return f"    {what} {{ {', '.join(map(str, values))} }} return\n" if values else ""


def _ports(environment: Mapping[str, str], name: str, wrong: list[str]) -> tuple[int, ...]:
    found: set[int] = set()
    for text in _list(environment, name):
        if text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535:
            found.add(int(text))
        else:
            wrong.append(f"{name}: {text!r} is not a port; it must be a number from 1 to 65535")
    return tuple(sorted(found))


def _networks(environment: Mapping[str, str], name: str, wrong: list[str]) -> tuple[str, ...]:
    found: list[ipaddress.IPv4Network] = []
    for text in _list(environment, name):
        try:
            found.append(ipaddress.IPv4Network(text, strict=False))
        except ValueError:
            wrong.append(f"{name}: {text!r} is not an IPv4 range; it must be like 10.0.0.0/8")
    # nftables refuses ranges that overlap in one set.
    return tuple(str(network) for network in ipaddress.collapse_addresses(found))


def _list(environment: Mapping[str, str], name: str) -> list[str]:
    return [text.strip() for text in environment.get(name, "").split(",") if text.strip()]


def main() -> int:
    """Returns the exit code of docs/contract.md."""
    try:
        rules = script(from_environment(os.environ))
    except InvalidSettings as error:
        print(f"heddle-capture: settings are not right\n{error}", file=sys.stderr)
        return BAD_SETTINGS
    try:
        done = subprocess.run(["nft", "-f", "-"], input=rules, text=True, timeout=NFT_TIMEOUT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"heddle-capture: nft: {error}", file=sys.stderr)
        return UNAVAILABLE
    if done.returncode != 0:
        print(
            "heddle-capture: nft refused the rules: is CAP_NET_ADMIN there, and nf_tables in the kernel?",
            file=sys.stderr,
        )
        return UNAVAILABLE
    print("heddle-capture: TCP is captured")
    return 0


if __name__ == "__main__":
    sys.exit(main())

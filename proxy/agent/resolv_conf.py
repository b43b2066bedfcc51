"""Whom the pod asks for names."""

from __future__ import annotations

import ipaddress
from pathlib import Path

MAX_NAMESERVERS = 3
"""resolv.conf(5): more are not asked."""


def nameservers(file: Path) -> tuple[str, ...]:
    """The IPv4 servers of a resolv.conf, in its order. A file that is not there names none."""
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    named = [line[1] for line in words if len(line) >= 2 and line[0] == "nameserver"]
    return tuple(address for address in named if _is_ipv4(address))[:MAX_NAMESERVERS]


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True

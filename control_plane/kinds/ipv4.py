"""IPv4 addresses in one spelling."""

from __future__ import annotations

import re

_PARTS = re.compile(r"0*([0-9]{1,3})\.0*([0-9]{1,3})\.0*([0-9]{1,3})\.0*([0-9]{1,3})\Z", re.ASCII)
MAX_CHARS = 64
"""Nothing that the API server lets in is longer."""


def ipv4(text: str) -> str:
    """The address as sidecars read it. Empty: it is none.

    The API server (1.35 warns) and kube-proxy take leading zeros, and read decimal: `010.0.0.1` is 10.0.0.1. Others
    read octal or refuse it, and a sidecar refuses the whole snapshot with it.
    """
    found = _PARTS.match(text) if len(text) <= MAX_CHARS else None
    if found is None or any(int(part) > 255 for part in found.groups()):
        return ""
    return ".".join(str(int(part)) for part in found.groups())

"""IPv4 addresses as all parts read them alike."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address


def is_ipv4(text: str) -> bool:
    """Four decimal numbers without leading zeros.

    The API server takes `010.0.0.1` too (unless StrictIPCIDRValidation is on), which some read as 8.0.0.1 and sidecars
    refuse, with the whole snapshot that it stands in.
    """
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True

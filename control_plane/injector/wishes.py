"""What a pod asks of its sidecar, by label and annotation. What cannot be read is a violation, never a default."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from control_plane.injector.quantity import parse_cpu, parse_memory
from mesh_policy.errors import Violation

PREFIX = "mesh.heddle.dev/"
INJECT = PREFIX + "inject"
STATUS = PREFIX + "status"
EXCLUDE_INBOUND_PORTS = PREFIX + "exclude-inbound-ports"
RESERVED_PORTS = range(15000, 15100)
"""Ports of the sidecar. Source: docs/contract.md."""
MAX_PORTS = 64
MAX_CIDRS = 64

_CHOICES = (
    ("labels", "mtls", ("Strict", "Permissive", "Disabled")),
    ("annotations", "engine", ("auto", "python", "native")),
    ("annotations", "log-level", ("debug", "info", "warning", "error")),
)
_READ = {
    "label": ("inject", "mtls"),
    "annotation": (
        "status", "engine", "log-level", "exclude-inbound-ports", "exclude-outbound-ports", "exclude-outbound-cidrs",
        "proxy-cpu", "proxy-memory",
    ),
}  # fmt: skip
"""What is read on a pod, and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The annotations of one pod, read."""

    exclude_inbound_ports: tuple[int, ...] = ()
    exclude_outbound_ports: tuple[int, ...] = ()
    exclude_outbound_cidrs: tuple[str, ...] = ()
    """IPv4 networks in normal form: IPv6 is never captured, it is rejected."""
    log_level: str | None = None
    """None: as the mesh says."""
    proxy_cpu: str | None = None
    proxy_memory: str | None = None


def parse_wishes(labels: Mapping[str, str], annotations: Mapping[str, str]) -> tuple[Wishes, tuple[Violation, ...]]:
    """Read every wish; the violations name each label and annotation that cannot be read."""
    faults: list[Violation] = []

    def read[T](key: str, parse: Callable[[str], T], missing: T) -> T:
        value = annotations.get(PREFIX + key)
        if value is None:
            return missing
        try:
            return parse(value.strip())
        except ValueError as error:
            faults.append(Violation(f"metadata.annotations[{PREFIX}{key}]", str(error)))
            return missing

    for place, key, allowed in _CHOICES:
        value = (labels if place == "labels" else annotations).get(PREFIX + key)
        if value is not None and value not in allowed:
            at = f"metadata.{place}[{PREFIX}{key}]"
            faults.append(Violation(at, f"{value[:40]!r} is not one of {', '.join(allowed)}"))
    wishes = Wishes(
        exclude_inbound_ports=read("exclude-inbound-ports", parse_ports, ()),
        exclude_outbound_ports=read("exclude-outbound-ports", parse_ports, ()),
        exclude_outbound_cidrs=read("exclude-outbound-cidrs", parse_cidrs, ()),
        log_level=annotations.get(PREFIX + "log-level"),
        proxy_cpu=read("proxy-cpu", _checked(parse_cpu), None),
        proxy_memory=read("proxy-memory", _checked(parse_memory), None),
    )
    return wishes, tuple(faults)


def unknown_keys(labels: Mapping[str, str], annotations: Mapping[str, str]) -> tuple[str, ...]:
    """A warning for each key with our prefix that nobody reads there: misspelt, or in the wrong place."""
    found = []
    for place, values in (("label", labels), ("annotation", annotations)):
        for key in sorted(values):
            name = key.removeprefix(PREFIX)
            if key.startswith(PREFIX) and name not in _READ[place]:
                found.append(f"{place} {key} has no effect on a pod{_hint(name)}")
    return tuple(found)


def _hint(name: str) -> str:
    for place, names in _READ.items():
        near = difflib.get_close_matches(name, names, n=1)
        if near:
            return f"; did you mean the {place} {PREFIX}{near[0]}?"
    return ""


def parse_ports(text: str) -> tuple[int, ...]:
    """`8080, 9090`: ports from 1 to 65535, without the sidecar's own, each once; the empty text is none.

    Raises:
        ValueError: says which part is wrong.
    """
    parts = [part.strip() for part in text.split(",")] if text else []
    if len(parts) > MAX_PORTS:
        raise ValueError(f"{len(parts)} ports are more than the {MAX_PORTS} allowed")
    ports: set[int] = set()
    for part in parts:
        if not (part.isascii() and part.isdigit() and len(part) <= 5 and 1 <= int(part) <= 65535):
            raise ValueError(
                f"{part[:40]!r} is not a port; right is a list as in 8080,9090 with numbers from 1 to 65535"
            )
        if int(part) in RESERVED_PORTS:
            raise ValueError(f"port {part} belongs to the sidecar (15000 to 15099) and cannot be excluded")
        ports.add(int(part))
    return tuple(sorted(ports))


def parse_cidrs(text: str) -> tuple[str, ...]:
    """`10.0.0.0/8, 192.0.2.7`: IPv4 networks without host bits; an address alone is a /32; the empty text is none.

    Raises:
        ValueError: says which part is wrong.
    """
    parts = [part.strip() for part in text.split(",")] if text else []
    if len(parts) > MAX_CIDRS:
        raise ValueError(f"{len(parts)} networks are more than the {MAX_CIDRS} allowed")
    networks: set[ipaddress.IPv4Network] = set()
    for part in parts:
        if ":" in part:
            raise ValueError(f"{part[:50]!r} is IPv6, which is rejected in meshed pods and cannot be excluded")
        try:
            networks.add(ipaddress.IPv4Network(part))
        except ValueError as error:
            raise ValueError(f"{part[:40]!r} is not an IPv4 network as in 10.0.0.0/8: {str(error)[:80]}") from error
    return tuple(str(network) for network in sorted(networks))


def _checked(parse: Callable[[str], int]) -> Callable[[str], str | None]:
    """Keep the amount as it was written, once it is known to be good."""

    def keep(text: str) -> str:
        parse(text)
        return text

    return keep

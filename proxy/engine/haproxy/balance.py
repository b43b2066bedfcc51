"""Which endpoint: a class of backends is a named `defaults`, and a backend of it can be made while HAProxy runs.

A class that nothing needed so far costs a reload; those that need no name of a header or cookie are always there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Literal

from mesh_policy.snapshot import Backend, Balance, HashOn
from proxy.engine.haproxy import base, circuit, silence
from proxy.engine.haproxy.quoting import section
from proxy.engine.haproxy.rendering import Place

NODES = 16
"""Weight of an endpoint where a ring chooses: so many times 16 places on the ring, which keeps the shares within some
6 % of each other. 16 KB of memory an endpoint."""


@dataclass(frozen=True, slots=True)
class Template:
    """A named `defaults` of backends."""

    mode: Literal["http", "tcp"]
    name: str
    rule: str
    """Argument of `balance`, and what else the choice needs."""
    idle_ms: int | None = None
    """Longest silence in both directions; None: the sidecar's own limit."""

    def text(self, place: Place) -> str:
        """The section. HAProxy does not inherit rules from one `defaults` to the next: each says everything."""
        idle = f"  timeout server {self.idle_ms}ms\n  timeout tunnel {self.idle_ms}ms\n" if self.idle_ms else ""
        body = base.HTTP_BACKEND if self.mode == "http" else base.TCP_BACKEND
        return (
            f"\ndefaults {self.name} from d-base\n{body}  option allbackups\n  {self.rule}\n{idle}"
            f"{silence.RULES if self.mode == 'http' else ''}{circuit.rules(self.mode, place)}"
        )


_LEAST = ("least-request", "balance random(2)")
_ROUND = ("round-robin", "balance roundrobin")
_SIMPLE = {"LeastRequest": _LEAST, "RoundRobin": _ROUND, "Random": ("random", "balance random(1)")}
_BOUNDED = {"LeastRequest": ("least-of-all", "balance leastconn"), "RoundRobin": _ROUND, "Random": _ROUND}
"""Where endpoints have a limit: these two look for one with room, while chance may name a full one beside a free one,
and the request would wait."""


def template(backend: Backend, mode: Literal["http", "tcp"], place: Place) -> Template:
    """The class of a backend. Bytes have neither headers nor cookies: any endpoint; but a limit of silence."""
    bounded = backend.circuit is not None and backend.circuit.max_connections is not None
    simple = _BOUNDED if bounded else _SIMPLE
    found = None
    if backend.balance.hash_on is not None:
        found = _hashed(backend.balance.hash_on, mode, place)
    name, rule = found or simple.get(backend.balance.algorithm) or simple["LeastRequest"]
    if mode == "http" or backend.idle_seconds is None:
        return Template(mode, f"d-{mode}-{name}", rule)
    idle_ms = max(ceil(backend.idle_seconds * 1000), 1)
    return Template(mode, f"d-{mode}-{name}-idle-{idle_ms}", rule, idle_ms)


def templates(used: Iterable[Template], place: Place) -> str:
    """Text of these classes, and of those that are always there."""
    every = {**_SIMPLE, "": _BOUNDED["LeastRequest"]}
    simple = [Template(mode, f"d-{mode}-{name}", rule) for mode in _MODES for name, rule in every.values()]
    needed = {one.name: one for one in (*simple, *used)}
    return "".join(needed[name].text(place) for name in sorted(needed))


_MODES: tuple[Literal["http", "tcp"], ...] = ("http", "tcp")


def server_arguments(balance: Balance, *, local: bool) -> str:
    """What a server's line says for the choice.

    HAProxy's `slowstart` acts on servers that come while it runs, and not on those that it starts with: a reload or a
    new sidecar has every endpoint at its whole share.

    Args:
        local: the endpoint is one of those that are preferred; the others stand by until none of these is left.
    """
    ring = balance.algorithm in ("Random", "ConsistentHash")
    return "".join(
        (
            "" if local else " backup",
            f" weight {NODES}" if ring else "",
            " hash-key addr-port" if ring else "",
            f" slowstart {ceil(balance.slow_start_seconds * 1000)}ms" if balance.slow_start_seconds > 0 else "",
        )
    )


def _hashed(hash_on: HashOn, mode: str, place: Place) -> tuple[str, str] | None:
    """`hash-key addr-port` puts an endpoint at the same place of every sidecar's ring, also after a restart."""
    if hash_on.address:
        # Everything that this sidecar sends out comes from its own pod.
        return "hash-address", _ring(f"str({place.pod_ip})")
    if mode == "tcp":
        return None
    if hash_on.header is not None:
        return f"hash-header-{section(hash_on.header)}", _ring(f"req.fhdr({hash_on.header})")
    return f"hash-cookie-{section(hash_on.cookie or '')}", _ring(f"req.cook({hash_on.cookie})")


def _ring(fetch: str) -> str:
    return f"balance hash {fetch}\n  hash-type consistent wt6 avalanche"

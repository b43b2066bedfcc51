"""Configurations for sidecars of older versions: without what they do not know and can do without."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import structs

from mesh_policy.schema import Left, lessen
from mesh_policy.snapshot import Outbound, WorkloadConfig
from mesh_policy.wire import stamp

MOST_VERSIONS = 8
"""Different sets of unknown fields that are compiled for: each costs a walk through the whole outbound part, and any
pod of the mesh may claim whatever it likes. Sidecars beyond are sent everything, and refuse what they do not know."""
_EMPTY = Outbound()


class Compiled(NamedTuple):
    """What one sidecar is sent."""

    config: WorkloadConfig
    left: frozenset[Left] = frozenset()
    """What it is not sent, being older."""


class Lessener:
    """Of no use after the index has changed. The outbound part, nearly all of a snapshot, is gone through once for the
    workloads that share it, not once for each."""

    def __init__(self) -> None:
        self._outbound: dict[tuple[int, frozenset[str]], tuple[Outbound, Outbound, frozenset[Left]]] = {}
        self._versions: set[frozenset[str]] = set()

    def lessen(self, config: WorkloadConfig, unknown: frozenset[str]) -> Compiled:
        """The configuration for a sidecar that does not know these fields, stamped."""
        if len(self._versions | {unknown}) > MOST_VERSIONS:
            return Compiled(config)
        self._versions.add(unknown)
        outbound, left = self._shared(config.outbound, unknown)
        rest, own = lessen(structs.replace(config, outbound=_EMPTY), unknown)
        return Compiled(stamp(structs.replace(rest, outbound=outbound)), left | own)

    def _shared(self, outbound: Outbound, unknown: frozenset[str]) -> tuple[Outbound, frozenset[Left]]:
        key = (id(outbound), unknown)
        if key not in self._outbound:
            # The first of the three keeps the object alive, and with it the meaning of its id.
            self._outbound[key] = (outbound, *lessen(outbound, unknown))
        _, less, left = self._outbound[key]
        return less, left

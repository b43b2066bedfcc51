"""What sidecars say about the snapshots they were sent."""

from __future__ import annotations

import msgspec

from control_plane.index.store import Key
from mesh_policy.errors import Violation

MAX_VIOLATIONS = 32
MAX_TEXT = 512


class AckBody(msgspec.Struct, frozen=True):
    """`POST /v1/ack`."""

    version: str
    accepted: bool
    violations: list[Violation] = []


class Ack(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last word of one sidecar, as replicas tell one another."""

    pod: str
    """`NAMESPACE/NAME`."""
    version: str
    accepted: bool
    violations: tuple[Violation, ...] = ()
    unknown: tuple[str, ...] = ()
    """Fields of a snapshot that the sidecar, being older, does not know (mesh_policy.schema.missing)."""


class Acks(msgspec.Struct, frozen=True):
    """`GET /v1/acks`."""

    acks: tuple[Ack, ...]


_decoder = msgspec.json.Decoder(AckBody)


def read_ack(key: Key, data: bytes, unknown: frozenset[str] = frozenset()) -> Ack:
    """An ack of a sidecar, cut to what may be kept.

    Raises:
        ValueError: it is not one.
    """
    body = _decoder.decode(data)
    if not body.version.startswith("sha256:") or len(body.version) > 80:
        raise ValueError("version: must be the version of a snapshot, sha256:…")
    kept = tuple(Violation(v.path[:MAX_TEXT], v.message[:MAX_TEXT]) for v in body.violations[:MAX_VIOLATIONS])
    return Ack("/".join(key), body.version, body.accepted, kept, tuple(sorted(unknown)))

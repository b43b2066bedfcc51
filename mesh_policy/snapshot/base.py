"""What all parts of a snapshot have in common."""

from __future__ import annotations

from typing import Literal

import msgspec

WIRE_VERSION = 1
"""Raised when an older sidecar could misread a snapshot. A sidecar refuses (nacks) a version it does not know."""

Protocol = Literal["http", "grpc", "tcp", "detect"]
"""What a port speaks. `http`: HTTP/1 or HTTP/2, as the client does. `grpc`: HTTP/2 only (h2c in the pod).
`tcp`: bytes, also when the server speaks first. `detect`: the client's first bytes decide, TCP after a silence."""
Engine = Literal["python", "native"]
MtlsMode = Literal["Strict", "Permissive", "Disabled"]
DefaultAction = Literal["Deny", "Audit", "Allow"]
Action = Literal["allow", "deny"]
MatchType = Literal["Exact", "PathPrefix", "RegularExpression"]
Failure = Literal["ConnectFailure", "Reset", "Timeout"]
"""Why an attempt has no answer of a server (rules.Retry.on says when)."""


REFINES = msgspec.Meta(extra={"olderSidecars": "leave it out"})
"""Marks a field that a sidecar which does not know it may run without: its share of the work is done a little less
well, and that is all. Nothing more gets through, goes elsewhere, or is done more often, and no limit that protects
somebody is gone. Without the mark an older sidecar refuses the snapshot, and its last good one stays."""


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """Base of every part: frozen, and a field that the decoder does not know is refused (fail closed)."""

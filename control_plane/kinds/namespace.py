"""Namespace (v1): only its labels matter."""

from __future__ import annotations

from control_plane.kinds.meta import Object


class Namespace(Object, frozen=True, kw_only=True):
    """A namespace."""

"""Header changes of a rule or a backend. Source: Gateway API, HTTPHeaderFilter."""

from __future__ import annotations

import re

from mesh_policy.errors import Violation
from mesh_policy.request import Fields
from mesh_policy.snapshot import HeaderModifier

INTERNAL_PREFIX = "x-mesh-internal-"
"""Names between HAProxy and the worker. No rule may touch them: they choose the backend."""

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING = frozenset(
    ("connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)


class HeaderChange:
    """A HeaderModifier made ready: called with fields, gives the changed fields. Order: set, add, remove."""

    __slots__ = ("_add", "_gone", "_set")

    def __init__(self, modifier: HeaderModifier) -> None:
        self._set: Fields = tuple((name.lower().encode(), value.encode()) for name, value in modifier.set)
        # RFC 9110 5.3: a further field line appends to the values that are there.
        self._add: Fields = tuple((name.lower().encode(), value.encode()) for name, value in modifier.add)
        self._gone = frozenset(name.lower().encode() for name in modifier.remove)

    def __call__(self, fields: Fields) -> Fields:
        if self._set:
            replaced = {name for name, _ in self._set}
            fields = (*(field for field in fields if field[0].lower() not in replaced), *self._set)
        if self._add:
            fields = (*fields, *self._add)
        if self._gone:
            fields = tuple(field for field in fields if field[0].lower() not in self._gone)
        return fields


def compile_change(modifier: HeaderModifier | None) -> HeaderChange | None:
    """The change, or None where there is nothing to change."""
    if modifier is None or not (modifier.set or modifier.add or modifier.remove):
        return None
    return HeaderChange(modifier)


def check(modifier: HeaderModifier | None, path: str) -> list[Violation]:
    """What is wrong with a modifier: names that are no tokens, or belong to the mesh or to framing; control bytes."""
    if modifier is None:
        return []
    found: list[Violation] = []
    named = [("set", name) for name, _ in modifier.set] + [("add", name) for name, _ in modifier.add]
    for part, name in [*named, *(("remove", name) for name in modifier.remove)]:
        if not _NAME.match(name):
            found.append(Violation(f"{path}.{part}", f"{name!r} is not a header name"))
        elif name.lower() in _FRAMING or name.lower().startswith(INTERNAL_PREFIX):
            why = f"{name!r} belongs to the connection or to the mesh and cannot be changed"
            found.append(Violation(f"{path}.{part}", why))
    for part, values in (("set", modifier.set), ("add", modifier.add)):
        found += [
            Violation(f"{path}.{part}", f"the value of {name!r} holds a control byte")
            for name, value in values
            if _BAD_VALUE.search(value)
        ]
    return found

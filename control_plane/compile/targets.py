"""The backends that a configuration names, collected while it is compiled."""

from __future__ import annotations

from collections.abc import Iterable

from control_plane.index.reference import Target, resolve
from control_plane.index.store import Index
from control_plane.kinds.route import Carries, ObjectRef
from control_plane.kinds.service import Service


class Targets:
    """Every backend that something refers to, once."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._found: dict[str, Target] = {}

    def add(self, target: Target) -> str:
        """Take a target in; returns the backend's name."""
        self._found.setdefault(target.name, target)
        return target.name

    def use(self, namespace: str, ref: ObjectRef, called_port: int, carries: Carries = "requests") -> str | None:
        """The backend that a reference leads to (index.reference.resolve); None: nowhere."""
        target = resolve(self._index, namespace, ref, called_port, carries)
        return self.add(target) if isinstance(target, Target) else None

    def services(self, namespace: str, refs: Iterable[ObjectRef], called_port: int) -> tuple[Service, ...]:
        """The Services that references lead to, a subset's included."""
        found = (resolve(self._index, namespace, ref, called_port) for ref in refs)
        return tuple(target.service for target in found if isinstance(target, Target))

    def every(self) -> tuple[Target, ...]:
        """All of them, by name."""
        return tuple(self._found[name] for name in sorted(self._found))

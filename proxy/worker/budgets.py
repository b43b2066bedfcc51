"""The retry budgets of all destinations: they outlive snapshots and requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mesh_policy.retry_budget import Window
from mesh_policy.snapshot import Backend


class Budgets:
    """Backends of one Service share a budget; the first of them says which.

    Args:
        clock: seconds, of a clock that is not set.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[str, Window] = {}
        self._of: dict[str, Window] = {}

    def configure(self, backends: Iterable[Backend]) -> None:
        """Take a snapshot's. What a destination has had counts on, as long as the snapshots have it."""
        now = self._clock()
        windows: dict[str, Window] = {}
        self._of = {}
        for backend in backends:
            service = backend.service or backend.name
            if service not in windows:
                known = self._windows.get(service)
                budget = backend.retry_budget
                windows[service] = Window(budget) if known is None else known.with_budget(budget, now)
            self._of[backend.name] = windows[service]
        self._windows = windows

    def original(self, backend: str) -> None:
        """A request goes to this backend for the first time."""
        window = self._of.get(backend)
        if window is not None:
            window.original(self._clock())

    def take(self, backend: str) -> bool:
        """A retry is about to be made. False: it must not; a backend that is no longer there gets none."""
        window = self._of.get(backend)
        return window is not None and window.take(self._clock())

    def over_status(self, backend: str) -> int | None:
        """What the client gets when the budget is spent; None: the last answer."""
        window = self._of.get(backend)
        return None if window is None else window.budget.over_status

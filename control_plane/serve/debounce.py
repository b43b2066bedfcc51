"""Many changes, one compilation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

QUIET_SECONDS = 0.02
"""A change waits this long for the next one (a rollout makes several objects change at once) …"""
MOST_SECONDS = 0.1
"""… but under churn no change waits longer than this."""


class Debounce:
    """A flag that can be awaited: set by every change, read once per burst."""

    def __init__(self, *, quiet: float = QUIET_SECONDS, most: float = MOST_SECONDS) -> None:
        self._quiet = quiet
        self._most = most
        self._changed = asyncio.Event()

    def touch(self) -> None:
        """Something changed."""
        self._changed.set()

    async def burst(self, now: Callable[[], float] | None = None) -> None:
        """Wait for a change, and then until it is quiet."""
        clock = now or asyncio.get_running_loop().time
        await self._changed.wait()
        end = clock() + self._most
        while (left := end - clock()) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(min(self._quiet, left)):
                    await self._changed.wait()
            except TimeoutError:
                break
        self._changed.clear()

"""A process that is watched by its pidfd: one that we started, or one that a former agent left running."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress


class Process:
    """A running process. `ended` is set when it is gone."""

    def __init__(self, pid: int) -> None:
        """Watches the process.

        Raises:
            ProcessLookupError: there is none with this id.
        """
        self.pid = pid
        self.ended = asyncio.Event()
        self.exit_code: int | None = None
        """None: it runs, or it was not our child."""
        self._fd = os.pidfd_open(pid)
        asyncio.get_running_loop().add_reader(self._fd, self._gone)

    def send(self, number: signal.Signals) -> None:
        """Sends a signal; nothing happens when the process is gone."""
        if not self.ended.is_set():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, number)

    async def wait(self, timeout_seconds: float) -> bool:
        """Waits for the end; False: it still runs."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.ended.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self, timeout_seconds: float) -> None:
        """SIGTERM, and SIGKILL when that does not end it in time."""
        self.send(signal.SIGTERM)
        if not await self.wait(timeout_seconds):
            self.send(signal.SIGKILL)
            await self.wait(timeout_seconds)

    def _gone(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        with suppress(ChildProcessError):
            result = os.waitid(os.P_PIDFD, self._fd, os.WEXITED | os.WNOHANG)
            self.exit_code = result.si_status if result else None
        os.close(self._fd)
        self.ended.set()


def start(argv: Sequence[str], environment: Mapping[str, str], stderr: int = 2) -> Process:
    """Starts a program found on PATH. It inherits stdout and the descriptors marked as inheritable.

    Args:
        stderr: descriptor that becomes its stderr.

    Raises:
        OSError: it cannot be started.
    """
    actions = [(os.POSIX_SPAWN_DUP2, stderr, 2)]
    return Process(os.posix_spawnp(argv[0], list(argv), dict(environment), setsigmask=(), file_actions=actions))

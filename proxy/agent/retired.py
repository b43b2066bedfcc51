"""HAProxies that were replaced and finish their connections: few at a time, whatever the number of changes."""

from __future__ import annotations

import logging
import signal
from pathlib import Path

from proxy.agent.processes import Process

logger = logging.getLogger(__name__)

MAX_RETIRED = 4
"""Each keeps 16 MB, and more in a large mesh. With one more the oldest is ended, and its connections with it."""


class Retired:
    """The processes, oldest first."""

    def __init__(self) -> None:
        self._processes: list[Process] = []

    def add(self, process: Process) -> None:
        """One more, which has been told to finish. It ends by itself with its last connection."""
        self._processes = [one for one in self._processes if not one.ended.is_set()] + [process]
        for oldest in self._processes[:-MAX_RETIRED]:
            logger.warning("HAProxy %d is ended with its connections: %d others finish theirs", oldest.pid, MAX_RETIRED)
            oldest.send(signal.SIGTERM)

    def adopt(self, run_dir: Path, current: int) -> None:
        """Find those that a former agent left."""
        for pid in former(run_dir):
            if pid != current:
                try:
                    self.add(Process(pid))
                except ProcessLookupError:
                    continue


def former(run_dir: Path, proc: Path = Path("/proc")) -> list[int]:
    """Process ids of the HAProxies that run on a generation's files, by generation."""
    found: list[tuple[int, int]] = []
    for entry in proc.iterdir():
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0") if entry.name.isdecimal() else []
        except (OSError, UnicodeDecodeError):
            continue
        file = Path(words[2]) if len(words) > 2 and words[1] == "-f" else None
        if file is not None and file.parent.parent == run_dir / "gen" and file.parent.name.isdecimal():
            found.append((int(file.parent.name), int(entry.name)))
    return [pid for _, pid in sorted(found)]

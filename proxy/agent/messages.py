"""What HAProxy says on stderr, as lines of our own log. Its stdout is the access log and is left alone."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Sequence

from proxy.agent.processes import Process, start

logger = logging.getLogger("haproxy")

MAX_LINE_BYTES = 8192
_LINE = re.compile(r"\[(?P<level>[A-Z]+)\]\s*\(\d+\) : (?P<text>.*)")
_EXPECTED = re.compile(
    r"Proxy \S+ stopped|CLI : |New server registered|Server \S+ is (UP|going DOWN)|(Server|Backend) deleted"
    r"|has no server available|haproxy version is|path to executable is|Automatically setting"
)
"""Said at every change, for each server and backend: of interest to nobody but a developer."""
_LEVELS = {"ALERT": logging.ERROR, "WARNING": logging.WARNING}


async def start_with_messages(argv: Sequence[str]) -> Process:
    """Starts HAProxy; its messages are read until it ends. When we end first, it goes on without a reader.

    Raises:
        OSError: it cannot be started.
    """
    reading, writing = os.pipe()
    try:
        process = start(argv, os.environ, stderr=writing)
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(_Messages, os.fdopen(reading, "rb", buffering=0))
    return process


class _Messages(asyncio.Protocol):
    def __init__(self) -> None:
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        self._waiting = self._waiting[-MAX_LINE_BYTES:]
        for line in lines:
            say(line.decode(errors="replace").strip())


def say(line: str) -> None:
    """One line of HAProxy, with the level that it gave it; what comes with every change is for debugging only."""
    found = _LINE.match(line)
    text = found["text"] if found else line
    if text:
        level = _LEVELS.get(found["level"], logging.INFO) if found else logging.INFO
        logger.log(logging.DEBUG if _EXPECTED.search(text) else level, "%s", text[:2000])

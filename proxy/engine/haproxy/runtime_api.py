"""HAProxy's Runtime API over its unix socket: one command and its answer per connection, bounded in time and size."""

from __future__ import annotations

import asyncio
from pathlib import Path

TIMEOUT_SECONDS = 5.0
MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""`show stat` of all servers: 340 bytes for each."""


class RuntimeApiError(Exception):
    """The socket is away, or HAProxy refused the command."""


async def ask(socket: Path, command: str, timeout_seconds: float = TIMEOUT_SECONDS) -> str:
    """Sends one command (with its payload, if it has one) and returns the answer without blank lines around it.

    Raises:
        RuntimeApiError: no answer in time.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                writer.write(command.encode() + b"\n")
                await writer.drain()
                answer = bytearray()
                while data := await reader.read(65536):
                    answer += data
                    if len(answer) > MAX_ANSWER_BYTES:
                        raise RuntimeApiError(f"{_name(command)}: answer above {MAX_ANSWER_BYTES} bytes")
                return answer.decode(errors="replace").strip()
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        raise RuntimeApiError(f"{_name(command)}: {error or 'no answer in time'}") from error


async def info(socket: Path) -> dict[str, str]:
    """`show info`, by field."""
    lines = (await ask(socket, "show info", 2.0)).splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


async def requests_in_flight(socket: Path) -> int:
    """Streams that are being served now, in both directions; an idle connection is none."""
    lines = (await ask(socket, "show stat -1 2 -1")).splitlines()
    columns = lines[0].lstrip("# ").split(",") if lines else []
    if "scur" not in columns:
        raise RuntimeApiError("show stat: no column scur")
    at = columns.index("scur")
    return sum(int(line.split(",")[at] or 0) for line in lines[1:] if line)


def _name(command: str) -> str:
    """The first words alone: a payload may be a private key."""
    return " ".join(command.split("\n", 1)[0].split()[:3])

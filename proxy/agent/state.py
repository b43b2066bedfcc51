"""What an agent leaves to the next one: the identity and the last good snapshot, in memory files of the supervisor."""

from __future__ import annotations

import os

import msgspec

from mesh_policy.snapshot import WorkloadConfig


class Remembered(msgspec.Struct, frozen=True):
    """The agent's memory. Nothing secret: the key is in the identity's own file."""

    trust_bundle: str
    obtained: float
    """When the certificate came, in epoch seconds."""
    expires: float
    config: WorkloadConfig | None = None


def write(fd: int, data: bytes) -> None:
    """Replaces the whole content. Readers open `/proc/self/fd/N`, which begins at its start."""
    os.ftruncate(fd, 0)
    os.pwrite(fd, data, 0)


def read(fd: int) -> bytes:
    """The whole content."""
    return os.pread(fd, os.fstat(fd).st_size, 0)


def remember(fd: int, remembered: Remembered) -> None:
    """Leaves this to the next agent."""
    write(fd, msgspec.json.encode(remembered))


def recall(fd: int) -> Remembered | None:
    """What the last agent left; None: nothing, or it died while it wrote."""
    data = read(fd)
    try:
        return msgspec.json.decode(data, type=Remembered) if data else None
    except msgspec.MsgspecError:
        return None

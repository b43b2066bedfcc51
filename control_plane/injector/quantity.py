"""Amounts of CPU and memory as Kubernetes writes them, within bounds that make sense for a sidecar."""

from __future__ import annotations

import re

_CPU = re.compile(r"(\d{1,5})(m?)\Z|(\d{1,3}\.\d{1,3})\Z", re.ASCII)
_MEMORY = re.compile(r"(\d{1,15})(Ki|Mi|Gi|k|M|G)?\Z", re.ASCII)
_UNITS = {None: 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
MIN_MEMORY_BYTES = 32 * 2**20
"""Less than the supervisor and the agent need to start."""
MAX_MEMORY_BYTES = 64 * 2**30
MAX_CPU_MILLIS = 64_000


def parse_cpu(text: str) -> int:
    """Thousandths of a core: `250m`, `2`, `0.5`.

    Raises:
        ValueError: not an amount from 1m to 64 cores.
    """
    match = _CPU.match(text)
    if match:
        millis = round(float(match[3]) * 1000) if match[3] else int(match[1]) * (1 if match[2] else 1000)
        if 1 <= millis <= MAX_CPU_MILLIS:
            return millis
    raise ValueError(f"{text[:40]!r} is not an amount of CPU from 1m to 64, as in 250m, 0.5 or 2")


def parse_memory(text: str) -> int:
    """Bytes: `128Mi`, `1Gi`, `200000000`.

    Raises:
        ValueError: not an amount from 32Mi to 64Gi.
    """
    match = _MEMORY.match(text)
    if match:
        size = int(match[1]) * _UNITS[match[2]]
        if MIN_MEMORY_BYTES <= size <= MAX_MEMORY_BYTES:
            return size
    raise ValueError(f"{text[:40]!r} is not an amount of memory from 32Mi to 64Gi, as in 128Mi")

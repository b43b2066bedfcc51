"""Lines of a sidecar's access log."""

from __future__ import annotations

import json
import time

from tests.support.sidecar.pod import Pod


def logged(pod: Pod, path: str, direction: str = "inbound") -> dict[str, object]:
    """The access log's line for this path; waits for it."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for line in reversed(pod.logs().splitlines()):
            if f'"path": "{path}"' in line and f'"direction": "{direction}"' in line:
                found: dict[str, object] = json.loads(line)
                return found
        time.sleep(0.02)
    raise AssertionError(f"{path} is not in the log of {pod.name}")

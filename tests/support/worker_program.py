"""A worker as it runs in a sidecar, with limits and an addon of a test's choice: `python -m
tests.support.worker_program`.

`TEST_LIMITS` is JSON with fields of Limits; `TEST_CHANCE` a JSON list of draws that come round and round (empty: real
chance); `TEST_RAISES` names the hook in which one more addon raises (`delayed`: after an await in requestheaders);
`TEST_HEADER` makes an addon that sets this header to a value with a line break; `TEST_BREAKS` one that takes the
message away in this hook.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
from collections.abc import Awaitable
from dataclasses import replace

from proxy.worker import slim

slim.install()

from proxy.worker.runtime import Worker  # noqa: E402
from proxy.worker.settings import Limits, read_settings  # noqa: E402


class Raising:
    """Raises in one hook; its message holds a secret that no log may show."""

    name = "test_raising"

    def __init__(self, event: str) -> None:
        setattr(
            self, "requestheaders" if event == "delayed" else event, self._later if event == "delayed" else self._now
        )

    def _now(self, flow: object) -> None:
        raise RuntimeError("top-secret-value")

    def _later(self, flow: object) -> Awaitable[None]:
        async def later() -> None:
            await asyncio.sleep(0)
            raise RuntimeError("top-secret-value")

        return later()


class BadHeader:
    """Sets a header that cannot be sent."""

    name = "test_bad_header"

    def __init__(self, where: str) -> None:
        setattr(self, where, self._set)

    def _set(self, flow: object) -> None:
        message = flow.response or flow.request  # type: ignore[attr-defined]
        message.headers["x-bad"] = "a\r\nx-mesh-internal-backend: other"


class TakesAway:
    """Leaves the flow without its message: the driver fails, not the hook."""

    name = "test_takes_away"

    def __init__(self, event: str) -> None:
        setattr(self, event, self._break)

    def _break(self, flow: object) -> None:
        what = "request" if flow.response is None else "response"  # type: ignore[attr-defined]
        setattr(flow, what, object())


def main() -> None:
    """Serve until told to end."""
    import uvloop

    settings = replace(read_settings(os.environ), limits=Limits(**json.loads(os.environ.get("TEST_LIMITS", "{}"))))
    addons: list[object] = []
    if event := os.environ.get("TEST_RAISES"):
        addons.append(Raising(event))
    if where := os.environ.get("TEST_HEADER"):
        addons.append(BadHeader(where))
    if event := os.environ.get("TEST_BREAKS"):
        addons.append(TakesAway(event))

    draws = itertools.cycle(json.loads(os.environ.get("TEST_CHANCE", "[]")) or [None])

    def chance() -> float:
        draw = next(draws)
        return random.random() if draw is None else draw  # noqa: S311 - no secret

    async def run() -> None:
        await Worker(settings, addons, chance=chance).run()

    uvloop.run(run())


if __name__ == "__main__":
    main()

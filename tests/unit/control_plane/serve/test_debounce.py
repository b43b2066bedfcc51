"""Many changes, one burst; under churn no change waits longer than the limit."""

from __future__ import annotations

import asyncio

from control_plane.serve.debounce import Debounce


async def test_a_burst_ends_when_it_is_quiet() -> None:
    debounce = Debounce(quiet=0.001, most=60)
    for _ in range(5):
        debounce.touch()
    async with asyncio.timeout(10):
        await debounce.burst()


async def test_churn_ends_a_burst_at_the_limit() -> None:
    """The clock is ours: every look at it finds it a fifth of the limit later; changes never stop."""
    debounce = Debounce(quiet=60, most=1.0)
    looks = 0

    def clock() -> float:
        nonlocal looks
        looks += 1
        return looks * 0.2

    async def churn() -> None:
        while True:
            debounce.touch()
            await asyncio.sleep(0)

    changes = asyncio.ensure_future(churn())
    async with asyncio.timeout(10):
        await debounce.burst(clock)
    changes.cancel()
    assert looks == 6


async def test_nothing_happens_without_a_change() -> None:
    debounce = Debounce(quiet=0.001, most=0.002)
    debounce.touch()
    await debounce.burst()
    waiting = asyncio.ensure_future(debounce.burst())
    await asyncio.sleep(0)
    assert not waiting.done()
    debounce.touch()
    async with asyncio.timeout(10):
        await waiting

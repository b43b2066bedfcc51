"""`load`: customers who look around, and sometimes buy. Prints what they met, every ten seconds."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter

from shop.http_client import HttpClient

REPORT_SECONDS = 10.0
CHECKOUT_SHARE = 0.1


async def play(url: str, customers: int, per_second: float, stop: asyncio.Event) -> None:
    """`customers` people send `per_second` requests in all to the shop at `url`, until `stop`."""
    met: Counter[str] = Counter()
    client = HttpClient()

    async def customer() -> None:
        while not stop.is_set():
            path = "/checkout" if random.random() < CHECKOUT_SHARE else "/"  # noqa: S311 - a customer's mood
            try:
                answer = await client.request("GET", url.rstrip("/") + path)
                met[f"{path} {answer.status}"] += 1
            except (OSError, ValueError, asyncio.IncompleteReadError) as error:
                met[f"{path} {type(error).__name__}"] += 1
            await asyncio.sleep(random.expovariate(per_second / customers))

    async def report() -> None:
        while not stop.is_set():
            await asyncio.sleep(REPORT_SECONDS)
            print(
                json.dumps({"time": round(time.time()), "last": REPORT_SECONDS, **dict(sorted(met.items()))}),
                flush=True,
            )
            met.clear()

    tasks = [asyncio.create_task(job()) for job in [report, *[customer] * customers]]
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    client.close()

"""`python -m shop probe URL`: sends requests and tells in one JSON object what came back from whom, and how fast."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shop.http_client import HttpClient

SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    url: str
    count: int = 0
    """Requests in all; 0: until `seconds` are over or stdin says stop."""
    seconds: float = 0.0
    """0: no limit of time."""
    concurrency: int = 1
    rate: float = 0.0
    """Requests per second in all; 0: as fast as they are answered."""
    timeout_seconds: float = 10.0
    headers: dict[str, str] = field(default_factory=dict)
    keep_alive: bool = True
    slow_ms: float = 0.0
    """Answers that took at least this long are counted as slow; 0: none are."""
    stream: bool = False
    """Print a line for every answer at once."""


@dataclass(slots=True)
class Result:
    status: Counter[str] = field(default_factory=Counter)
    service: Counter[str] = field(default_factory=Counter)
    version: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    slow: int = 0
    retried: int = 0
    seconds: float = 0.0
    sample: Any = None

    def report(self) -> dict[str, Any]:
        done = sorted(self.latencies_ms)
        failed = sum(self.errors.values())
        return {
            "requests": len(done) + failed,
            "status": dict(self.status),
            "service": dict(self.service),
            "version": dict(self.version),
            "errors": dict(self.errors),
            "latencyMs": {
                name: percentile(done, share)
                for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))
            },
            "slow": self.slow,
            "retriedOnNewConnection": self.retried,
            "seconds": round(self.seconds, 3),
            "perSecond": round((len(done) + failed) / self.seconds, 1) if self.seconds else 0.0,
            "sample": self.sample,
        }


def percentile(ordered: list[float], share: float) -> float:
    """Nearest rank; 0.0 when there is nothing."""
    if not ordered:
        return 0.0
    rank = max(1, -(-int(share * 1000) * len(ordered) // 1000))
    return round(ordered[min(rank, len(ordered)) - 1], 2)


async def run(plan: Plan, stop: asyncio.Event) -> Result:
    result = Result()
    client = HttpClient(keep_alive=plan.keep_alive)
    started = time.monotonic()
    sent = 0

    async def customer() -> None:
        nonlocal sent
        while not stop.is_set() and (not plan.count or sent < plan.count):
            number, sent = sent, sent + 1
            if plan.rate:
                await asyncio.sleep(max(0.0, started + number / plan.rate - time.monotonic()))
            if plan.seconds and time.monotonic() - started >= plan.seconds:
                return
            await one(plan, client, result)

    async with asyncio.TaskGroup() as group:
        for _ in range(plan.concurrency):
            group.create_task(customer())
    client.close()
    result.seconds = time.monotonic() - started
    result.retried = client.retried
    return result


async def one(plan: Plan, client: HttpClient, result: Result) -> None:
    began = time.monotonic()
    line: dict[str, Any]
    try:
        answer = await client.request("GET", plan.url, plan.headers, timeout_seconds=plan.timeout_seconds)
    except TimeoutError:
        result.errors["timeout"] += 1
        line = {"error": "timeout"}
    except (OSError, ValueError, asyncio.IncompleteReadError) as error:
        result.errors[type(error).__name__] += 1
        line = {"error": f"{type(error).__name__}: {error}"[:200]}
    else:
        took = (time.monotonic() - began) * 1000
        result.latencies_ms.append(took)
        result.slow += bool(plan.slow_ms) and took >= plan.slow_ms
        body = decode(answer.body)
        innermost = body.get("answer", body)
        result.status[str(answer.status)] += 1
        line = {"status": answer.status, "ms": round(took, 1)}
        if answer.status == 200:
            line |= {"service": innermost.get("service", "?"), "version": innermost.get("version", "?")}
            result.service[line["service"]] += 1
            result.version[line["version"]] += 1
        result.sample = body
    if plan.stream:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def decode(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {"text": body[:200].decode("latin-1")}
    return value if isinstance(value, dict) else {"value": value}

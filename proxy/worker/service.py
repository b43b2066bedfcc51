"""What all connections of a worker share."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from mesh_addons.chain import Hooks
from mesh_addons.frontends import Frontends
from mesh_addons.room import Room
from mesh_policy.snapshot import WorkloadConfig
from proxy.worker.budgets import Budgets
from proxy.worker.settings import Limits
from proxy.worker.upstream import Pool


@dataclass(slots=True)
class Counters:
    """Since the worker started; told by the control operation `status` and shown as `heddle_worker_*`."""

    connections: int = 0
    requests: int = 0
    answered_here: int = 0
    """Answers in a backend's place: no route, faults, refusals."""
    policy_failures: int = 0
    """Requests refused because an addon raised."""
    bad_requests: int = 0
    """Heads and bodies that were refused before any addon saw them."""
    upstream_failures: int = 0
    resent: int = 0
    """Requests sent again because a kept connection had gone stale: no attempt of theirs failed."""
    retries: int = 0
    """Attempts after a first one that failed."""
    retries_over_budget: int = 0
    """Attempts that the rule wanted and the budget did not allow."""
    timeouts: int = 0
    """Requests that took longer than their rule allows, after all of their attempts."""
    upgrades: int = 0
    mirror_sent: int = 0
    mirror_failed: int = 0
    mirror_dropped: int = 0

    def as_dict(self) -> dict[str, int]:
        return {_camel(name): value for name, value in asdict(self).items()}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


@dataclass(slots=True)
class Service:
    """The state of a worker. `frontends` and `hooks` are swapped by reference, never changed."""

    limits: Limits
    hooks: Hooks
    pool: Pool
    chance: Callable[[], float] = random.random
    """A random number in [0, 1)."""
    budgets: Budgets = field(default_factory=lambda: Budgets(time.monotonic))
    room: Room = field(init=False)
    frontends: Frontends | None = None
    """None: no snapshot yet, everything is answered with 503."""
    version: str = ""
    counters: Counters = field(default_factory=Counters)
    draining: bool = False
    """Every answer closes its connection."""
    configured: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced by a new one, when a snapshot has been taken."""
    closed_one: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a downstream has closed."""

    def __post_init__(self) -> None:
        self.room = Room(self.limits.replay_total_bytes)

    def configure(self, frontends: Frontends, config: WorkloadConfig) -> None:
        """Take a snapshot. Requests in flight keep the frontends that they started with."""
        self.budgets.configure(config.outbound.backends)
        self.frontends, self.version = frontends, config.version
        configured, self.configured = self.configured, asyncio.Event()
        configured.set()

    async def wait_for_frontend(self, name: str) -> Frontends | None:
        """The snapshot that has this frontend: HAProxy learns of a new one first, the worker a moment later. None: too
        late."""
        try:
            async with asyncio.timeout(self.limits.frontend_seconds):
                while self.frontends is None or name not in self.frontends:
                    await self.configured.wait()
        except TimeoutError:
            return None
        return self.frontends

"""Leader election over a Lease: one replica writes status and makes the CA; all of them serve.

A lease counts as expired when it has not been renewed for its duration *by our own clock*, so clocks may differ.
Source: client-go `tools/leaderelection`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from control_plane.kube.client import KubeClient
from control_plane.kube.errors import Conflict, KubeError, NotFound

logger = logging.getLogger(__name__)

NAME = "heddle-control-plane"
DURATION_SECONDS = 15
RETRY_SECONDS = 2.0


class _Spec(msgspec.Struct, frozen=True, rename="camel"):
    holder_identity: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None
    acquire_time: str | None = None


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""


class _Lease(msgspec.Struct, frozen=True):
    metadata: _Meta
    spec: _Spec = _Spec()


_decoder = msgspec.json.Decoder(_Lease)


class _Seen(NamedTuple):
    version: str
    at: float


class Election:
    """Takes part in the election until cancelled."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        identity: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._identity = identity
        self._monotonic = monotonic
        self._now = now
        self._sleep = sleep
        self._seen: _Seen | None = None
        self._renewed = 0.0
        self._held = False

    @property
    def leading(self) -> bool:
        """Whether this replica leads now. False as soon as a renewal is late: another may have taken over."""
        return self._held and self._monotonic() - self._renewed < DURATION_SECONDS * 2 / 3

    async def run(self) -> None:
        """Try, renew, try again."""
        while True:
            try:
                await self.step()
            except Conflict:
                self._held = False
            except (KubeError, ValueError) as error:
                logger.warning("lease not renewed", extra={"error": str(error), "leading": self.leading})
            await self._sleep(RETRY_SECONDS)

    async def step(self) -> None:
        """One try to take or renew the lease."""
        try:
            lease = _decoder.decode(await self._client.get(f"{self._collection}/{NAME}"))
        except NotFound:
            started = self._monotonic()
            await self._client.post(self._collection, self._body(None))
            self._took(started)
            return
        mine = lease.spec.holder_identity == self._identity
        if not mine and not self._is_free(lease):
            self._held = False
            return
        started = self._monotonic()
        await self._client.put(f"{self._collection}/{NAME}", self._body(lease))
        self._took(started)

    async def release(self) -> None:
        """Give the lease back, so that another replica leads at once."""
        if not self.leading:
            return
        self._held = False
        try:
            lease = _decoder.decode(await self._client.get(f"{self._collection}/{NAME}"))
            if lease.spec.holder_identity == self._identity:
                await self._client.put(f"{self._collection}/{NAME}", self._body(lease, holder=""))
        except KubeError as error:
            logger.info("lease not given back, it will expire", extra={"error": str(error)})

    def _took(self, started: float) -> None:
        if not self._held:
            logger.info("leading", extra={"identity": self._identity})
        self._held, self._renewed = True, started

    def _is_free(self, lease: _Lease) -> bool:
        if not lease.spec.holder_identity:
            return True
        if self._seen is None or self._seen.version != lease.metadata.resource_version:
            self._seen = _Seen(lease.metadata.resource_version, self._monotonic())
        return self._monotonic() - self._seen.at > DURATION_SECONDS

    def _body(self, lease: _Lease | None, holder: str | None = None) -> dict[str, Any]:
        now = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        kept = lease is not None and lease.spec.holder_identity == self._identity
        transitions = (lease.spec.lease_transitions or 0) if lease else 0
        metadata: dict[str, Any] = {"name": NAME, "namespace": self._namespace}
        if lease is not None:
            metadata["resourceVersion"] = lease.metadata.resource_version
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": self._identity if holder is None else holder,
                "leaseDurationSeconds": DURATION_SECONDS,
                "acquireTime": lease.spec.acquire_time if lease and kept and lease.spec.acquire_time else now,
                "renewTime": now,
                "leaseTransitions": transitions if kept or lease is None else transitions + 1,
            },
        }

"""Writes conditions: by the leader alone, and only where they differ."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from control_plane.compile.schema import Compiled
from control_plane.compile.workload import Compiler
from control_plane.index.affected import affected
from control_plane.index.policy import PolicyTable
from control_plane.index.store import Index, Key
from control_plane.kinds.meta import CONTROLLER_NAME, HasStatus, Object
from control_plane.kinds.route import AnyRoute, RouteStatus
from control_plane.kinds.routes import ROUTES
from control_plane.kinds.x_backend_traffic_policy import BackendTrafficPolicy, PolicyStatus
from control_plane.kinds.x_mesh import XMesh
from control_plane.kube.client import KubeClient
from control_plane.kube.errors import Conflict, KubeError, NotFound
from control_plane.kube.objects import write_status
from control_plane.runtime.peers import POLL_SECONDS, Peers
from control_plane.serve.hub import Hub
from control_plane.serve.metrics import Metrics
from control_plane.status import backend_policy, x_mesh
from control_plane.status.conditions import merged, plain, was_programmed
from control_plane.status.own import conditions
from control_plane.status.progress import PATIENCE_SECONDS, Answer, Progress, lagging, progress
from control_plane.status.route import parents
from control_plane.status.schema import left_out
from mesh_policy.schema import NOTHING, Left

logger = logging.getLogger(__name__)

OWN_KINDS = ("ServiceSubset", "ServiceIntentions", "TrafficPolicy", "MeshConfig")
IDLE_POLLS = 5
"""Other replicas are asked every second while something is pending, and this many times less often otherwise."""
SETTLE_SECONDS = 0.3
"""After a change sidecars get this long to answer before anything is written: most changes need one write, not two."""


class StatusWriter:
    """Compares what is said about every object with what is to be said."""

    def __init__(
        self,
        client: KubeClient,
        index: Index,
        compiler: Compiler,
        hub: Hub,
        peers: Peers,
        *,
        metrics: Metrics,
        leading: Callable[[], bool],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._index = index
        self._compiler = compiler
        self._hub = hub
        self._peers = peers
        self._metrics = metrics
        self._leading = leading
        self._monotonic = monotonic
        self._pending = True
        self._lagging: dict[Key, float] = {}
        self._now = now

    async def run(self) -> None:
        """Write until cancelled. Not leading, it looks whether it does now."""
        due = True
        asked = 0
        while True:
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._hub.news.wait()
                due = True
            except TimeoutError:
                pass
            self._hub.news.clear()
            if not self._leading():
                due = True
                await asyncio.sleep(POLL_SECONDS)
                continue
            asked += 1
            if due or self._pending or asked >= IDLE_POLLS:
                await asyncio.sleep(SETTLE_SECONDS)
                asked = 0
                due = await self._peers.ask() or due or self._pending
            if due:
                due = not await self._guarded()

    async def _guarded(self) -> bool:
        try:
            return await self.step()
        except Exception:  # a fault of ours: conditions are late, traffic is not
            logger.exception("cannot write conditions")
            self._metrics.failures.inc()
            return True

    async def step(self) -> bool:
        """Write what differs. False: not all could be written, try again."""
        answers = self._answers()
        expected, left = await self._expected(answers)
        self._lagging = lagging(self._lagging, expected, answers, self._monotonic())
        soon = self._monotonic() - PATIENCE_SECONDS
        forgiven = frozenset(pod for pod, since in self._lagging.items() if since > soon)
        policies = PolicyTable(self._index)
        complete = True
        self._pending = bool(self._lagging)
        for kind in (*ROUTES, *OWN_KINDS, "XBackendTrafficPolicy", "XMesh"):
            for obj in self._index.every(kind):
                spared = forgiven if _was_programmed(obj) else frozenset()
                done = progress(
                    affected(self._index, kind, obj), expected, answers, spared, self._without(kind, obj, left)
                )
                status = self._status(kind, obj, policies, done)
                if status is not None:
                    complete = await self._write(kind, obj, status) and complete
                await asyncio.sleep(0)  # a namespace with thousands of objects must not hold up the others
        return complete

    async def _expected(
        self, answers: dict[Key, tuple[Answer, ...]]
    ) -> tuple[dict[Key, str], dict[Key, frozenset[Left]]]:
        """What every sidecar should run, and what older ones do not get of it. A pod that never started has none: it is
        not waited for."""
        found: dict[Key, str] = {}
        left: dict[Key, frozenset[Left]] = {}
        for key in sorted(self._index.meshed()):
            pod = self._index.pod(*key)
            if pod is None or (pod.status.phase != "Running" and key not in answers):
                continue
            await asyncio.sleep(0)  # one compilation; sidecars and the lease go on
            compiled = self._for_one(key, answers.get(key, ()))
            if compiled is not None:
                found[key] = compiled.config.version
                if compiled.left:
                    left[key] = compiled.left
        return found, left

    def _for_one(self, key: Key, answers: tuple[Answer, ...]) -> Compiled | None:
        """By the fields that the sidecar knows. Of a pod that was replaced by one of another version a replica may
        still remember the old answer: the one that fits counts, first the newer version's."""
        known = sorted(answers, key=lambda answer: len(answer.unknown))
        for answer in known:
            compiled = self._compiler.compile_for(key, answer.unknown)
            if compiled is not None and compiled.config.version == answer.version:
                return compiled
        return self._compiler.compile_for(key, known[0].unknown if known else NOTHING)

    def _without(self, kind: str, obj: Object, left: dict[Key, frozenset[Left]]) -> dict[Key, str]:
        """Which older sidecars run an object only in part, and without what."""
        said = {parts: left_out(kind, obj, parts) for parts in set(left.values())}
        return {pod: ", ".join(said[parts]) for pod, parts in left.items() if said[parts]}

    def _answers(self) -> dict[Key, tuple[Answer, ...]]:
        found: dict[Key, tuple[Answer, ...]] = {}
        for acks in (self._hub.acks(), *self._peers.acks.values()):
            for ack in acks:
                namespace, _, pod = ack.pod.partition("/")
                first = str(ack.violations[0]) if ack.violations else ""
                answer = Answer(ack.version, ack.accepted, first, frozenset(ack.unknown))
                found[namespace, pod] = (*found.get((namespace, pod), ()), answer)
        return found

    def _status(self, kind: str, obj: Object, policies: PolicyTable, done: Progress) -> dict[str, Any] | None:
        """The fields to write; None: nothing differs."""
        now = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        if isinstance(obj, AnyRoute):
            old = list(obj.status.parents) if obj.status else []
            wanted = parents(self._index, obj, done, now)
            return None if wanted == old else {"parents": wanted}
        if isinstance(obj, BackendTrafficPolicy):
            ancestors = backend_policy.ancestors(self._index, policies, obj, done, now)
            return None if ancestors == list(obj.status.ancestors if obj.status else ()) else {"ancestors": ancestors}
        if isinstance(obj, XMesh):
            return x_mesh.status(obj, now)
        if kind not in OWN_KINDS:
            return None  # not even readable enough to know where the status would have to say so
        status = obj.status if isinstance(obj, HasStatus) else None  # type: ignore[attr-defined]
        before = plain(status.conditions) if status else []
        said = conditions(self._index, policies, kind, obj, done)
        now_said = merged(before, said, obj.metadata.generation, now)
        return None if now_said == before else {"conditions": now_said}

    async def _write(self, kind: str, obj: Object, status: dict[str, Any]) -> bool:
        about = {"kind": kind, "object": "/".join(obj.key)}
        try:
            await write_status(self._client, kind, obj.key, obj.metadata.resource_version, status)
        except NotFound:
            return True
        except Conflict:
            return False  # changed meanwhile; the watch brings the newer one
        except KubeError as error:
            logger.warning("status not written", extra={**about, "error": str(error)})
            return False
        return True


def _was_programmed(obj: Object) -> bool:
    generation = obj.metadata.generation
    if isinstance(obj, AnyRoute | BackendTrafficPolicy):
        match obj.status:
            case None:
                return False
            case RouteStatus(parents=entries) | PolicyStatus(ancestors=entries):
                ours = [entry for entry in entries if entry.get("controllerName") == CONTROLLER_NAME]
        said = [conditions for entry in ours if isinstance(conditions := entry.get("conditions"), list)]
        return bool(said) and all(was_programmed(conditions, generation) for conditions in said)
    status = obj.status if isinstance(obj, HasStatus) else None  # type: ignore[attr-defined]
    return status is not None and was_programmed(plain(status.conditions), generation)

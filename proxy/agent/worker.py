"""The mitmproxy worker as a running process: started when a frontend needs it, configured, restarted, drained."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
import sys
import time
from pathlib import Path

import msgspec

from mesh_policy import wire
from mesh_policy.errors import InvalidConfig, Violation
from mesh_policy.snapshot import WorkloadConfig
from proxy.agent.backoff import PROCESS
from proxy.agent.processes import Process, start

logger = logging.getLogger(__name__)

READY_TIMEOUT_SECONDS = 15.0
CALL_TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 1024 * 1024
STEADY_SECONDS = 10.0


class WorkerAway(Exception):  # noqa: N818 - the state of the worker
    """The worker does not answer on its control socket."""


class ConfigAnswer(msgspec.Struct, frozen=True):
    ok: bool
    violations: tuple[Violation, ...] = ()


class Worker:
    """The one worker of this sidecar. It is not there before it is needed."""

    def __init__(self, run_dir: Path, listener_fd: int) -> None:
        """`listener_fd`: the inherited socket that HAProxy connects to."""
        self._run_dir = run_dir
        self._fd = listener_fd
        self._lock = asyncio.Lock()
        self._process: Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._config: WorkloadConfig | None = None
        self._stopping = False
        self.restarts = 0

    @property
    def running(self) -> bool:
        return self._process is not None and not self._process.ended.is_set()

    async def adopt(self) -> bool:
        """Takes over the worker that a former agent left. False: there is none."""
        try:
            process = Process(await asyncio.to_thread(_owner, self._control))
        except OSError:
            return False
        self._follow(process)
        logger.info("took over worker %d", process.pid)
        return True

    async def apply(self, config: WorkloadConfig) -> None:
        """Makes the worker run this configuration, if it needs one; else it is left as it is.

        Raises:
            InvalidConfig: the worker refuses it and keeps the old one, or it cannot be had.
        """
        if not self.running and not any(one.engine == "python" for one in config.outbound.frontends):
            return
        async with self._lock:
            if not self.running:
                self._follow(self._start())
            await self._configure(config, READY_TIMEOUT_SECONDS)
            self._config = config

    async def status(self) -> dict[str, object]:
        """The worker's own figures; empty: it does not run.

        Raises:
            WorkerAway: it runs and does not answer.
        """
        if not self.running:
            return {}
        return msgspec.json.decode(await self._call(b'{"op":"status"}'), type=dict[str, object])

    async def drain(self, timeout_seconds: float) -> None:
        """Lets requests in flight finish, at most this long, then stops the process."""
        self._stopping = True
        if self._process is None:
            return
        try:
            await self._call(b'{"op":"drain"}')
        except WorkerAway as error:
            logger.warning("worker does not drain: %s", error)
        await self._process.stop(timeout_seconds)

    @property
    def _control(self) -> Path:
        return self._run_dir / "control.sock"

    def _start(self) -> Process:
        environment = {**os.environ, "HEDDLE_RUN_DIR": str(self._run_dir), "HEDDLE_WORKER_LISTENER": str(self._fd)}
        try:
            return start([sys.executable, "-OO", "-m", "proxy.worker"], environment)
        except OSError as error:
            raise InvalidConfig((Violation("worker", f"cannot be started: {error}"),)) from error

    async def _configure(self, config: WorkloadConfig, timeout_seconds: float) -> None:
        request = b'{"op":"config","config":' + wire.encode(config) + b"}"
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                answer = msgspec.json.decode(await self._call(request), type=ConfigAnswer)
                break
            except (WorkerAway, msgspec.MsgspecError) as error:
                if time.monotonic() > deadline:
                    raise InvalidConfig((Violation("worker", f"does not take the configuration: {error}"),)) from error
                await asyncio.sleep(0.02)
        if not answer.ok:
            raise InvalidConfig(answer.violations or (Violation("worker", "refused the configuration"),))

    async def _call(self, line: bytes) -> bytes:
        try:
            async with asyncio.timeout(CALL_TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_unix_connection(str(self._control), limit=MAX_ANSWER_BYTES)
                try:
                    writer.write(line + b"\n")
                    await writer.drain()
                    answer = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError, ValueError) as error:
            raise WorkerAway(f"{type(error).__name__}: {error}") from error
        if not answer.endswith(b"\n"):
            raise WorkerAway("closed without an answer")
        return answer

    def _follow(self, process: Process) -> None:
        self._process = process
        if self._watch is not None:
            self._watch.cancel()
        self._watch = asyncio.create_task(self._restart_when_gone(process), name="worker")

    async def _restart_when_gone(self, process: Process) -> None:
        failures = 0
        while True:
            since = time.monotonic()
            await process.ended.wait()
            if self._stopping:
                return
            failures = 1 if time.monotonic() - since > STEADY_SECONDS else failures + 1
            logger.error("worker %d ended with %s", process.pid, process.exit_code)
            if failures > 1:
                await asyncio.sleep(PROCESS.wait_seconds(failures - 1, 0.0))
            self.restarts += 1
            try:
                process = self._process = self._start()
                if self._config is not None:
                    await self._configure(self._config, READY_TIMEOUT_SECONDS)
            except InvalidConfig as error:
                logger.error("worker does not come back: %s", error)
                await process.stop(1.0)


def _owner(path: Path) -> int:
    """Process id of who listens on a unix socket, as the kernel knows it."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2.0)
        client.connect(str(path))
        pid, _, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid)

"""A control plane as a real process on loopback, and a client of its sidecar API."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from mesh_policy.schema import HEADER
from tests.support.fake_kube import FakeKube

ROOT = Path(__file__).parents[2]
NAMESPACE = "heddle-system"
HOST = f"heddle-control-plane.{NAMESPACE}.svc"
START_SECONDS = 30.0
WAIT_SECONDS = 20.0


class Replica:
    """One process."""

    def __init__(self, process: asyncio.subprocess.Process, ports: dict[str, int], log: list[dict[str, Any]]) -> None:
        self.process = process
        self.ports = ports
        self.log = log

    async def terminate(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        async with asyncio.timeout(WAIT_SECONDS):
            return await self.process.wait()


@asynccontextmanager
async def replica(kube: FakeKube, folder: Path, name: str = "cp-0") -> AsyncIterator[Replica]:
    """Start a replica and wait until it serves."""
    token = folder / f"{name}-token"
    token.write_text("control-plane")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-OO",
        "-m",
        "control_plane",
        "--kubeconfig",
        str(kube.kubeconfig(folder / f"{name}-kubeconfig")),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
        env={
            "PATH": os.environ["PATH"],
            "HEDDLE_NAMESPACE": NAMESPACE,
            "HEDDLE_POD": name,
            "HEDDLE_SERVICE": "heddle-control-plane",
            "HEDDLE_IMAGE": "localhost/heddle/sidecar:test",
            "HEDDLE_LISTEN": "127.0.0.1",
            "HEDDLE_SIDECAR_PORT": "0",
            "HEDDLE_WEBHOOK_PORT": "0",
            "HEDDLE_HEALTH_PORT": "0",
            "HEDDLE_TOKEN_FILE": str(token),
        },
    )
    log: list[dict[str, Any]] = []
    serving: asyncio.Future[dict[str, int]] = asyncio.get_running_loop().create_future()
    reader = asyncio.ensure_future(_read(process, log, serving))
    try:
        async with asyncio.timeout(START_SECONDS):
            await asyncio.wait({serving, reader}, return_when=asyncio.FIRST_COMPLETED)
        assert serving.done(), f"it ended before it served: {log}"
        yield Replica(process, serving.result(), log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reader


async def _read(
    process: asyncio.subprocess.Process, log: list[dict[str, Any]], serving: asyncio.Future[dict[str, int]]
) -> None:
    assert process.stderr is not None
    async for line in process.stderr:
        entry = json.loads(line) if line.startswith(b"{") else {"message": line.decode()}
        log.append(entry)
        if entry["message"] == "serving" and not serving.done():
            serving.set_result(entry["ports"])


class Sidecar:
    """Speaks the contract with one replica, as the pod that its token is bound to."""

    def __init__(self, kube: FakeKube, at: Replica, token: str, schema: str | None = None) -> None:
        secret = kube.get("Secret", NAMESPACE, "heddle-ca")
        assert secret is not None
        roots = base64.b64decode(secret["data"]["ca.crt"]).decode()
        self._tls = ssl.create_default_context(cadata=roots)
        self._session = aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=WAIT_SECONDS))
        self._base = f"https://127.0.0.1:{at.ports['sidecars']}"
        self._headers = {"authorization": f"Bearer {token}"}
        if schema is not None:
            self._headers[HEADER] = schema
        self._stream: aiohttp.ClientResponse | None = None

    async def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        await self._session.close()

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status, and the JSON (or text) of the answer."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        async with self._session.request(
            method, self._base + path, data=data, headers=self._headers, ssl=self._tls, server_hostname=HOST
        ) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if "json" in answer.content_type else text

    async def line(self) -> dict[str, Any] | None:
        """The next line of the stream (opened by the first call); None: it has ended."""
        if self._stream is None:
            self._stream = await self._session.get(
                self._base + "/v1/config", headers=self._headers, ssl=self._tls, server_hostname=HOST
            )
            assert self._stream.status == 200, await self._stream.text()
        async with asyncio.timeout(WAIT_SECONDS):
            raw = await self._stream.content.readline()
        found: dict[str, Any] | None = json.loads(raw) if raw else None
        return found

    async def snapshot(self) -> dict[str, Any]:
        """The configuration of the next snapshot."""
        while True:
            line = await self.line()
            assert line is not None, "the stream has ended"
            if line["type"] == "snapshot":
                config: dict[str, Any] = line["config"]
                return config

    async def ack(self, version: str, *violations: dict[str, str]) -> int:
        """Tell that a snapshot runs, or why it does not."""
        body = {"version": version, "accepted": not violations, "violations": list(violations)}
        return (await self.call("POST", "/v1/ack", body))[0]


@asynccontextmanager
async def sidecar(kube: FakeKube, at: Replica, token: str, schema: str | None = None) -> AsyncIterator[Sidecar]:
    """A client for the time of a block. `schema`: what it says that it knows; None: it does not say it."""
    found = Sidecar(kube, at, token, schema)
    try:
        yield found
    finally:
        await found.close()

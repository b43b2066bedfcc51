"""A control plane that speaks docs/contract.md and does what a test tells it: an HTTPS server in its own thread."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web
from cryptography import x509

from mesh_policy import wire
from mesh_policy.schema import HEADER
from mesh_policy.snapshot import WorkloadConfig
from tests.support.sidecar.certificates import Authority

WAIT_SECONDS = 20.0


class FakeControlPlane:
    """Serves any number of sidecars; a sidecar is known by its token, which is its identity's URI."""

    def __init__(self, authority: Authority, address: str, listener: Callable[[], socket.socket]) -> None:
        self.authority = authority
        self.url = f"https://{address}:8443"
        self.lifetime_seconds = 86400.0
        self.acks: list[tuple[str, dict[str, Any]]] = []
        self.certificates = 0
        self.schemas: dict[str, str] = {}
        """What each sidecar said that it knows, when it connected last."""
        self._address = address
        self._listener = listener
        self._lines: dict[str, bytes] = {}
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._streams: dict[str, set[asyncio.Queue[bytes | None]]] = {}
        self._runner: web.AppRunner | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    # --- what a test says --------------------------------------------------------------------------

    def start(self) -> None:
        self._call(self._start())

    def stop(self) -> None:
        """Away: connections are cut, new ones refused."""
        self._call(self._stop())

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def push(self, identity: str, config: WorkloadConfig) -> str:
        """Sends a snapshot; returns its version without waiting for the answer."""
        stamped = wire.stamp(config)
        self.push_raw(identity, wire.encode(stamped))
        return stamped.version

    def push_raw(self, identity: str, config: bytes) -> None:
        """Sends what it is given as a snapshot."""
        line = b'{"type":"snapshot","config":' + config + b"}\n"
        self._lines[identity] = line
        self._loop.call_soon_threadsafe(self._send, identity, line)

    def trust(self, bundle: str) -> None:
        """Tells every sidecar of other roots."""
        line = json.dumps({"type": "trust", "trustBundle": bundle}).encode() + b"\n"
        for identity in list(self._streams):
            self._loop.call_soon_threadsafe(self._send, identity, line)

    def wait_for_ack(self, identity: str, version: str) -> dict[str, Any]:
        """The answer to this version, newest first."""

        def found() -> dict[str, Any] | None:
            return next((a for who, a in reversed(self.acks) if who == identity and a["version"] == version), None)

        with self._changed:
            assert self._changed.wait_for(lambda: found() is not None, WAIT_SECONDS), (
                f"no ack of {version}: {self.acks}"
            )
            answer = found()
        assert answer is not None
        return answer

    def apply(self, identity: str, config: WorkloadConfig) -> dict[str, Any]:
        """Sends a snapshot and waits for the answer to it, which may not be older than this call."""
        with self._changed:
            self.acks = [ack for ack in self.acks if ack[0] != identity]
        return self.wait_for_ack(identity, self.push(identity, config))

    # --- the server --------------------------------------------------------------------------------

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_SECONDS)

    def _send(self, identity: str, line: bytes) -> None:
        for queue in self._streams.get(identity, ()):
            queue.put_nowait(line)

    async def _start(self) -> None:
        app = web.Application()
        app.add_routes(
            [
                web.post("/v1/certificate", self._certificate),
                web.get("/v1/config", self._config),
                web.post("/v1/ack", self._ack),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(self.authority.server(self._address).pem)
            file.flush()
            tls.load_cert_chain(file.name)
        await web.SockSite(self._runner, self._listener(), ssl_context=tls).start()

    async def _stop(self) -> None:
        for queue in [queue for queues in self._streams.values() for queue in queues]:
            queue.put_nowait(None)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _who(self, request: web.Request) -> str:
        return request.headers["authorization"].removeprefix("Bearer ")

    async def _certificate(self, request: web.Request) -> web.Response:
        csr = x509.load_pem_x509_csr((await request.json())["csr"].encode())
        lifetime = dt.timedelta(seconds=self.lifetime_seconds)
        chain = self.authority.sign(csr.public_key(), self._who(request), lifetime)
        with self._changed:
            self.certificates += 1
            self._changed.notify_all()
        expires = time.time() + self.lifetime_seconds
        return web.json_response(
            {"certificateChain": chain, "trustBundle": self.authority.bundle, "expiresAt": int(expires)}
        )

    async def _config(self, request: web.Request) -> web.StreamResponse:
        who = self._who(request)
        self.schemas[who] = request.headers[HEADER]
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        if who in self._lines:
            queue.put_nowait(self._lines[who])
        self._streams.setdefault(who, set()).add(queue)
        response = web.StreamResponse(headers={"content-type": "application/x-ndjson"})
        await response.prepare(request)
        try:
            while (line := await queue.get()) is not None:
                await response.write(line)
        finally:
            self._streams[who].discard(queue)
        return response

    async def _ack(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        with self._changed:
            self.acks.append((self._who(request), body))
            self._changed.notify_all()
        return web.Response(status=204)

"""Gets the certificate and keeps it young. Key and certificate are in one memory file that HAProxy inherits."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable

import msgspec

from proxy.agent import backoff, state
from proxy.agent.control_plane import Certificate, ControlPlane, ControlPlaneError
from proxy.identity.renewal import wait_seconds

logger = logging.getLogger(__name__)

CSR_TIMEOUT_SECONDS = 20.0
MAX_CSR_BYTES = 16384


class _KeyAndRequest(msgspec.Struct, frozen=True):
    key: str
    csr: str


class Identity:
    """This workload's certificate. `ready` is set from the first one on."""

    def __init__(
        self, control_plane: ControlPlane, fd: int, renewed: Callable[[Certificate, str], Awaitable[None]]
    ) -> None:
        """`renewed` is awaited with the certificate and with the PEM that is in the memory file now."""
        self._control_plane = control_plane
        self._fd = fd
        self._renewed = renewed
        self.ready = asyncio.Event()
        self.obtained = 0.0
        self.expires = 0.0
        self.failures = 0

    def recall(self, remembered: state.Remembered) -> None:
        """Goes on with the certificate of a former agent, if it is still good."""
        if remembered.expires > time.time() and state.read(self._fd):
            self.obtained, self.expires = remembered.obtained, remembered.expires
            self.ready.set()

    async def keep(self) -> None:
        """Runs for ever: asks, waits for half of the lifetime, asks again."""
        while True:
            if self.ready.is_set():
                wait = wait_seconds(
                    obtained=self.obtained,
                    expires=self.expires,
                    now=time.time(),
                    draw=random.random(),  # noqa: S311 - spreads load, guards nothing
                )
                await asyncio.sleep(wait)
            await self._ask_until_given()

    async def _ask_until_given(self) -> None:
        self.failures = 0
        while True:
            try:
                await self._ask()
                return
            except (ControlPlaneError, OSError, TimeoutError, msgspec.MsgspecError) as error:
                self.failures += 1
                wait = backoff.CONTROL_PLANE.wait_seconds(self.failures, random.random())  # noqa: S311 - as above
                wait = max(wait, getattr(error, "retry_after", 0.0))
                logger.warning("no certificate yet (attempt %d, again in %.1f s): %s", self.failures, wait, error)
                await asyncio.sleep(wait)

    async def _ask(self) -> None:
        made = await _key_and_request()
        certificate = await self._control_plane.certificate(made.csr)
        pem = f"{certificate.certificate_chain.strip()}\n{made.key.strip()}\n"
        state.write(self._fd, pem.encode())
        self.obtained, self.expires = time.time(), certificate.expires_at
        logger.info("certificate until %s", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.expires)))
        await self._renewed(certificate, pem)
        self.ready.set()


async def _key_and_request() -> _KeyAndRequest:
    """In a process of its own, over a pipe."""
    maker = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-OO", "-m", "proxy.identity.csr"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ},
        limit=MAX_CSR_BYTES,
    )
    try:
        async with asyncio.timeout(CSR_TIMEOUT_SECONDS):
            output, _ = await maker.communicate()
    except TimeoutError:
        maker.kill()
        raise
    return msgspec.json.decode(output, type=_KeyAndRequest)

"""The agent's calls to the control plane (docs/contract.md): certificate, configuration stream, acknowledgement."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from mesh_policy import schema
from mesh_policy.errors import Violation
from mesh_policy.wire import MAX_SNAPSHOT_BYTES
from proxy.agent import http_client

CALL_TIMEOUT_SECONDS = 10.0
SILENCE_SECONDS = 45.0
"""The control plane speaks every 15 s; a connection that says nothing for this long is dead."""
MAX_LINE_BYTES = MAX_SNAPSHOT_BYTES + 1024


class ControlPlaneError(Exception):
    """The control plane is away or refuses us. `retry_after` are the seconds it asked for; 0: it did not say."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Certificate(msgspec.Struct, frozen=True, rename="camel"):
    certificate_chain: str
    trust_bundle: str
    expires_at: float


class SnapshotMessage(msgspec.Struct, frozen=True, tag_field="type", tag="snapshot"):
    config: msgspec.Raw
    """Decoded by mesh_policy.wire, which knows what to refuse."""


class TrustMessage(msgspec.Struct, frozen=True, tag_field="type", tag="trust", rename="camel"):
    trust_bundle: str


class PingMessage(msgspec.Struct, frozen=True, tag_field="type", tag="ping"):
    pass


Message = SnapshotMessage | TrustMessage | PingMessage
_decoder = msgspec.json.Decoder(Message)


class ControlPlane:
    """One control plane Service; any replica behind it may answer."""

    def __init__(self, url: str, token_file: Path, trust_bundle: Callable[[], str]) -> None:
        """`trust_bundle` gives the roots to trust now: they may change while we run."""
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or 443
        self._token_file = token_file
        self._trust_bundle = trust_bundle

    async def certificate(self, csr: str) -> Certificate:
        """Asks for a certificate of our identity.

        Raises:
            ControlPlaneError: it cannot be had now.
        """
        answer = await self._post("/v1/certificate", {"csr": csr}, 200)
        try:
            return msgspec.json.decode(answer.body, type=Certificate)
        except msgspec.MsgspecError as error:
            raise ControlPlaneError(f"POST /v1/certificate: {error}") from error

    async def ack(self, version: str, violations: tuple[Violation, ...]) -> None:
        """Tells that a snapshot runs, or why it does not.

        Raises:
            ControlPlaneError: it could not be told.
        """
        found = [{"path": one.path, "message": one.message[:1024]} for one in violations[:100]]
        await self._post("/v1/ack", {"version": version, "accepted": not violations, "violations": found}, 204)

    async def messages(self) -> AsyncIterator[Message]:
        """What the control plane says, until it says nothing more.

        Raises:
            ControlPlaneError: it cannot be reached, refuses us, is silent too long, or what it says is no message.
        """
        headers = self._headers()
        try:
            async with http_client.stream(
                self._target(), "GET", "/v1/config", headers=headers, timeout_seconds=CALL_TIMEOUT_SECONDS
            ) as (status, chunks):
                if status != 200:
                    raise ControlPlaneError(f"GET /v1/config: answered {status}")
                async for line in _lines(chunks):
                    yield _decoder.decode(line)
        except (http_client.HttpError, msgspec.MsgspecError) as error:
            raise ControlPlaneError(f"GET /v1/config: {error}") from error

    async def _post(self, path: str, body: object, expected: int) -> http_client.Response:
        headers = (*self._headers(), ("content-type", "application/json"))
        try:
            answer = await http_client.request(
                self._target(),
                "POST",
                path,
                headers=headers,
                body=msgspec.json.encode(body),
                timeout_seconds=CALL_TIMEOUT_SECONDS,
            )
        except http_client.HttpError as error:
            raise ControlPlaneError(str(error)) from error
        if answer.status != expected:
            message = f"POST {path}: answered {answer.status}, {answer.body[:200].decode(errors='replace')}"
            raise ControlPlaneError(message, _retry_after(answer))
        return answer

    def _headers(self) -> tuple[tuple[str, str], ...]:
        # Read every time: the kubelet replaces the token before it ends.
        try:
            token = self._token_file.read_text().strip()
        except OSError as error:
            raise ControlPlaneError(f"token: {error}") from error
        return (("authorization", f"Bearer {token}"), (schema.HEADER, schema.describe()))

    def _target(self) -> http_client.Target:
        try:
            tls = ssl.create_default_context(cadata=self._trust_bundle())
        except ssl.SSLError as error:
            raise ControlPlaneError(f"trust bundle: {error}") from error
        tls.minimum_version = ssl.TLSVersion.TLSv1_3
        return http_client.Target(self._host, self._port, tls=tls)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    waiting = bytearray()
    while True:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise ControlPlaneError(f"GET /v1/config: silent for {SILENCE_SECONDS:g} s") from error
        waiting += chunk
        if len(waiting) > MAX_LINE_BYTES:
            raise ControlPlaneError(f"GET /v1/config: a line above {MAX_LINE_BYTES} bytes")
        while (end := waiting.find(b"\n")) >= 0:
            line = bytes(waiting[:end])
            del waiting[: end + 1]
            if line.strip():
                yield line


def _retry_after(answer: http_client.Response) -> float:
    text = answer.header(b"retry-after") or ""
    return min(float(text), 300.0) if text.isdecimal() else 0.0

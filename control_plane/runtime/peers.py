"""What the sidecars of the other replicas run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import aiohttp
import msgspec

from control_plane.ca.serving import client_context
from control_plane.index.store import Index
from control_plane.serve.acks import Ack, Acks

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
CALL_SECONDS = 5.0
MAX_BYTES = 64 * 1024 * 1024
_decoder = msgspec.json.Decoder(Acks)

Address = tuple[str, int]


def replicas(index: Index, namespace: str, service: str, own: Address) -> tuple[Address, ...]:
    """Address and port of the other replicas, by the endpoints of their Service."""
    found = index.service(namespace, service)
    port = found.port(443) if found else None
    if port is None:
        return ()
    addresses = {
        (endpoint.addresses[0], slice_port.port)
        for part in index.slices(namespace, service)
        for slice_port in part.ports or ()
        if (slice_port.name or "") == port.name and slice_port.port is not None
        for endpoint in part.endpoints or ()
        if endpoint.addresses and endpoint.is_ready
    }
    return tuple(sorted(addresses - {own}))


class Peers:
    """Asks the other replicas while this one leads."""

    def __init__(
        self, index: Index, namespace: str, service: str, own: Address, token: Path, *, trust: Callable[[], str]
    ) -> None:
        self._index = index
        self._namespace = namespace
        self._service = service
        self._own = own
        self._token = token
        self._trust = trust
        self.acks: dict[Address, tuple[Ack, ...]] = {}
        """The last answer of every replica that is there."""

    async def ask(self) -> bool:
        """Ask all of them; True: something has changed."""
        addresses = replicas(self._index, self._namespace, self._service, self._own)
        before = dict(self.acks)
        if not addresses or not self._trust():
            self.acks = {}
            return before != {}
        context = client_context(self._trust())
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
            answers = await asyncio.gather(*(self._one(session, address, context) for address in addresses))
        self.acks = {
            address: self.acks.get(address, ()) if answer is None else answer
            for address, answer in zip(addresses, answers, strict=True)
        }
        return before != self.acks

    async def _one(self, session: aiohttp.ClientSession, address: Address, context: object) -> tuple[Ack, ...] | None:
        host = f"{self._service}.{self._namespace}.svc"
        try:
            token = self._token.read_text().strip()
            async with session.get(
                f"https://{address[0]}:{address[1]}/v1/acks",
                headers={"authorization": f"Bearer {token}"},
                ssl=context,  # type: ignore[arg-type]
                server_hostname=host,
            ) as response:
                response.raise_for_status()
                body = await response.content.read(MAX_BYTES + 1)
                while len(body) <= MAX_BYTES and (more := await response.content.read(MAX_BYTES)):
                    body += more
                return _decoder.decode(body).acks
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            logger.info(
                "replica does not answer", extra={"replica": address[0], "error": f"{type(error).__name__}: {error}"}
            )
            return None

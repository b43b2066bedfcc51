"""The API of the sidecars, as docs/contract.md has it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from aiohttp import web

from control_plane.ca.authority import Authority, CaExpiredError
from control_plane.index.store import Key
from control_plane.kube.errors import KubeError
from control_plane.kube.token_review import Caller
from control_plane.serve.access import Access
from control_plane.serve.acks import Acks, read_ack
from control_plane.serve.hub import Hub, Mailbox
from control_plane.serve.metrics import Metrics
from mesh_policy.identity import SpiffeId
from mesh_policy.schema import HEADER, missing

logger = logging.getLogger(__name__)

PING_SECONDS = 15.0
SEND_SECONDS = 30.0
"""A sidecar that does not take a line within this is cut off; it connects again."""
YOUNG_POD_SECONDS = 3.0
"""How long a pod that we have not seen yet is waited for."""
BODY_SECONDS = 10.0
MAX_BODY = 64 * 1024
MAX_STREAMS = 20_000


class _CsrBody(msgspec.Struct):
    csr: str


class _Certificate(msgspec.Struct, rename="camel"):
    certificate_chain: str
    trust_bundle: str
    expires_at: int


class _Trust(msgspec.Struct, rename="camel", tag="trust", tag_field="type"):
    trust_bundle: str


_csr = msgspec.json.Decoder(_CsrBody)
PING = b'{"type":"ping"}\n'


def trust_line(trust_bundle: str) -> bytes:
    """The line that tells new roots."""
    return msgspec.json.encode(_Trust(trust_bundle)) + b"\n"


class Peer(NamedTuple):
    """The ServiceAccount of the control plane itself."""

    namespace: str
    service_account: str


class SidecarApi:
    """Handlers; every one asks first who is there."""

    def __init__(
        self,
        hub: Hub,
        access: Access,
        authority: Callable[[], Authority | None],
        metrics: Metrics,
        *,
        peer: Callable[[], Peer | None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._hub = hub
        self._access = access
        self._authority = authority
        self._metrics = metrics
        self._peer = peer
        self._now = now
        self._open = 0

    def routes(self) -> list[web.RouteDef]:
        """The contract's calls."""
        return [
            web.post("/v1/certificate", self.certificate),
            web.get("/v1/config", self.config),
            web.post("/v1/ack", self.ack),
            web.get("/v1/acks", self.acks),
        ]

    async def certificate(self, request: web.Request) -> web.Response:
        """Sign the key of a CSR for the identity of the token."""
        caller, _ = await self._sidecar(request)
        authority = self._authority()
        if authority is None:
            raise self._later("ca-not-ready")
        try:
            csr = _csr.decode(await _body(request)).csr
            identity = SpiffeId(self._hub.index.mesh.spec.trust_domain, caller.namespace, caller.service_account)
            issued = authority.sign(csr.encode(), identity, self._now())
        except CaExpiredError as error:
            logger.error("cannot sign", extra={"error": str(error)})
            raise self._later("ca-expired") from error
        except ValueError as error:
            raise self._refuse(web.HTTPBadRequest, "csr", str(error)) from error
        self._metrics.certificates.inc()
        logger.info("certificate signed", extra={"pod": f"{caller.namespace}/{caller.pod}", "identity": identity.uri})
        answer = _Certificate(issued.chain, authority.trust_bundle, int(issued.expires_at.timestamp()))
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    async def config(self, request: web.Request) -> web.StreamResponse:
        """The stream of snapshots."""
        _, key = await self._sidecar(request)
        if self._open >= MAX_STREAMS:
            raise self._later("too-many-streams")
        self._open += 1
        mailbox = self._hub.open(key, missing(request.headers.get(HEADER)))
        response = web.StreamResponse(headers={"content-type": "application/x-ndjson", "cache-control": "no-store"})
        response.enable_chunked_encoding()
        try:
            await response.prepare(request)
            await _pump(mailbox, response)
        except (ConnectionError, TimeoutError):
            logger.info("sidecar went away", extra={"pod": "/".join(key)})
        finally:
            self._open -= 1
            self._hub.leave(key, mailbox)
        return response

    async def ack(self, request: web.Request) -> web.Response:
        """A sidecar runs a snapshot, or refuses it."""
        _, key = await self._sidecar(request)
        try:
            ack = read_ack(key, await _body(request), missing(request.headers.get(HEADER)))
        except ValueError as error:
            raise self._refuse(web.HTTPBadRequest, "ack", str(error)) from error
        self._hub.took(key, ack)
        return web.Response(status=204)

    async def acks(self, request: web.Request) -> web.Response:
        """What the sidecars of this replica run; only for other replicas."""
        caller = await self._caller(request)
        peer = self._peer()
        if peer is None or (caller.namespace, caller.service_account) != peer:
            raise self._refuse(web.HTTPForbidden, "not-a-replica", "only the control plane itself may ask this")
        return web.Response(body=msgspec.json.encode(Acks(self._hub.acks())), content_type="application/json")

    async def _sidecar(self, request: web.Request) -> tuple[Caller, Key]:
        caller = await self._caller(request)
        key = (caller.namespace, caller.pod)
        if not caller.pod or await self._hub.meshed_pod(key, caller.pod_uid, YOUNG_POD_SECONDS) is None:
            raise self._refuse(
                web.HTTPForbidden, "not-meshed", f"{caller.namespace}/{caller.pod or '(no pod)'} is no pod of the mesh"
            )
        return caller, key

    async def _caller(self, request: web.Request) -> Caller:
        try:
            caller = await self._access.caller(request.headers.get("authorization", ""))
        except (KubeError, msgspec.MsgspecError) as error:
            logger.warning("token not reviewed", extra={"error": str(error)})
            raise self._later("api-server") from error
        if caller is None:
            raise self._refuse(web.HTTPUnauthorized, "token", "the bearer token is not a valid one for mesh.heddle.dev")
        return caller

    def _refuse(self, kind: type[web.HTTPClientError], reason: str, message: str) -> web.HTTPClientError:
        self._metrics.refused.labels(reason=reason).inc()
        return kind(text=message, headers={"x-mesh-error": reason})

    def _later(self, reason: str) -> web.HTTPServiceUnavailable:
        self._metrics.refused.labels(reason=reason).inc()
        return web.HTTPServiceUnavailable(text=reason, headers={"retry-after": "1", "x-mesh-error": reason})


async def _pump(mailbox: Mailbox, response: web.StreamResponse) -> None:
    while True:
        lines = await mailbox.take(PING_SECONDS)
        if mailbox.closed:
            return
        for line in lines or [PING]:
            async with asyncio.timeout(SEND_SECONDS):
                await response.write(line)


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError as error:
        raise web.HTTPRequestTimeout(text=f"the body did not arrive within {BODY_SECONDS:g} s") from error

"""The CA as this replica knows it: read from its Secret again and again, made by the leader where there is none."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from control_plane.ca.authority import Authority, CaExpiredError, load_authority
from control_plane.ca.bootstrap import Pair, make_intermediate, make_root
from control_plane.ca.serving import install, new_context
from control_plane.kube.backoff import Backoff
from control_plane.kube.client import KubeClient
from control_plane.kube.errors import Conflict, Forbidden, KubeError
from control_plane.kube.objects import create_secret, read_secret, trust_webhooks

logger = logging.getLogger(__name__)

SECRET = "heddle-ca"  # noqa: S105 - a name
ROOT_SECRET = "heddle-ca-root"  # noqa: S105 - a name
WEBHOOKS = "heddle"
POLL_SECONDS = 15.0
"""How long a rotated CA, or a webhook whose bundle was overwritten, stays unnoticed at most."""
UNREADY_SECONDS = 0.5
"""The same while this replica is not ready yet: somebody waits for it."""


class Trust:
    """Keeps `authority` and the serving certificate fresh."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        names: Sequence[str],
        *,
        leading: Callable[[], bool],
        trust_domain: Callable[[], str],
        changed: Callable[[Authority], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._names = names
        self._leading = leading
        self._trust_domain = trust_domain
        self._changed = changed
        self._now = now
        self._data: dict[str, bytes] = {}
        self._renew_at: datetime | None = None
        self.authority: Authority | None = None
        """None until the CA was found."""
        self.context: ssl.SSLContext = new_context()
        """Of both TLS servers."""
        self.ready = asyncio.Event()
        """Set once there are an authority and a serving certificate."""
        self.webhooks_ready = asyncio.Event()
        """Set once the API server can trust the webhooks: until then every pod of a meshed namespace is refused."""

    async def run(self) -> None:
        """Look after the CA until cancelled."""
        backoff = Backoff(base=UNREADY_SECONDS, cap=POLL_SECONDS)
        while True:
            try:
                await self.step()
            except (KubeError, ValueError, CaExpiredError) as error:
                logger.error("the CA is not as it should be", extra={"secret": SECRET, "error": str(error)})
                await asyncio.sleep(backoff.next())
                continue
            backoff.reset()
            await asyncio.sleep(POLL_SECONDS if self.webhooks_ready.is_set() else UNREADY_SECONDS)

    async def step(self) -> None:
        """Read the Secret; make it if it is missing and this replica leads; renew what is due."""
        data = await read_secret(self._client, self._namespace, SECRET)
        if data is None:
            if self.authority is None and self._leading():
                await self._bootstrap()
            elif self.authority is not None:
                logger.error("Secret is gone; the CA in memory goes on until a restart", extra={"secret": SECRET})
            return
        if data != self._data:
            self._adopt(data)
        if self._renew_at is not None and self._now() >= self._renew_at:
            self._renew()
        if self.authority is not None:
            await self._webhooks(self.authority)

    async def _webhooks(self, authority: Authority) -> None:
        leading = self._leading()
        differ = await trust_webhooks(self._client, WEBHOOKS, authority.trust_bundle, write=leading)
        if differ and leading:
            logger.info("webhooks trust the CA", extra={"webhooks": differ})
        if leading or not differ:
            self.webhooks_ready.set()

    def _adopt(self, data: dict[str, bytes]) -> None:
        authority = load_authority(data, self._now())
        before, self.authority, self._data = self.authority, authority, data
        self._renew()
        self.ready.set()
        logger.info("CA loaded", extra={"expires_at": authority.expires_at.isoformat()})
        if before is None or before.trust_bundle != authority.trust_bundle:
            self._changed(authority)

    def _renew(self) -> None:
        """The serving certificate, again at half of its life."""
        if self.authority is None:
            return
        now = self._now()
        issued, key = self.authority.serving(self._names, now)
        install(self.context, issued, key)
        self._renew_at = now + (issued.expires_at - now) / 2

    async def _bootstrap(self) -> None:
        """No CA was given: one of our own. The root's key stays in a Secret of its own, for rotation."""
        domain, now = self._trust_domain(), self._now()
        root = make_root(domain, now)
        try:
            await create_secret(
                self._client, self._namespace, ROOT_SECRET, {"tls.crt": root.certificate, "tls.key": root.key}
            )
        except Conflict:
            root = await self._existing_root()
        except Forbidden as error:
            raise ValueError(
                f"Secret {self._namespace}/{SECRET} is missing and may not be made here: {error}"
            ) from error
        intermediate = make_intermediate(root, domain, now)
        data = {"tls.crt": intermediate.certificate, "tls.key": intermediate.key, "ca.crt": root.certificate}
        try:
            await create_secret(self._client, self._namespace, SECRET, data)
        except Conflict:
            return  # somebody else was faster: theirs is read next
        logger.info("CA made", extra={"secret": SECRET, "trust_domain": domain})
        self._adopt({name: text.encode() for name, text in data.items()})

    async def _existing_root(self) -> Pair:
        data = await read_secret(self._client, self._namespace, ROOT_SECRET) or {}
        if not data.get("tls.crt") or not data.get("tls.key"):
            raise ValueError(f"Secret {self._namespace}/{ROOT_SECRET} has no tls.crt and tls.key")
        return Pair(data["tls.crt"].decode(), data["tls.key"].decode())

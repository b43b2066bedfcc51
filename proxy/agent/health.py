"""What the kubelet asks on 15020: is the sidecar alive, is it ready, and how is the application."""

from __future__ import annotations

from proxy.agent.configuration import Configuration
from proxy.agent.haproxy import Haproxy
from proxy.agent.http_server import Answer
from proxy.agent.identity import Identity
from proxy.agent.probing import ask
from proxy.agent.settings import Settings


class Health:
    """Answers the kubelet."""

    def __init__(self, settings: Settings, identity: Identity, configuration: Configuration, haproxy: Haproxy) -> None:
        self._settings = settings
        self._identity = identity
        self._configuration = configuration
        self._haproxy = haproxy
        self.draining = False

    async def answer(self, path: str) -> Answer:
        """`/livez`, `/readyz`, or one of the application's rewritten probes."""
        if path == "/livez":
            return Answer(200, b"alive\n")
        if path == "/readyz":
            missing = self._missing()
            return Answer(503, f"not ready: {missing}\n".encode()) if missing else Answer(200, b"ready\n")
        probe = self._settings.probes.get(path)
        return Answer(404, b"no such probe\n") if probe is None else await ask(probe, self._settings.pod_ip)

    def _missing(self) -> str:
        if self.draining:
            return "draining"
        if not self._identity.ready.is_set():
            return "no certificate yet"
        if self._configuration.running is None:
            return "no configuration yet"
        return "" if self._haproxy.running else "HAProxy does not run"

"""Prometheus text on 15090: HAProxy's own exporter, the worker's figures, and the agent's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from proxy.agent import http_client
from proxy.agent.configuration import Configuration
from proxy.agent.haproxy import Haproxy
from proxy.agent.http_server import Answer
from proxy.agent.identity import Identity
from proxy.agent.outlier import Outliers
from proxy.agent.worker import Worker, WorkerAway
from proxy.engine.haproxy import grpc, runtime_api
from proxy.engine.haproxy.runtime_api import RuntimeApiError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SCRAPE_TIMEOUT_SECONDS = 5.0
EXPORTER_PATH = "/metrics?scope=global&scope=frontend&scope=backend"
"""Without servers and listeners: 148 lines for each of thousands of endpoints."""
_RESPONSES = re.compile(r'^haproxy_backend_http_responses_total\{proxy="([^"]+)",code="([^"]+)"\} (\S+)$', re.MULTILINE)
_VARIABLE = re.compile(r"^(\S+): type=sint value=<(\d+)>$", re.MULTILINE)
MAX_SCRAPE_BYTES = 64 * 1024 * 1024


class Metrics:
    """Answers a scrape."""

    def __init__(
        self,
        run_dir: Path,
        identity: Identity,
        configuration: Configuration,
        haproxy: Haproxy,
        worker: Worker,
        *,
        outliers: Outliers,
    ) -> None:
        self._socket = str(run_dir / "metrics.sock")
        self._identity = identity
        self._configuration = configuration
        self._haproxy = haproxy
        self._worker = worker
        self._outliers = outliers

    async def answer(self, path: str) -> Answer:
        """`/metrics`; everything else is not found."""
        if path != "/metrics":
            return Answer(404, b"/metrics\n")
        parts = [self._agent(), await self._worker_figures(), await self._exporter()]
        return Answer(200, b"".join(parts), CONTENT_TYPE)

    def _agent(self) -> bytes:
        running = self._configuration.running
        version = running.version if running else ""
        gauges = {
            "heddle_agent_connected": int(self._configuration.connected),
            "heddle_agent_certificate_expiry_seconds": self._identity.expires,
            "heddle_agent_certificate_failures": self._identity.failures,
            "heddle_agent_haproxy_up": int(self._haproxy.running),
            "heddle_agent_worker_up": int(self._worker.running),
            f'heddle_agent_snapshot_info{{version="{version}"}}': 1,
            **_by_backend("heddle_agent_ejected", self._outliers.ejected),
        }
        counters = {
            "heddle_agent_snapshots_refused_total": self._configuration.refused,
            "heddle_agent_haproxy_restarts_total": self._haproxy.restarts,
            "heddle_agent_haproxy_reloads_total": self._haproxy.reloads,
            "heddle_agent_haproxy_runtime_changes_total": self._haproxy.runtime_changes,
            "heddle_agent_worker_restarts_total": self._worker.restarts,
            **_by_backend("heddle_agent_ejections_total", self._outliers.ejections),
        }
        return text(gauges, "gauge") + text(counters, "counter")

    async def _worker_figures(self) -> bytes:
        try:
            status = await self._worker.status()
        except WorkerAway:
            return b""
        figures = {f"heddle_worker_{_snake(key)}": value for key, value in status.items() if _is_number(value)}
        return text({name: float(str(value)) for name, value in sorted(figures.items())}, "untyped")

    async def _exporter(self) -> bytes:
        target = http_client.Target("localhost", socket_path=self._socket)
        try:
            answer = await http_client.request(
                target, "GET", EXPORTER_PATH, timeout_seconds=SCRAPE_TIMEOUT_SECONDS, max_body_bytes=MAX_SCRAPE_BYTES
            )
        except http_client.HttpError:
            return b""
        if answer.status != 200:
            return b""
        return requests_total(answer.body.decode()) + await self._refused_calls() + answer.body

    async def _refused_calls(self) -> bytes:
        command = ";".join(f"get var {name}" for name in grpc.variables())
        try:
            return refused_calls(await runtime_api.ask(self._haproxy.socket, command))
        except RuntimeApiError:
            return b""


def requests_total(exporter: str) -> bytes:
    """`heddle_requests_total` from what HAProxy counts per backend: to the application, to the worker, or outward."""
    lines = ["# TYPE heddle_requests_total counter"]
    for found in _RESPONSES.finditer(exporter):
        backend, code, count = found.groups()
        direction = "inbound" if backend.startswith("app_") else "outbound"
        lines.append(f'heddle_requests_total{{direction="{direction}",backend="{backend}",code="{code}"}} {count}')
    return ("\n".join(lines) + "\n").encode()


def refused_calls(answer: str) -> bytes:
    """`heddle_grpc_refused_total` from what HAProxy says of its variables: calls that the mesh has refused with HTTP
    status 200, by the status that stands for it, which is not among `heddle_requests_total`."""
    variables = grpc.variables()
    found = {
        f'heddle_grpc_refused_total{{direction="{direction}",code="{code}"}}': int(count)
        for name, count in _VARIABLE.findall(answer)
        if name in variables
        for direction, code in (variables[name],)
    }
    return text(found, "counter")


def _by_backend(name: str, values: Mapping[str, int]) -> dict[str, int]:
    return {f'{name}{{backend="{backend}"}}': value for backend, value in sorted(values.items())}


def text(values: Mapping[str, float], kind: str) -> bytes:
    """Prometheus text: each name has its type told once, whatever labels follow."""
    lines: list[str] = []
    told = ""
    for name, value in values.items():
        bare = name.partition("{")[0]
        if bare != told:
            lines.append(f"# TYPE {bare} {kind}\n")
        told = bare
        lines.append(f"{name} {value}\n")
    return "".join(lines).encode()


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

"""The whole configuration of one sidecar."""

from __future__ import annotations

from control_plane.compile.engine import wanted
from control_plane.compile.inbound import inbound
from control_plane.compile.outbound import Shared, outbound
from control_plane.compile.schema import Compiled, Lessener
from control_plane.index.store import Index, Key
from control_plane.kinds.mesh_config import EngineChoice
from control_plane.kinds.pod import Pod
from mesh_policy.snapshot import AccessLog, Outbound, Workload, WorkloadConfig
from mesh_policy.wire import stamp


class Compiler:
    """Compiles workloads of one index. Keeps what it has computed until the index changes, not one change longer."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._revision = -1
        self._shared: Shared | None = None
        self._outbound: dict[tuple[str, EngineChoice], Outbound] = {}
        self._configs: dict[Key, WorkloadConfig] = {}
        self._lessener = Lessener()
        self._lesser: dict[tuple[Key, frozenset[str]], Compiled] = {}

    def compile(self, key: Key) -> WorkloadConfig | None:
        """The stamped configuration of a pod; None: there is no such pod, or it has no sidecar."""
        self._expire()
        if key not in self._configs:
            pod = self._index.pod(*key)
            if pod is None or not pod.is_meshed:
                return None
            self._configs[key] = stamp(self._workload(pod))
        return self._configs[key]

    def compile_for(self, key: Key, unknown: frozenset[str]) -> Compiled | None:
        """The same for a sidecar that does not know these fields of a snapshot (mesh_policy.schema.missing)."""
        config = self.compile(key)
        if config is None:
            return None
        if not unknown:
            return Compiled(config)
        if (key, unknown) not in self._lesser:
            self._lesser[key, unknown] = self._lessener.lessen(config, unknown)
        return self._lesser[key, unknown]

    def _expire(self) -> None:
        if self._revision != self._index.revision:
            self._revision, self._shared = self._index.revision, None
            self._outbound.clear()
            self._configs.clear()
            self._lessener = Lessener()
            self._lesser.clear()

    def _workload(self, pod: Pod) -> WorkloadConfig:
        index, namespace = self._index, pod.metadata.namespace
        if self._shared is None:
            self._shared = Shared(index)
        choice = wanted(index, pod)
        if (namespace, choice) not in self._outbound:
            self._outbound[namespace, choice] = outbound(index, self._shared, namespace, choice)
        return WorkloadConfig(
            workload=Workload(
                namespace=namespace,
                pod=pod.metadata.name,
                service_account=pod.spec.service_account_name or "default",
                labels=pod.metadata.labels,
                zone=self._shared.zones.get(pod.spec.node_name, ""),
            ),
            trust_domain=index.mesh.spec.trust_domain,
            outbound=self._outbound[namespace, choice],
            inbound=inbound(index, self._shared.policies, pod),
            access_log=AccessLog(sample_percent=index.mesh.spec.access_log.sample),
        )


def compile_workload(index: Index, key: Key) -> WorkloadConfig | None:
    """One workload, from nothing but the index."""
    return Compiler(index).compile(key)

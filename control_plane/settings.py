"""Settings of the control plane, read once from the environment. The trust domain is MeshConfig's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LISTEN = "0.0.0.0"  # noqa: S104 - a pod's address is not known before it runs
TOKEN = Path("/var/run/secrets/mesh.heddle.dev/token")
LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One replica."""

    namespace: str
    """`HEDDLE_NAMESPACE`: of the mesh."""
    pod: str
    """`HEDDLE_POD`: name of this replica, its identity in the election."""
    pod_ip: str = ""
    """`HEDDLE_POD_IP`: how other replicas see this one; empty: it does not tell itself from them."""
    service: str = "heddle-control-plane"
    """`HEDDLE_SERVICE`: the Service in front of all replicas, and the name in their certificate."""
    log_level: str = "info"
    """`HEDDLE_LOG_LEVEL`."""
    address: str = LISTEN
    sidecar_port: int = 8443
    webhook_port: int = 9443
    health_port: int = 8080
    """0 picks a free port (tests)."""
    token: Path = TOKEN
    """The replica's own token (audience `mesh.heddle.dev`), shown to other replicas."""
    kubeconfig: Path | None = None
    """None: the ServiceAccount of the pod."""

    @property
    def host(self) -> str:
        """The name in the serving certificate that sidecars and the API server check."""
        return f"{self.service}.{self.namespace}.svc"


def from_environment(environment: Mapping[str, str], kubeconfig: Path | None = None) -> Settings:
    """Read the settings.

    Raises:
        ValueError: all that is wrong, one fault a line.
    """
    faults = [f"{name} is not set" for name in ("HEDDLE_NAMESPACE", "HEDDLE_POD") if not environment.get(name)]
    level = environment.get("HEDDLE_LOG_LEVEL") or "info"
    if level not in LEVELS:
        faults.append(f"HEDDLE_LOG_LEVEL: {level!r} is not one of {', '.join(LEVELS)}")
    ports = {}
    for name, default in (("SIDECAR", 8443), ("WEBHOOK", 9443), ("HEALTH", 8080)):
        text = environment.get(f"HEDDLE_{name}_PORT") or str(default)
        ports[name] = int(text) if text.isdecimal() and len(text) <= 5 else -1
        if not 0 <= ports[name] <= 65535:
            faults.append(f"HEDDLE_{name}_PORT: {text!r} is not a port: use 0 to 65535 (0: any that is free)")
    if faults:
        raise ValueError("\n".join(faults))
    return Settings(
        namespace=environment["HEDDLE_NAMESPACE"],
        pod=environment["HEDDLE_POD"],
        pod_ip=environment.get("HEDDLE_POD_IP", ""),
        service=environment.get("HEDDLE_SERVICE") or "heddle-control-plane",
        log_level=level,
        address=environment.get("HEDDLE_LISTEN") or LISTEN,
        sidecar_port=ports["SIDECAR"],
        webhook_port=ports["WEBHOOK"],
        health_port=ports["HEALTH"],
        token=Path(environment.get("HEDDLE_TOKEN_FILE") or TOKEN),
        kubeconfig=kubeconfig,
    )

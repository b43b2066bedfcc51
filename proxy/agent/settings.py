"""Settings of the sidecar, from the environment that the injector writes (docs/contract.md)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from proxy.probes import Probe, parse_probes

LOG_LEVELS = ("debug", "info", "warning", "error")


class InvalidSettings(ValueError):  # noqa: N818 - the state of the settings
    """Every setting that is wrong, one a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the agent runs with. Read once, passed down."""

    control_plane: str
    """https URL without a path."""
    trust_bundle: str
    """PEM of the roots at injection time."""
    trust_domain: str
    namespace: str
    pod: str
    pod_ip: str
    service_account: str
    probes: Mapping[str, Probe]
    """Path on the health port to what the kubelet would have asked the application."""
    log_level: str = "info"
    drain_seconds: float = 25.0
    """How long requests in flight may take to finish after SIGTERM."""
    run_dir: Path = Path("/run/heddle")
    token_file: Path = Path("/var/run/secrets/mesh.heddle.dev/token")
    resolv_conf: Path = Path("/etc/resolv.conf")
    haproxy: str = "haproxy"
    """The program: a name on PATH, or a path."""


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        InvalidSettings: naming every variable that is missing or wrong.
    """
    wrong: list[str] = []

    def need(name: str) -> str:
        value = environment.get(name, "")
        if not value:
            wrong.append(f"{name} is missing or empty")
        return value

    names = ("CONTROL_PLANE", "TRUST_BUNDLE", "TRUST_DOMAIN", "NAMESPACE", "POD", "POD_IP", "SERVICE_ACCOUNT")
    given = {name: need(f"HEDDLE_{name}") for name in names}
    url = urlsplit(given["CONTROL_PLANE"])
    if given["CONTROL_PLANE"] and (url.scheme != "https" or not url.hostname or url.path not in ("", "/")):
        wrong.append(f"HEDDLE_CONTROL_PLANE is {given['CONTROL_PLANE']!r}; it must be https://HOST[:PORT]")
    try:
        ipaddress.IPv4Address(given["POD_IP"] or "0.0.0.0")  # noqa: S104 - its absence is reported already
    except ValueError:
        wrong.append(f"HEDDLE_POD_IP is {given['POD_IP']!r}; it must be an IPv4 address")
    level = environment.get("HEDDLE_LOG_LEVEL") or "info"
    if level not in LOG_LEVELS:
        wrong.append(f"HEDDLE_LOG_LEVEL is {level!r}; it must be one of {', '.join(LOG_LEVELS)}")
    drain = _seconds(environment.get("HEDDLE_DRAIN_SECONDS") or "25", wrong)
    probes: Mapping[str, Probe] = {}
    try:
        probes = parse_probes(environment.get("HEDDLE_PROBES") or "{}")
    except msgspec.MsgspecError as error:
        wrong.append(f"HEDDLE_PROBES: {error}")
    if wrong:
        raise InvalidSettings("\n".join(wrong))
    return Settings(
        control_plane=given["CONTROL_PLANE"].rstrip("/"),
        trust_bundle=given["TRUST_BUNDLE"],
        trust_domain=given["TRUST_DOMAIN"],
        namespace=given["NAMESPACE"],
        pod=given["POD"],
        pod_ip=given["POD_IP"],
        service_account=given["SERVICE_ACCOUNT"],
        probes=probes,
        log_level=level,
        drain_seconds=drain,
        run_dir=Path(environment.get("HEDDLE_RUN_DIR") or "/run/heddle"),
        token_file=Path(environment.get("HEDDLE_TOKEN_FILE") or "/var/run/secrets/mesh.heddle.dev/token"),
        resolv_conf=Path(environment.get("HEDDLE_RESOLV_CONF") or "/etc/resolv.conf"),
        haproxy=environment.get("HEDDLE_HAPROXY") or "haproxy",
    )


def _seconds(text: str, wrong: list[str]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3600:
        wrong.append(f"HEDDLE_DRAIN_SECONDS is {text!r}; it must be a number of seconds from 0 to 3600")
    return value

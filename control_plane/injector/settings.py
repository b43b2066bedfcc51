"""What the injector writes into every pod, read once from the control plane's environment.

Trust bundle and trust domain are not known at start: the CA and MeshConfig give them, `with_trust` adds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import msgspec

from control_plane.injector.quantity import parse_cpu, parse_memory

LogLevel = Literal["debug", "info", "warning", "error"]
Unreadable = Literal["refuse", "pass"]
PullPolicy = Literal["Always", "IfNotPresent", "Never"]


class Resources(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests and limits of a container, as Kubernetes writes them."""

    requests: dict[str, str] = {}
    limits: dict[str, str] = {}


DEFAULT_RESOURCES = Resources(requests={"cpu": "50m", "memory": "128Mi"}, limits={"memory": "512Mi"})
"""No CPU limit: a throttled sidecar delays every request of its pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectorSettings:
    """Everything that is the same for every injected pod."""

    image: str
    """Image of the sidecar, with its tag or digest."""
    control_plane: str
    """https URL of the control plane, its host as its certificate says."""
    trust_bundle: str = ""
    """PEM of the roots. Empty: the CA is not ready, and nothing is injected."""
    trust_domain: str = ""
    image_pull_policy: PullPolicy = "IfNotPresent"
    resources: Resources = DEFAULT_RESOURCES
    """Of `heddle-proxy`, where no annotation says otherwise."""
    log_level: LogLevel = "info"
    drain_seconds: int = 20
    """At most so long finishes a sidecar its requests after SIGTERM; less where the pod's grace period is shorter."""
    unreadable: Unreadable = "refuse"
    """What happens to a pod with a label or annotation that cannot be read: refused, or let pass without a sidecar."""

    @property
    def ready(self) -> bool:
        """Whether a pod that is injected now could get its certificate."""
        return bool(self.trust_bundle and self.trust_domain)

    def with_trust(self, *, trust_bundle: str, trust_domain: str) -> InjectorSettings:
        """The same settings with what the CA and MeshConfig say now."""
        return replace(self, trust_bundle=trust_bundle, trust_domain=trust_domain)


def from_environment(environment: Mapping[str, str]) -> InjectorSettings:
    """Read the settings.

    `HEDDLE_NAMESPACE`, `HEDDLE_SERVICE` and `HEDDLE_IMAGE` must be there. `HEDDLE_IMAGE_PULL_POLICY`,
    `HEDDLE_PROXY_LOG_LEVEL`, `HEDDLE_PROXY_DRAIN_SECONDS` (0 to 3600), `HEDDLE_PROXY_RESOURCES` (JSON of requests and
    limits) and `HEDDLE_INJECT_UNREADABLE` (`refuse`, `pass`) have defaults.

    Raises:
        ValueError: what is wrong, all of it, one fault a line.
    """
    faults: list[str] = []
    needed = {name: environment.get(name, "") for name in ("HEDDLE_NAMESPACE", "HEDDLE_SERVICE", "HEDDLE_IMAGE")}
    faults += [f"{name} is not set" for name, value in needed.items() if not value]
    pull = _choice(environment, "HEDDLE_IMAGE_PULL_POLICY", "IfNotPresent", get_args(PullPolicy), faults)
    level = _choice(environment, "HEDDLE_PROXY_LOG_LEVEL", "info", get_args(LogLevel), faults)
    unreadable = _choice(environment, "HEDDLE_INJECT_UNREADABLE", "refuse", get_args(Unreadable), faults)
    drain = environment.get("HEDDLE_PROXY_DRAIN_SECONDS", "20")
    if not (drain.isascii() and drain.isdigit() and len(drain) <= 4 and int(drain) <= 3600):
        faults.append(f"HEDDLE_PROXY_DRAIN_SECONDS: {drain!r} is not a whole number of seconds from 0 to 3600")
    resources = _resources(environment.get("HEDDLE_PROXY_RESOURCES", ""), faults)
    if faults:
        raise ValueError("\n".join(faults))
    return InjectorSettings(
        image=needed["HEDDLE_IMAGE"],
        control_plane=f"https://{needed['HEDDLE_SERVICE']}.{needed['HEDDLE_NAMESPACE']}.svc",
        image_pull_policy=msgspec.convert(pull, PullPolicy),
        resources=resources,
        log_level=msgspec.convert(level, LogLevel),
        drain_seconds=int(drain),
        unreadable=msgspec.convert(unreadable, Unreadable),
    )


def _choice(
    environment: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...], faults: list[str]
) -> str:
    value = environment.get(name) or default
    if value not in allowed:
        faults.append(f"{name}: {value!r} is not one of {', '.join(allowed)}")
    return value


def _resources(text: str, faults: list[str]) -> Resources:
    if not text:
        return DEFAULT_RESOURCES
    try:
        resources = msgspec.json.decode(text, type=Resources)
        for amounts in (resources.requests, resources.limits):
            for name, amount in amounts.items():
                if name == "cpu":
                    parse_cpu(amount)
                elif name == "memory":
                    parse_memory(amount)
    except ValueError as error:  # msgspec's errors are ValueErrors too
        faults.append(f"HEDDLE_PROXY_RESOURCES: {error}")
        return DEFAULT_RESOURCES
    return resources

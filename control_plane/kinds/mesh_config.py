"""MeshConfig (mesh.heddle.dev/v1alpha1): defaults of the whole mesh; cluster-scoped, named `default`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from control_plane.kinds import behaviour, checks
from control_plane.kinds.behaviour import Behaviour
from control_plane.kinds.meta import ConditionsStatus, HasStatus, Metadata, Strict
from control_plane.kinds.retry_budget import RetryBudgetSpec
from mesh_policy.errors import Violation
from mesh_policy.snapshot import DefaultAction, MtlsMode

NAME = "default"
_TRUST_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,253}[a-z0-9])?\Z")

EngineChoice = Literal["auto", "python", "native"]


class Mtls(Strict, frozen=True, kw_only=True):
    """`spec.mtls`."""

    mode: MtlsMode = "Strict"


class AuthorizationDefaults(Strict, frozen=True, kw_only=True):
    """`spec.authorization`."""

    default: DefaultAction = "Deny"


class AccessLogConfig(Strict, frozen=True, kw_only=True):
    """`spec.accessLog`."""

    format: Literal["json"] = "json"
    sample: float = 100.0
    """Percent of the requests that went well; refused and failed ones are always logged. 0: only those."""


class MeshConfigSpec(Behaviour, frozen=True, kw_only=True):
    """`spec`; every field has a default that is safe."""

    retry_budget: RetryBudgetSpec = RetryBudgetSpec()

    trust_domain: str = "cluster.local"
    mtls: Mtls = Mtls()
    authorization: AuthorizationDefaults = AuthorizationDefaults()
    engine: EngineChoice = "auto"
    access_log: AccessLogConfig = AccessLogConfig()


class MeshConfig(HasStatus, frozen=True, kw_only=True):
    """The mesh's defaults."""

    spec: MeshConfigSpec = MeshConfigSpec()
    status: ConditionsStatus | None = None


DEFAULT = MeshConfig(metadata=Metadata(name=NAME))
"""What holds while there is no MeshConfig."""


def validate(obj: MeshConfig) -> tuple[Violation, ...]:
    """What is wrong with the object by itself."""
    return tuple(_violations(obj))


def _violations(obj: MeshConfig) -> Iterator[Violation]:
    if obj.metadata.name != NAME:
        yield Violation(
            "metadata.name", f"{obj.metadata.name!r} has no effect: there is one MeshConfig, named {NAME!r}"
        )
    if not _TRUST_DOMAIN.match(obj.spec.trust_domain):
        yield Violation(
            "spec.trustDomain",
            f"{obj.spec.trust_domain!r} is not a trust domain: use lower-case letters, digits, '-' and '.'",
        )
    yield from checks.percentage("spec.accessLog.sample", obj.spec.access_log.sample)
    yield from behaviour.violations(obj.spec)

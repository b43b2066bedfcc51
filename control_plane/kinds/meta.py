"""What all Kubernetes objects have in common, as far as the mesh reads it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

GROUP = "mesh.heddle.dev"
"""API group of our own kinds, and prefix of every label and annotation."""
CONTROLLER_NAME = f"{GROUP}/control-plane"
"""Who wrote a status entry (Gateway API `controllerName`)."""


class Ref(NamedTuple):
    """The name of one object. `namespace` is empty for cluster-scoped kinds."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of what the API server owns: fields that we do not read are skipped."""


class Strict(Wire, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what users write: a field that we do not know is refused, never ignored."""


class Metadata(Wire, frozen=True, kw_only=True):
    """Of `metadata`, what the mesh uses. `managedFields` is never decoded."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str = ""
    """RFC 3339 in UTC, whole seconds: sorts as text."""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Condition(Wire, frozen=True, kw_only=True):
    """`metav1.Condition`."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    observed_generation: int = 0
    last_transition_time: str = ""


class ConditionsStatus(Wire, frozen=True, kw_only=True):
    """`status` of our own kinds."""

    conditions: tuple[Condition, ...] = ()


class Object(Wire, frozen=True, kw_only=True):
    """Base of every kind."""

    metadata: Metadata

    @property
    def key(self) -> tuple[str, str]:
        return self.metadata.namespace, self.metadata.name


class Broken(Object, frozen=True, kw_only=True):
    """An object that does not even decode: known by name, so that its status can say why. Never compiled."""

    kind: str
    message: str
    """`field: what is wrong`."""


def same_meaning(one: Object, other: Object) -> bool:
    """Whether two versions of an object say the same to the mesh: resourceVersion and status left aside."""
    return _meaning(one) == _meaning(other)


def _meaning(obj: Object) -> Object:
    bare = msgspec.structs.replace(obj, metadata=msgspec.structs.replace(obj.metadata, resource_version=""))
    return msgspec.structs.replace(bare, status=None) if isinstance(obj, HasStatus) else bare


class HasStatus(Object, frozen=True, kw_only=True):
    """Base of the kinds whose status we write; each narrows `status`."""


def age_order(obj: Object) -> tuple[str, str, str]:
    """Sort key of the Gateway API: oldest first, then namespace and name."""
    return obj.metadata.creation_timestamp or "9999", obj.metadata.namespace, obj.metadata.name

"""All kinds: where they are in the API, how they are decoded, what makes them valid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from control_plane.kinds import (
    mesh_config,
    route,
    routes,
    service_intentions,
    service_subset,
    traffic_policy,
    x_backend_traffic_policy,
    x_mesh,
)
from control_plane.kinds.endpoint_slice import EndpointSlice
from control_plane.kinds.meta import GROUP, Broken, Metadata, Object
from control_plane.kinds.namespace import Namespace
from control_plane.kinds.pod import Pod
from control_plane.kinds.service import Service
from mesh_policy.errors import Violation

Validate = Callable[[Any], tuple[Violation, ...]]


def _nothing(_: object) -> tuple[Violation, ...]:
    return ()


class Kind(NamedTuple):
    """One kind."""

    struct: type[Object]
    validate: Validate
    """What is wrong with the object by itself: refused at admission, `Accepted=False` if it is there nevertheless."""
    group: str
    version: str
    plural: str
    namespaced: bool = True
    unsupported: Validate = _nothing
    """What is right by the API and not done by this mesh: a warning at admission, `Accepted=False`."""

    @property
    def path(self) -> str:
        """The API path of all objects of the kind."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/{self.plural}"

    def object_path(self, namespace: str, name: str) -> str:
        """The API path of one object."""
        root, _, plural = self.path.rpartition("/")
        return f"{root}/namespaces/{namespace}/{plural}/{name}" if self.namespaced else f"{self.path}/{name}"


KINDS: dict[str, Kind] = {
    "Namespace": Kind(Namespace, _nothing, "", "v1", "namespaces", namespaced=False),
    "Service": Kind(Service, _nothing, "", "v1", "services"),
    "EndpointSlice": Kind(EndpointSlice, _nothing, "discovery.k8s.io", "v1", "endpointslices"),
    "Pod": Kind(Pod, _nothing, "", "v1", "pods"),
    **{
        name: Kind(one.struct, routes.validate, route.GROUP, "v1", one.plural, unsupported=routes.unsupported)
        for name, one in routes.ROUTES.items()
    },
    "ServiceSubset": Kind(service_subset.ServiceSubset, service_subset.validate, GROUP, "v1alpha1", "servicesubsets"),
    "ServiceIntentions": Kind(
        service_intentions.ServiceIntentions, service_intentions.validate, GROUP, "v1alpha1", "serviceintentions"
    ),
    "TrafficPolicy": Kind(traffic_policy.TrafficPolicy, traffic_policy.validate, GROUP, "v1alpha1", "trafficpolicies"),
    "MeshConfig": Kind(
        mesh_config.MeshConfig, mesh_config.validate, GROUP, "v1alpha1", "meshconfigs", namespaced=False
    ),
    "XBackendTrafficPolicy": Kind(
        x_backend_traffic_policy.BackendTrafficPolicy,
        x_backend_traffic_policy.validate,
        x_mesh.GROUP,
        x_mesh.VERSION,
        "xbackendtrafficpolicies",
    ),
    "XMesh": Kind(x_mesh.XMesh, _nothing, x_mesh.GROUP, x_mesh.VERSION, "xmeshes", namespaced=False),
}


class _Anything(msgspec.Struct):
    metadata: Metadata


_names = msgspec.json.Decoder(_Anything)
_decoders = {name: msgspec.json.Decoder(kind.struct) for name, kind in KINDS.items()}


def decode(kind: str, data: bytes | msgspec.Raw) -> Object:
    """Read one object of a kind. What does not decode becomes a `Broken`, so that one bad object stops nothing.

    Raises:
        ValueError: not even its metadata can be read.
    """
    try:
        return _decoders[kind].decode(data)
    except msgspec.MsgspecError as error:
        try:
            metadata = _names.decode(data).metadata
        except msgspec.MsgspecError as worse:
            raise ValueError(f"an object of kind {kind} has no readable metadata: {worse}") from worse
        message, _, path = str(error).partition(" - at `")
        text = f"{path.removesuffix('`').removeprefix('$.')}: {message}"
        return _outline(kind, data, text) or Broken(metadata=metadata, kind=kind, message=text)


def _outline(kind: str, data: bytes | msgspec.Raw, message: str) -> Object | None:
    if kind == "XBackendTrafficPolicy":
        return x_backend_traffic_policy.outline(data, message)
    return routes.outline(kind, data, message)


def violations(kind: str, obj: Object) -> tuple[Violation, ...]:
    """What is wrong with an object by itself, an undecodable one included."""
    if isinstance(obj, Broken):
        path, _, message = obj.message.partition(": ")
        return (Violation(path, message),)
    return KINDS[kind].validate(obj)

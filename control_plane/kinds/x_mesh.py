"""XMesh (gateway.networking.x-k8s.io/v1alpha1, GEP-3949): what a mesh says about itself. Experimental channel only."""

from __future__ import annotations

from control_plane.kinds.meta import CONTROLLER_NAME, Condition, HasStatus, Wire

GROUP = "gateway.networking.x-k8s.io"
VERSION = "v1alpha1"
NAME = "heddle"
"""Of the one that the mesh makes for itself."""

SUPPORTED_FEATURES = (
    "GRPCRoute",
    "HTTPRoute",
    "HTTPRoute303RedirectStatusCode",
    "HTTPRoute307RedirectStatusCode",
    "HTTPRoute308RedirectStatusCode",
    "HTTPRouteParentRefPort",
    "HTTPRouteResponseHeaderModification",
    "Mesh",
    "MeshClusterIPMatching",
    "MeshConsumerRoute",
    "MeshHTTPRouteBackendRequestHeaderModification",
    "MeshHTTPRouteNamedRouteRule",
    "MeshHTTPRouteQueryParamMatching",
    "MeshHTTPRouteRedirectPath",
    "MeshHTTPRouteRedirectPort",
    "MeshHTTPRouteRewritePath",
    "MeshHTTPRouteSchemeRedirect",
)
"""The features of the official conformance suite that tests of meshes ask for, by name: all of them. `make conformance`
names the same, so nothing stands here that was not tested."""


class ParametersRef(Wire, frozen=True, kw_only=True):
    """`parametersRef`."""

    name: str = ""
    kind: str = ""
    group: str = ""


class XMeshSpec(Wire, frozen=True, kw_only=True):
    """`spec`."""

    controller_name: str
    parameters_ref: ParametersRef | None = None


class Feature(Wire, frozen=True, kw_only=True):
    """One of `supportedFeatures`."""

    name: str


class XMeshStatus(Wire, frozen=True, kw_only=True):
    """`status`."""

    conditions: tuple[Condition, ...] = ()
    supported_features: tuple[Feature, ...] = ()


class XMesh(HasStatus, frozen=True, kw_only=True):
    """A mesh."""

    spec: XMeshSpec
    status: XMeshStatus | None = None

    @property
    def is_ours(self) -> bool:
        """It names this controller; others are left alone."""
        return self.spec.controller_name == CONTROLLER_NAME


def manifest() -> dict[str, object]:
    """What the mesh makes for itself."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "XMesh",
        "metadata": {
            "name": NAME,
            "labels": {"app.kubernetes.io/part-of": "heddle", "app.kubernetes.io/managed-by": "heddle-control-plane"},
        },
        "spec": {"controllerName": CONTROLLER_NAME},
    }

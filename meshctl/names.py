"""The names that meshctl relies on (docs/contract.md)."""

from __future__ import annotations

NAMESPACE = "heddle-system"
RELEASE = "heddle"
CRDS_RELEASE = "heddle-crds"
DEMO_RELEASE = "shop"
DEMO_RELEASE_NAMESPACE = "default"
CONTROL_PLANE = "heddle-control-plane"
CA_SECRET = "heddle-ca"  # noqa: S105 - the name of a Secret, not a secret
WEBHOOKS = "heddle"
PROXY = "heddle-proxy"
GROUP = "mesh.heddle.dev"
MESH_API = f"/apis/{GROUP}/v1alpha1"
GATEWAY_API = "/apis/gateway.networking.k8s.io/v1"
CONTROLLER_NAME = f"{GROUP}/control-plane"
GATEWAY_X_API = "/apis/gateway.networking.x-k8s.io/v1alpha1"
XMESH = f"{GATEWAY_X_API}/xmeshes/heddle"
"""What the mesh says about itself, in clusters with the Gateway API's experimental kinds."""
STATUS_ANNOTATION = f"{GROUP}/status"
HEALTH_PORT = 15020
METRICS_PORT = 15090

SUPPORTED_MINORS = range(33, 37)
"""Minor versions of Kubernetes 1 that the mesh runs on. 33 is the first whose native sidecars are stable."""

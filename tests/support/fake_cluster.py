"""What meshctl sees of a cluster, from a dictionary: path → object, list path → objects. No HTTP, no Kubernetes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from meshctl.client import ApiError, Executed, Object

Program = Callable[[str, list[str]], str]
"""(`NAMESPACE/POD`, argv) → stdout of a command in a container."""


class FakeCluster:
    """Answers like `meshctl.client.Cluster`; `written` holds what was changed, in order."""

    host = "https://fake"
    kubeconfig = None
    context = None

    def __init__(self, objects: dict[str, Any] | None = None, program: Program | None = None) -> None:
        self.objects = objects or {}
        self.program = program
        self.written: list[tuple[str, str, Any]] = []
        self.log_lines: dict[str, list[str]] = {}
        self.denied: set[str] = set()
        self.refuse_dry_runs = ""
        """Message of the webhook that refuses every dry run; empty: they pass."""

    def find(self, path: str) -> Object | None:
        found = self.objects.get(path)
        return found if isinstance(found, dict) else None

    def get(self, path: str, query: dict[str, str] | None = None) -> Object:
        found = self.find(path)
        if found is None:
            raise ApiError(404, "not found", f"GET {path}")
        return found

    def items(self, path: str, label_selector: str = "") -> list[Object]:
        wanted = dict(part.split("=") for part in label_selector.split(",") if part)
        return [
            item
            for item in self.objects.get(path, [])
            if wanted.items() <= item.get("metadata", {}).get("labels", {}).items()
        ]

    def create(self, path: str, body: Object, dry_run: bool = False) -> Object:
        if dry_run and self.refuse_dry_runs:
            raise ApiError(403, self.refuse_dry_runs, f"POST {path}")
        self.written.append(("create", path, body))
        return self.objects.get(f"created {path}", body)

    def patch(self, path: str, body: Any, content_type: str = "") -> Object:
        self.written.append(("patch", path, body))
        return {}

    def delete(self, path: str, propagation: str = "Background") -> bool:
        self.written.append(("delete", path, None))
        return True

    def allowed(self, verb: str, group: str, resource: str, namespace: str = "") -> bool:
        return resource not in self.denied

    def logs(self, namespace: str, pod: str, container: str, since_seconds: int, tail: int = 2000) -> list[str]:
        return self.log_lines.get(f"{namespace}/{pod}", [])

    def execute(
        self, namespace: str, pod: str, container: str, argv: list[str], timeout_seconds: float = 30
    ) -> Executed:
        assert self.program is not None, "this test gives no program to run in containers"
        return Executed(self.program(f"{namespace}/{pod}", argv), "", 0)

    def pod_get(self, namespace: str, pod: str, port: int, path: str) -> str:
        found = self.objects.get(f"{namespace}/{pod}:{port}{path}")
        if found is None:
            raise ApiError(503, "not ready", f"GET {namespace}/{pod}:{port}{path}")
        return str(found)


def a_pod(namespace: str, name: str, app: str = "", version: str = "v1", **changes: Any) -> Object:
    """A meshed, ready pod of a Deployment `app`."""
    app = app or name.rpartition("-")[0] or name
    ready = changes.get("ready", True)
    meshed = changes.get("meshed", True)
    return {
        "metadata": {
            "namespace": namespace,
            "name": name,
            "labels": {"app": app, "version": version, "pod-template-hash": "abc"},
            "annotations": {"mesh.heddle.dev/status": "injected"} if meshed else {},
            "ownerReferences": [
                {"kind": "ReplicaSet", "name": f"{changes.get('deployment', app)}-abc", "controller": True}
            ],
        },
        "spec": {
            "nodeName": changes.get("node", "n1"),
            "serviceAccountName": app,
            "initContainers": [{"name": "heddle-proxy", "image": changes.get("image", "sidecar:1")}] if meshed else [],
            "containers": [{"name": app, "image": "demo:1"}],
        },
        "status": {
            "phase": changes.get("phase", "Running"),
            "podIP": changes.get("ip", "10.0.0.1"),
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "initContainerStatuses": [
                {"name": "heddle-proxy", "ready": ready, "restartCount": changes.get("restarts", 0)}
            ]
            if meshed
            else [],
        },
    }

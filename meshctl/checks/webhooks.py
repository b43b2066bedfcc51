"""Are pods injected, and bad objects refused? Asked of the API server itself, with dry runs."""

from __future__ import annotations

from meshctl.checks import Category, Check, CheckFailed, Context, Finding, Skipped
from meshctl.client import ApiError, Object
from meshctl.names import GROUP, MESH_API, PROXY

PROBE_POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"generateName": "meshctl-check-", "labels": {f"{GROUP}/inject": "enabled"}},
    "spec": {"containers": [{"name": "app", "image": "none.invalid/none"}]},
}


def injected_namespace(context: Context) -> str:
    found = context.cluster.items("/api/v1/namespaces", f"{GROUP}/inject=enabled")
    if not found:
        raise Skipped(f"no namespace has the label {GROUP}/inject=enabled yet")
    return str(found[0]["metadata"]["name"])


def injects(context: Context) -> Finding:
    namespace = injected_namespace(context)
    try:
        pod = context.cluster.create(f"/api/v1/namespaces/{namespace}/pods", PROBE_POD, dry_run=True)
    except ApiError as error:
        raise CheckFailed(f"a pod in {namespace} would be refused: {error}") from error
    if PROXY not in [one["name"] for one in pod["spec"].get("initContainers", [])]:
        raise CheckFailed(f"a pod in {namespace} would start without its sidecar")
    return Finding(f"tried in {namespace}")


def validates(context: Context) -> Finding:
    """An intention with an impossible regular expression passes the schema; only the webhook can refuse it."""
    bad = {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "ServiceIntentions",
        "metadata": {"name": "meshctl-check"},
        "spec": {
            "destination": {"name": "meshctl-check"},
            "sources": [{"name": "meshctl-check", "permissions": [{"action": "allow", "http": {"pathRegex": "(["}}]}],
        },
    }
    try:
        context.cluster.create(f"{MESH_API}/namespaces/default/serviceintentions", bad, dry_run=True)
    except ApiError as error:
        if WEBHOOK_REFUSAL in str(error):
            return Finding()
        raise CheckFailed(f"refused, but not by the mesh's webhook: {error}") from error
    raise CheckFailed("an intention with a broken regular expression was accepted")


WEBHOOK_REFUSAL = "denied the request"

CATEGORY = Category(
    "webhooks",
    "Webhooks",
    (
        Check(
            name="injection",
            description="a new pod gets its sidecar",
            hint="kubectl get mutatingwebhookconfiguration heddle -o yaml, and the control plane's log",
            run=injects,
            retry_seconds=20,
        ),
        Check(
            name="validation",
            description="a bad object is refused with its reason",
            hint="kubectl get validatingwebhookconfiguration heddle -o yaml, and the control plane's log",
            run=validates,
            retry_seconds=20,
        ),
    ),
)

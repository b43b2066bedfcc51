"""Is this a cluster that the mesh can live in?"""

from __future__ import annotations

from meshctl.checks import Category, Check, CheckFailed, Context, Finding, Warned
from meshctl.names import GATEWAY_API, GROUP, SUPPORTED_MINORS

NEEDED_RIGHTS = (
    ("create", "", "namespaces"),
    ("create", "", "secrets"),
    ("create", "apps", "deployments"),
    ("create", "rbac.authorization.k8s.io", "clusterroles"),
    ("create", "rbac.authorization.k8s.io", "clusterrolebindings"),
    ("create", "admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
    ("create", "apiextensions.k8s.io", "customresourcedefinitions"),
)


def reachable(context: Context) -> Finding:
    version = context.cluster.get("/version")
    return Finding(f"{context.cluster.host}, {version['gitVersion']}", {"version": version["gitVersion"]})


def supported(context: Context) -> Finding:
    version = context.cluster.get("/version")
    text, minor = version["gitVersion"], int("".join(filter(str.isdigit, version["minor"])) or 0)
    if version["major"] != "1" or minor < SUPPORTED_MINORS.start:
        raise CheckFailed(f"{text}: the mesh needs native sidecars, Kubernetes 1.{SUPPORTED_MINORS.start} or newer")
    if minor not in SUPPORTED_MINORS:
        raise Warned(f"{text} is newer than what this version was tried on (1.{SUPPORTED_MINORS.stop - 1})")
    return Finding(text)


def gateway_api(context: Context) -> Finding:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/httproutes.gateway.networking.k8s.io"
    found = context.cluster.find(path)
    if found is None:
        raise CheckFailed("the definition httproutes.gateway.networking.k8s.io is missing")
    served = [version["name"] for version in found["spec"]["versions"] if version["served"]]
    if GATEWAY_API.rpartition("/")[2] not in served:
        raise CheckFailed(f"HTTPRoute is served as {', '.join(served)}, v1 is needed")
    annotations = found["metadata"].get("annotations", {})
    return Finding(annotations.get("gateway.networking.k8s.io/bundle-version", ""))


def rights(context: Context) -> Finding:
    missing = [
        f"{verb} {resource}{'.' + group if group else ''}"
        for verb, group, resource in NEEDED_RIGHTS
        if not context.cluster.allowed(verb, group, resource)
    ]
    if missing:
        raise CheckFailed(f"the kubeconfig's user may not: {', '.join(missing)}")
    return Finding()


def nodes(context: Context) -> Finding:
    found = context.cluster.items("/api/v1/nodes")
    unready = [
        node["metadata"]["name"]
        for node in found
        if not any(one["type"] == "Ready" and one["status"] == "True" for one in node["status"].get("conditions", []))
    ]
    if unready:
        raise CheckFailed(f"{len(unready)} of {len(found)} not ready: {', '.join(unready[:5])}")
    return Finding(f"{len(found)}")


def definitions(context: Context) -> Finding:
    wanted = {"servicesubsets", "serviceintentions", "trafficpolicies", "meshconfigs"}
    listed = context.cluster.find(f"/apis/{GROUP}/v1alpha1") or {"resources": []}
    missing = wanted - {resource["name"] for resource in listed["resources"]}
    if missing:
        raise CheckFailed(f"missing in {GROUP}/v1alpha1: {', '.join(sorted(missing))}")
    return Finding()


REACHABLE = Check(
    name="api-server",
    description="the API server answers",
    hint="look at --kubeconfig and --context: kubectl cluster-info",
    run=reachable,
    needed_by_all=True,
)
SUPPORTED = Check(
    name="kubernetes-version",
    description="Kubernetes is of a supported version",
    hint=f"use a cluster between 1.{SUPPORTED_MINORS.start} and 1.{SUPPORTED_MINORS.stop - 1}",
    run=supported,
    fatal=True,
)
GATEWAY = Check(
    name="gateway-api",
    description="the Gateway API is installed",
    hint="install its standard channel: ansible-playbook playbooks/cluster.yml, or the manifests of its release",
    run=gateway_api,
)
NODES = Check(name="nodes", description="all nodes are ready", hint="kubectl describe node NAME", run=nodes)
RIGHTS = Check(
    name="rights",
    description="you may install cluster-wide objects",
    hint="ask for cluster-admin, or let a cluster administrator run meshctl install",
    run=rights,
)
DEFINITIONS = Check(
    name="definitions",
    description="the mesh's own kinds are installed",
    hint="meshctl install (it installs them first)",
    run=definitions,
)
CATEGORY = Category("kubernetes", "Kubernetes", (REACHABLE, SUPPORTED, NODES, GATEWAY, DEFINITIONS))
PREFLIGHT = Category("preflight", "Before the installation", (REACHABLE, SUPPORTED, GATEWAY, RIGHTS))

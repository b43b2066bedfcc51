"""Who may call a workload: the ServiceIntentions of its Services, in order of precedence."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.index.membership import default_action, identity_of, service_account_id
from control_plane.index.store import Index
from control_plane.kinds.caller import Caller
from control_plane.kinds.pod import Pod
from control_plane.kinds.service_intentions import (
    HttpPermission,
    IntentionPermission,
    IntentionSource,
    ServiceIntentions,
)
from mesh_policy.authorization import IntentionCandidate, order
from mesh_policy.snapshot import (
    Authorization,
    HeaderPresence,
    HttpPermissionMatch,
    Intention,
    Permission,
    SourceMatch,
)


def authorization(index: Index, pod: Pod) -> Authorization:
    """What the pod's sidecar decides by."""
    namespace = pod.metadata.namespace
    services = {service.metadata.name for service in index.services_of(pod)}
    candidates: list[IntentionCandidate] = []
    for obj in index.intentions(namespace):
        if obj.spec.destination.name == "*" or obj.spec.destination.name in services:
            candidates += _candidates(index, obj)
    shut = tuple(
        Intention(name=f"{namespace}/{obj.metadata.name}", source=SourceMatch(), source_name="*", action="deny")
        for obj in index.broken_intentions(namespace)
    )
    return Authorization(default=default_action(index, namespace), intentions=(*shut, *order(candidates)))


def _candidates(index: Index, obj: ServiceIntentions) -> Iterator[IntentionCandidate]:
    home = obj.metadata.namespace
    for source in obj.spec.sources:
        intention = Intention(
            name=f"{home}/{obj.metadata.name}",
            source=source_match(index, home, source),
            source_name=_source_name(home, source),
            action=source.action,
            permissions=tuple(_permission(permission) for permission in source.permissions),
        )
        yield IntentionCandidate(intention, obj.spec.destination.name != "*", _rank(source))


def _rank(source: IntentionSource) -> int:
    """A name goes before everybody of a namespace, and that before everybody."""
    if source.name != "*":
        return 0
    return 2 if source.namespace == "*" else 1


def source_match(index: Index, home: str, source: Caller) -> SourceMatch:
    """A caller that an object of the namespace `home` names, by the identities that it may have."""
    namespace = source.namespace or home
    if source.name == "*":
        return SourceMatch() if namespace == "*" else SourceMatch(namespace=namespace)
    if source.service_account is not None:
        return SourceMatch(identities=_account_identities(index, namespace, source.service_account))
    return SourceMatch(identities=service_identities(index, namespace, source.name or ""))


def service_identities(index: Index, namespace: str, name: str) -> tuple[str, ...]:
    """The identities of a Service's pods (`namespace` `*`: of every Service of that name). Empty: nobody."""

    def found() -> tuple[str, ...]:
        services = (one for one in index.services_named(name) if namespace in {"*", one.metadata.namespace})
        return tuple(sorted({identity_of(index, pod) for service in services for pod in index.pods_of(service)}))

    return index.once(("identities of a Service", namespace, name), found)


def _account_identities(index: Index, namespace: str, name: str) -> tuple[str, ...]:
    """The identities of a ServiceAccount (`namespace` `*`: in every namespace)."""
    if namespace != "*":
        return (service_account_id(index, namespace, name),)
    return index.once(
        ("identities of a ServiceAccount", name),
        lambda: tuple(service_account_id(index, obj.metadata.name, name) for obj in index.every("Namespace")),
    )


def _source_name(home: str, source: IntentionSource) -> str:
    name = source.name or f"serviceaccount {source.service_account}"
    return name if source.namespace in {None, home} else f"{source.namespace}/{name}"


def _permission(permission: IntentionPermission) -> Permission:
    return Permission(action=permission.action, http=_http(permission.http or HttpPermission()))


def _http(http: HttpPermission) -> HttpPermissionMatch:
    headers = tuple(
        HeaderPresence(
            name=test.name.lower(),
            present=test.present,
            exact=test.exact,
            prefix=test.prefix,
            suffix=test.suffix,
            regex=test.regex,
            invert=test.invert,
        )
        for test in http.header
    )
    return HttpPermissionMatch(
        path_exact=http.path_exact,
        path_prefix=http.path_prefix,
        path_regex=http.path_regex,
        methods=http.methods,
        headers=headers,
    )

"""The objects of the cluster and the ways to find them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar

from control_plane.index.affected import affected
from control_plane.kinds.endpoint_slice import EndpointSlice
from control_plane.kinds.mesh_config import DEFAULT, NAME, MeshConfig
from control_plane.kinds.meta import Object, Ref, same_meaning
from control_plane.kinds.pod import Pod
from control_plane.kinds.registry import KINDS, violations
from control_plane.kinds.route import AnyRoute
from control_plane.kinds.routes import ROUTES, acts_shut
from control_plane.kinds.service import Service
from control_plane.kinds.service_intentions import ServiceIntentions
from control_plane.kinds.service_subset import ServiceSubset
from control_plane.kinds.traffic_policy import TrafficPolicy
from control_plane.kinds.x_backend_traffic_policy import BackendTrafficPolicy
from mesh_policy.errors import Violation

Key = tuple[str, str]
"""Namespace and name."""
T = TypeVar("T", bound=Object)


class Index:
    """All objects by kind, namespace and name.

    `revision` grows with every change that means something to the mesh; what is computed from an index
    holds for one revision.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._objects: dict[str, dict[Key, Object]] = {kind: {} for kind in KINDS}
        self._problems: dict[Ref, tuple[Violation, ...]] = {}
        self._shut: set[Ref] = set()
        """Routes that act in spite of their problems: some of their rules refuse what they match."""
        self._slices: dict[Key, dict[Key, EndpointSlice]] = {}
        self._pods: dict[str, dict[str, Pod]] = {}
        self._pod_of_ip: dict[str, Key] = {}
        self._meshed: dict[str | None, set[Key]] = {}
        """Living pods with a sidecar, by namespace and (None) all."""
        self._frozen: dict[str | None, frozenset[Key]] = {}
        """The same as it is given away, until a pod comes or goes."""
        self._mesh = DEFAULT
        self._lists: dict[str, dict[str | None, tuple[Object, ...]]] = {}
        """By kind and namespace, in order; of a kind that has changed nothing is kept."""
        self._once: dict[Hashable, Any] = {}

    # --- changes -----------------------------------------------------------------------------------------------------

    def apply(self, kind: str, obj: Object) -> frozenset[Key]:
        """Take an object in, new or changed. Returns the meshed pods whose configuration may change."""
        before = self._objects[kind].get(obj.key)
        if before is not None and same_meaning(before, obj):
            self._objects[kind][obj.key] = obj
            self._lists.pop(kind, None)
            return frozenset()
        ref = Ref(kind, *obj.key)
        hit = affected(self, kind, before) if before is not None else frozenset()
        self._forget(kind, before)
        self._lists.pop(kind, None)
        self._objects[kind][obj.key] = obj
        self._problems[ref] = _judged(kind, obj)
        self._shut.discard(ref)
        if self._problems[ref] and isinstance(obj, AnyRoute) and _acts_shut(obj):
            self._shut.add(ref)
        self._remember(kind, obj)
        self._advance()
        return hit | affected(self, kind, obj)

    def delete(self, ref: Ref) -> frozenset[Key]:
        """Forget an object. Returns the meshed pods whose configuration may change."""
        before = self._objects[ref.kind].get((ref.namespace, ref.name))
        if before is None:
            return frozenset()
        hit = affected(self, ref.kind, before)
        self._forget(ref.kind, before)
        self._lists.pop(ref.kind, None)
        del self._objects[ref.kind][ref.namespace, ref.name]
        self._problems.pop(ref, None)
        self._shut.discard(ref)
        self._advance()
        return hit | affected(self, ref.kind, before)

    def _advance(self) -> None:
        self.revision += 1
        self._once.clear()

    def _remember(self, kind: str, obj: Object) -> None:
        match obj:
            case EndpointSlice() if obj.service is not None:
                self._slices.setdefault(obj.service, {})[obj.key] = obj
            case Pod():
                self._pods.setdefault(obj.metadata.namespace, {})[obj.metadata.name] = obj
                if obj.status.pod_ip and not obj.spec.host_network and not obj.has_ended:
                    self._pod_of_ip[obj.status.pod_ip] = obj.key
                if obj.is_meshed and not obj.has_ended:
                    for space in (None, obj.metadata.namespace):
                        self._meshed.setdefault(space, set()).add(obj.key)
                        self._frozen.pop(space, None)
            case MeshConfig() if obj.metadata.name == NAME and not self._problems[Ref(kind, *obj.key)]:
                self._mesh = obj
            case _:
                pass

    def _forget(self, kind: str, obj: Object | None) -> None:
        match obj:
            case EndpointSlice() if obj.service is not None:
                slices = self._slices.get(obj.service, {})
                slices.pop(obj.key, None)
                if not slices:
                    self._slices.pop(obj.service, None)
            case Pod():
                self._pods.get(obj.metadata.namespace, {}).pop(obj.metadata.name, None)
                if self._pod_of_ip.get(obj.status.pod_ip) == obj.key:
                    del self._pod_of_ip[obj.status.pod_ip]
                for space in (None, obj.metadata.namespace):
                    self._meshed.get(space, set()).discard(obj.key)
                    self._frozen.pop(space, None)
            case _:
                pass

    # --- questions ---------------------------------------------------------------------------------------------------

    def once[V](self, key: Hashable, compute: Callable[[], V]) -> V:
        """What is computed from the index and asked for again and again, once for each revision. `key` names it, and
        whatever it depends on. Of objects in it resourceVersion and status may be older than the index has them."""
        if key not in self._once:
            self._once[key] = compute()
        found: V = self._once[key]
        return found

    def problems(self, kind: str, obj: Object) -> tuple[Violation, ...]:
        """What is wrong with an object by itself, found when it came in. Not empty: it is not compiled."""
        return self._problems.get(Ref(kind, *obj.key), ())

    def find(self, ref: Ref) -> Object | None:
        """Any object, a broken one included."""
        return self._objects[ref.kind].get((ref.namespace, ref.name))

    def every(self, kind: str) -> tuple[Object, ...]:
        """All objects of a kind, broken ones included, by namespace and name."""
        return self._list(kind, None)

    def _list(self, kind: str, namespace: str | None) -> tuple[Object, ...]:
        lists = self._lists.get(kind)
        if lists is None:
            found = self._objects[kind]
            ordered = [found[key] for key in sorted(found)]
            spaces: dict[str | None, list[Object]] = {None: ordered}
            for obj in ordered:
                spaces.setdefault(obj.metadata.namespace, []).append(obj)
            lists = self._lists[kind] = {space: tuple(objects) for space, objects in spaces.items()}
        return lists.get(namespace, ())

    @property
    def mesh(self) -> MeshConfig:
        """The MeshConfig that holds: a broken change of it leaves the last good one in force."""
        return self._mesh if (("", NAME)) in self._objects["MeshConfig"] else DEFAULT

    def namespace_labels(self, name: str) -> dict[str, str]:
        found = self._objects["Namespace"].get(("", name))
        return found.metadata.labels if found else {}

    def services(self, namespace: str | None = None) -> tuple[Service, ...]:
        """The Services that the mesh can reach, of a namespace or all, by namespace and name."""
        every = self._list("Service", namespace)
        return tuple(s for s in every if isinstance(s, Service) and not s.is_external_name)

    def services_named(self, name: str) -> tuple[Service, ...]:
        """The Services of that name in all namespaces."""
        return self.once("services by name", self._by_name).get(name, ())

    def _by_name(self) -> dict[str, tuple[Service, ...]]:
        found: dict[str, list[Service]] = {}
        for service in self.services():
            found.setdefault(service.metadata.name, []).append(service)
        return {name: tuple(services) for name, services in found.items()}

    def service(self, namespace: str, name: str) -> Service | None:
        return self._typed("Service", Service, namespace, name)

    def slices(self, namespace: str, service: str) -> tuple[EndpointSlice, ...]:
        found = self._slices.get((namespace, service), {})
        return tuple(found[key] for key in sorted(found))

    def pod(self, namespace: str, name: str) -> Pod | None:
        return self._pods.get(namespace, {}).get(name)

    def pods(self, namespace: str | None = None) -> Iterator[Pod]:
        """Pods of a namespace, or all."""
        if namespace is not None:
            yield from self._pods.get(namespace, {}).values()
            return
        for pods in self._pods.values():
            yield from pods.values()

    def meshed(self, namespace: str | None = None) -> frozenset[Key]:
        """The living pods with a sidecar, of a namespace or all: asked for with every change of the cluster."""
        if namespace not in self._frozen:
            self._frozen[namespace] = frozenset(self._meshed.get(namespace, ()))
        return self._frozen[namespace]

    def pod_at(self, ip: str) -> Pod | None:
        """The living pod that has an address of its own."""
        key = self._pod_of_ip.get(ip)
        return self.pod(*key) if key else None

    def pods_of(self, service: Service) -> tuple[Pod, ...]:
        """The pods behind a Service, ready or not: those its selector names, else those its endpoints stand for."""
        return self.once(("pods of a Service", service.key), lambda: self._behind(service))

    def _behind(self, service: Service) -> tuple[Pod, ...]:
        namespace = service.metadata.namespace
        if service.spec.selector:
            wanted = service.spec.selector.items()
            return tuple(p for p in self.pods(namespace) if not p.has_ended and wanted <= p.metadata.labels.items())
        targets = (
            endpoint.target_ref
            for part in self.slices(namespace, service.metadata.name)
            for endpoint in part.endpoints or ()
        )
        # Pods of other namespaces are none of its own, whatever its endpoints claim: intentions go by this.
        own = (ref for ref in targets if ref and ref.kind == "Pod" and ref.namespace in {"", namespace})
        found = (self.pod(namespace, ref.name) for ref in own)
        return tuple(pod for pod in found if pod is not None)

    def services_of(self, pod: Pod) -> tuple[Service, ...]:
        """The Services of the pod's namespace whose selector names it."""
        labels = pod.metadata.labels.items()
        return tuple(
            service
            for service in self.services(pod.metadata.namespace)
            if service.spec.selector and service.spec.selector.items() <= labels
        )

    def routes(self) -> tuple[AnyRoute, ...]:
        """Routes of all kinds that act: they are valid, or shut in part (control_plane.kinds.routes), and have a
        Service as parent; kinds that win before those that lose to them."""
        return self.once("routes", self._list_routes)

    def _list_routes(self) -> tuple[AnyRoute, ...]:
        every = (one for kind in ROUTES for one in self._list(kind, None))
        return tuple(one for one in every if isinstance(one, AnyRoute) and one.is_ours and self._acts(one))

    def _acts(self, route: AnyRoute) -> bool:
        ref = Ref(route.kind, *route.key)
        return not self._problems.get(ref) or ref in self._shut

    def subset(self, namespace: str, name: str) -> ServiceSubset | None:
        found = self._typed("ServiceSubset", ServiceSubset, namespace, name)
        return None if found is None or self.problems("ServiceSubset", found) else found

    def policies(self) -> tuple[TrafficPolicy, ...]:
        return self._valid("TrafficPolicy", TrafficPolicy)

    def backend_policies(self) -> tuple[BackendTrafficPolicy, ...]:
        """Valid policies of the Gateway API for Services."""
        return tuple(one for one in self._valid("XBackendTrafficPolicy", BackendTrafficPolicy) if one.services)

    def intentions(self, namespace: str) -> tuple[ServiceIntentions, ...]:
        """Valid intentions of a namespace."""
        return self._valid("ServiceIntentions", ServiceIntentions, namespace)

    def broken_intentions(self, namespace: str) -> tuple[Object, ...]:
        """Intentions of a namespace that cannot be used: what they protect must stay shut."""
        every = self._list("ServiceIntentions", namespace)
        return tuple(obj for obj in every if self.problems("ServiceIntentions", obj))

    def _typed(self, kind: str, struct: type[T], namespace: str, name: str) -> T | None:
        found = self._objects[kind].get((namespace, name))
        return found if isinstance(found, struct) else None

    def _valid(self, kind: str, struct: type[T], namespace: str | None = None) -> tuple[T, ...]:
        every = self._list(kind, namespace)
        return tuple(obj for obj in every if isinstance(obj, struct) and not self.problems(kind, obj))


def _acts_shut(route: AnyRoute) -> bool:
    try:
        return acts_shut(route)
    except Exception:  # a fault of ours, as in _judged
        return False


def _judged(kind: str, obj: Object) -> tuple[Violation, ...]:
    try:
        beyond = KINDS[kind].unsupported(obj) if isinstance(obj, KINDS[kind].struct) else ()
        return (*violations(kind, obj), *beyond)
    except Exception as error:  # a fault of ours: the object is as an invalid one (ADR 0005), never as a good one
        return (Violation("", f"cannot be judged ({type(error).__name__}): a fault of the mesh, please report it"),)

"""Who may call a workload."""

from __future__ import annotations

from typing import Any

from control_plane.compile.authorization import authorization
from control_plane.index.store import Index
from control_plane.kinds.pod import Pod
from control_plane.kinds.service import Service
from mesh_policy.snapshot import Authorization, SourceMatch
from tests.support.cluster import SHOP, a_mesh_config, a_namespace, a_pod, a_service, a_slice, an_index, intentions, put

ALLOW, DENY = {"action": "allow"}, {"action": "deny"}


def compiled(index: Index, pod: str = "api-1") -> Authorization:
    found = index.pod("shop", pod)
    assert found is not None
    return authorization(index, found)


def said(index: Index, pod: str = "api-1") -> list[tuple[str, str, str | None]]:
    return [(one.name, one.source_name, one.action) for one in compiled(index, pod).intentions]


def the_source(source: dict[str, Any], *more: dict[str, Any]) -> SourceMatch:
    (one,) = compiled(an_index(*SHOP, *more, intentions("i", "api", {**source, **ALLOW}))).intentions
    return one.source


def identity(namespace: str, account: str) -> str:
    return f"spiffe://cluster.local/ns/{namespace}/sa/{account}"


def test_a_service_stands_for_the_accounts_of_its_pods() -> None:
    assert the_source({"name": "web"}) == SourceMatch(identities=(identity("shop", "web"),))


def test_a_service_without_pods_or_that_does_not_exist_is_nobody() -> None:
    assert the_source({"name": "gone"}) == SourceMatch(identities=())


def test_a_service_account_is_itself() -> None:
    assert the_source({"serviceAccount": "ops", "namespace": "tools"}) == SourceMatch(
        identities=(identity("tools", "ops"),)
    )


def test_everybody_of_a_namespace_and_everybody() -> None:
    assert the_source({"name": "*"}) == SourceMatch(namespace="shop")
    assert the_source({"name": "*", "namespace": "tools"}) == SourceMatch(namespace="tools")
    assert the_source({"name": "*", "namespace": "*"}) == SourceMatch()


def test_a_service_of_any_namespace() -> None:
    more = (
        a_namespace("tools"),
        a_service("web", "10.96.2.1", namespace="tools"),
        a_pod("web-9", "10.0.9.9", namespace="tools", account="other"),
    )
    assert the_source({"name": "web", "namespace": "*"}, *more) == SourceMatch(
        identities=(identity("shop", "web"), identity("tools", "other"))
    )
    assert the_source({"serviceAccount": "ops", "namespace": "*"}, *more) == SourceMatch(
        identities=(identity("shop", "ops"), identity("tools", "ops"))
    )


def test_only_intentions_for_its_services_reach_a_pod() -> None:
    index = an_index(
        *SHOP, intentions("a", "api", {"name": "web", **ALLOW}), intentions("w", "web", {"name": "api", **DENY})
    )
    assert said(index, "api-1") == [("shop/a", "web", "allow")]
    assert said(index, "web-1") == [("shop/w", "api", "deny")]


def test_intentions_of_another_namespace_never_reach_a_pod() -> None:
    index = an_index(*SHOP, intentions("a", "api", {"name": "*", "namespace": "*", **ALLOW}, namespace="evil"))
    assert said(index) == []


def test_precedence() -> None:
    index = an_index(
        *SHOP,
        intentions("every", "*", {"name": "web", **DENY}),
        intentions("exact", "api", {"name": "*", **ALLOW}, {"name": "web", **ALLOW}, {"name": "api", **DENY}),
    )
    assert said(index) == [
        ("shop/exact", "api", "deny"),
        ("shop/exact", "web", "allow"),
        ("shop/exact", "*", "allow"),
        ("shop/every", "web", "deny"),
    ]


def test_broken_intentions_keep_their_namespace_shut() -> None:
    index = an_index(*SHOP, intentions("a", "api", {"name": "web", **ALLOW}))
    put(index, intentions("broken", "web"))
    first = compiled(index).intentions[0]
    assert (first.name, first.action, first.source) == ("shop/broken", "deny", SourceMatch())


def test_the_default_is_the_namespaces_else_the_meshs() -> None:
    assert compiled(an_index(*SHOP)).default == "Deny"
    assert compiled(an_index(*SHOP, a_mesh_config(authorization={"default": "Audit"}))).default == "Audit"
    assert compiled(an_index(*SHOP, a_namespace("shop", authorization="Allow"))).default == "Allow"


def test_permissions_are_compiled() -> None:
    http = {"pathPrefix": "/v1", "methods": ["GET"], "header": [{"name": "X-Tenant", "exact": "a", "invert": True}]}
    source = {"name": "web", "permissions": [{"action": "deny"}, {"action": "allow", "http": http}]}
    (one,) = compiled(an_index(*SHOP, intentions("i", "api", source))).intentions
    assert one.action is None
    first, second = one.permissions
    assert (first.action, first.http.path_prefix) == ("deny", None)
    assert (second.http.path_prefix, second.http.methods) == ("/v1", ("GET",))
    (header,) = second.http.headers
    assert (header.name, header.exact, header.invert) == ("x-tenant", "a", True)


class Counting(Index):
    """How often the pods of a Service were looked for: each time all pods of a namespace are gone through."""

    searches = 0

    def pods_of(self, service: Service) -> tuple[Pod, ...]:
        self.searches += 1
        return super().pods_of(service)


def test_the_pods_of_a_named_caller_are_looked_for_once() -> None:
    """A hundred intentions of 256 sources took nine seconds for each pod, and everybody else waited meanwhile."""
    index = Counting()
    sources = [{"name": "web", "namespace": "*", **ALLOW}] * 20
    put(index, *SHOP, *(intentions(f"i{i}", "*", *sources) for i in range(5)))
    for pod in ("api-1", "api-2", "web-1"):
        assert len(compiled(index, pod).intentions) == 100
    assert index.searches == 1
    put(index, a_pod("web-2", "10.0.0.7", account="other"))
    assert compiled(index).intentions[0].source.identities == (identity("shop", "other"), identity("shop", "web"))


def test_a_service_does_not_stand_for_pods_of_other_namespaces() -> None:
    """Else who may write endpoints in `loud` could put others under a denial of its own Service, or an allowance."""
    victim = a_pod("good-1", "10.0.5.1", namespace="good", account="good")
    mine = a_pod("loud-1", "10.0.5.2", namespace="loud", account="loud")
    service = a_service("bare", "10.96.5.1", namespace="loud", selector=None)
    part = a_slice("bare", victim, mine, namespace="loud")
    source = the_source({"name": "bare", "namespace": "loud"}, victim, mine, service, part)
    assert source.identities == (identity("loud", "loud"),)

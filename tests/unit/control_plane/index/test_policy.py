"""Which TrafficPolicy holds where."""

from __future__ import annotations

from typing import Any

from control_plane.index.policy import PolicyTable, Scope
from tests.support.cluster import SLOW, a_namespace, a_policy, a_route, a_service, an_index

SERVICE = {"group": "", "kind": "Service", "name": "api"}
ROUTE = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "r"}


def table(*policies: dict[str, Any], chaos: str = "allowed") -> PolicyTable:
    base = (
        a_namespace("shop", chaos=chaos),
        a_service("api", "10.96.0.1", {"name": "http", "port": 80}),
        a_route("r", "api", {"name": "one"}),
    )
    return PolicyTable(an_index(*base, *policies))


def holder(found: PolicyTable, *scopes: Scope) -> str | None:
    policy = found.holder("faults", scopes)
    return policy.metadata.name if policy else None


def test_faults_need_the_consent_of_the_namespace() -> None:
    found = table(a_policy("p", SLOW, targets=[SERVICE]), chaos="no")
    (refusal,) = found.refusals["shop", "p"]
    assert refusal.reason == "ChaosNotAllowed"
    assert "mesh.heddle.dev/chaos=allowed" in refusal.message
    assert holder(found, Scope("Service", "shop", "api")) is None


def test_the_oldest_of_two_wins_and_the_other_is_told() -> None:
    old = a_policy("z-old", SLOW, targets=[SERVICE], created="2026-01-01T00:00:00Z")
    new = a_policy("a-new", SLOW, targets=[SERVICE], created="2026-02-01T00:00:00Z")
    found = table(new, old)
    assert holder(found, Scope("Service", "shop", "api")) == "z-old"
    (refusal,) = found.refusals["shop", "a-new"]
    assert refusal.reason == "Conflicted"
    assert "z-old" in refusal.message


def test_a_refused_policy_takes_part_in_no_conflict() -> None:
    lost = a_policy("a", SLOW, targets=[{**SERVICE, "name": "gone"}], created="2026-01-01T00:00:00Z")
    found = table(lost, a_policy("b", SLOW, targets=[SERVICE]))
    assert found.refusals["shop", "a"][0].reason == "TargetNotFound"
    assert ("shop", "b") not in found.refusals


def test_sections_are_rules_and_ports() -> None:
    found = table(
        a_policy("rule", SLOW, targets=[{**ROUTE, "sectionName": "one"}]),
        a_policy("port", SLOW, targets=[{**SERVICE, "sectionName": "http"}]),
        a_policy("lost", SLOW, targets=[{**ROUTE, "sectionName": "two"}, {**SERVICE, "sectionName": "grpc"}]),
    )
    assert holder(found, Scope("HTTPRoute", "shop", "r", "one")) == "rule"
    assert holder(found, Scope("Service", "shop", "api", "http")) == "port"
    assert [refusal.reason for refusal in found.refusals["shop", "lost"]] == ["TargetNotFound", "TargetNotFound"]


def test_the_nearest_scope_counts() -> None:
    found = table(a_policy("default", SLOW, targets=[]), a_policy("svc", SLOW, targets=[SERVICE]))
    near, far = Scope("Service", "shop", "api"), Scope("Namespace", "", "shop")
    assert holder(found, near, far) == "svc"
    assert holder(found, Scope("Service", "shop", "web"), far) == "default"


def test_each_field_is_inherited_by_itself() -> None:
    found = table(
        a_policy("default", targets=[], retry={"attempts": 1}, timeouts={"request": "1s"}),
        a_policy("svc", targets=[SERVICE], retry={"attempts": 2}),
    )
    near, far = Scope("Service", "shop", "api"), Scope("Namespace", "", "shop")
    retry, timeouts = found.behaviour("retry", (near, far)).retry, found.behaviour("timeouts", (near, far)).timeouts
    assert retry is not None and retry.attempts == 2
    assert timeouts is not None and timeouts.request == "1s"
    assert found.behaviour("circuit", (near, far)).circuit is None


def test_two_policies_share_a_target_field_by_field() -> None:
    old = a_policy("old", targets=[SERVICE], retry={}, created="2026-01-01T00:00:00Z")
    new = a_policy("new", targets=[SERVICE], retry={}, circuit={}, created="2026-02-01T00:00:00Z")
    index_table = table(new, old)
    (refusal,) = index_table.refusals["shop", "new"]
    assert refusal.message.startswith("spec.retry: Service shop/api already has it from the older 'old'")
    scope = (Scope("Service", "shop", "api"),)
    holders = [policy.metadata.name for field in ("retry", "circuit") if (policy := index_table.holder(field, scope))]
    assert holders == ["old", "new"]


def test_without_consent_the_rest_of_a_policy_acts() -> None:
    found = table(a_policy("p", SLOW, targets=[SERVICE], retry={}), chaos="no")
    (refusal,) = found.refusals["shop", "p"]
    assert refusal.reason == "ChaosNotAllowed"
    scope = (Scope("Service", "shop", "api"),)
    assert found.holder("retry", scope) is not None
    assert found.holder("faults", scope) is None


def test_what_says_nothing_to_its_target_does_not_act() -> None:
    database = a_service("db", "10.96.0.2", {"name": "tcp", "port": 5432})
    target = {**SERVICE, "name": "db"}
    found = PolicyTable(
        an_index(database, a_policy("p", targets=[target], rateLimit={"requests": 1}, circuit={"maxConnections": 1}))
    )
    (refusal,) = found.refusals["shop", "p"]
    assert (refusal.reason, refusal.message[:16]) == ("NoEffect", "spec.rateLimit: ")
    scope = (Scope("Service", "shop", "db"),)
    for timeouts, refused in (({"request": "1s"}, True), ({"request": "1s", "idle": "1s"}, False)):
        table_of = PolicyTable(an_index(database, a_policy("p", targets=[target], timeouts=timeouts)))
        assert (("shop", "p") in table_of.refusals) is refused
    assert found.holder("circuit", scope) is not None
    assert found.holder("rateLimit", scope) is None


def test_services_alone_have_endpoints_and_one_budget_for_all_ports() -> None:
    found = table(
        a_policy("p", targets=[ROUTE, SERVICE], circuit={"maxRequests": 1}),
        a_policy("q", targets=[{**SERVICE, "sectionName": "http"}], retryBudget={"percent": 1}),
    )
    assert [refusal.message for refusal in found.refusals["shop", "p"]] == [
        "spec.circuit: acts on Services, and HTTPRoute r is none"
    ]
    assert found.holder("circuit", (Scope("Service", "shop", "api"),)) is not None
    assert "share one" in found.refusals["shop", "q"][0].message
    assert found.holder("retryBudget", (Scope("Service", "shop", "api", "http"),)) is None

"""Which XBackendTrafficPolicy holds for a Service."""

from __future__ import annotations

from typing import Any

from control_plane.index.backend_policy import BackendPolicyTable
from tests.support.cluster import SHOP, a_backend_policy, a_service, an_index
from tests.support.policies import api


def holder(*policies: dict[str, Any]) -> str | None:
    index = an_index(*SHOP, *policies)
    found = BackendPolicyTable(index).of(api(index))
    return None if found is None else found.metadata.name


def test_the_oldest_that_is_valid_holds() -> None:
    old, new = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    broken = {"retryConstraint": {"budget": {"percent": 101}}}
    assert holder() is None
    assert holder(a_backend_policy("a", "api", created=new), a_backend_policy("b", "web", "api", created=old)) == "b"
    assert holder(a_backend_policy("a", "api", created=new), a_backend_policy("b", "api", created=old, **broken)) == "a"
    assert holder(a_backend_policy("a", "api", namespace="elsewhere")) is None


def test_sessions_do_not_contradict_an_affinity() -> None:
    policy = a_backend_policy("p", "api", sessionPersistence={"sessionName": "s"})
    for affinity, there in (("None", True), ("ClientIP", False)):
        index = an_index(*SHOP, policy, a_service("api", "10.96.0.10", sessionAffinity=affinity))
        assert (BackendPolicyTable(index).session_of(api(index)) is not None) is there

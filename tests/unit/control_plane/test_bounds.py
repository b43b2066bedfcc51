"""What admission lets in, every sidecar takes: at the ends of each range, with every field present or not. A value that
the control plane allows and a sidecar refuses would stop every change of the mesh."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.compile.workload import compile_workload
from control_plane.kinds.registry import decode, violations
from mesh_policy import wire
from tests.support.cluster import API_SERVICE, SHOP, a_backend_policy, a_mesh_config, a_policy, a_route, an_index, to

Json = dict[str, Any]


def some(required: dict[str, list[Any]] | None = None, **optional: list[Any]) -> st.SearchStrategy[Json]:
    """An object with some of the fields, each with one of its values."""
    needed = {name: st.sampled_from(values) for name, values in (required or {}).items()}
    return st.fixed_dictionaries(needed, optional={name: st.sampled_from(values) for name, values in optional.items()})


BEHAVIOUR: dict[str, st.SearchStrategy[Json]] = {
    "timeouts": some(request=["0s", "1ms", "24h"], backendRequest=["0s", "1ms", "24h"], idle=["0s", "1ms", "24h"]),
    "retry": some(
        attempts=[0, 1, 100],
        when=[["ConnectFailure"], ["4xx", "5xx"], ["400", "599", "Cancelled", "Unauthenticated", "Timeout", "Reset"]],
        backoff=[{"base": "0s", "max": "0s"}, {"base": "1ms", "max": "1h"}, {"base": "1h", "max": "1h"}],
        methods=["Idempotent", "All", ["GET"], ["CONNECT", "PATCH", "POST"]],
    ),
    "retryBudget": some(percent=[0, 0.5, 100], minPerSecond=[0, 0.1, 1_000_000], interval=["1s", "1h"]),
    "circuit": some(maxConnections=[1, 1_000_000], maxPending=[0, 1_000_000], maxRequests=[1, 1_000_000]),
    "outlier": some(
        consecutiveErrors=[0, 1, 1000],
        successRate=[{"below": 0}, {"below": 0.5, "minRequests": 1}, {"below": 100, "minRequests": 1_000_000}],
        interval=["1s", "1h"],
        baseEjection=["1s", "1h"],
        maxEjection=["1s", "24h"],
        maxEjected=[0, 0.5, 100],
        panic=[0, 0.5, 100],
    ),
    "loadBalancing": some(
        algorithm=["LeastRequest", "RoundRobin", "Random", "ConsistentHash"],
        hash=[{"header": "X-User"}, {"cookie": "User.1"}, {"address": True}],
        locality=["Any", "Prefer"],
        slowStart=["0s", "1ms", "1h"],
    ),
}
POLICY = BEHAVIOUR | {
    "rateLimit": some(
        {"requests": [1, 1_000_000]},
        per=["1s", "1m", "1h"],
        burst=[0, 1, 1_000_000],
        by=["Workload", "Caller", "Header"],
        header=["X-User", "x-tenant.id"],
    ),
}
POLICY["faults"] = st.lists(
    some(
        {"name": ["a"]},
        percent=[0, 0.001, 100],
        delay=[
            {"fixed": "1ms"},
            {"fixed": "1h"},
            {"uniform": {"min": "0s", "max": "1ms"}},
            {"uniform": {"min": "1h", "max": "1h"}},
            {"normal": {"mean": "0s", "deviation": "1h"}},
        ],
        abort=[{"httpStatus": 200}, {"httpStatus": 599}, {"grpcStatus": "Cancelled"}],
        bandwidth=[{"bytesPerSecond": 1}, {"bytesPerSecond": 1_073_741_824}],
        match=[
            {"headers": [{"name": "X-A", "value": "a+", "type": "RegularExpression"}]},
            {"callers": [{"name": "x"}]},
        ],
    ),
    max_size=1,
)
RULE = {
    "timeouts": some(request=["0s", "1ms", "24h"], backendRequest=["0s", "1ms", "24h"]),
    "retry": some(codes=[[], [400, 599]], attempts=[1, 100], backoff=["0s", "1ms", "1h"]),
    "sessionPersistence": some(
        sessionName=["a", "A" * 128],
        type=["Cookie", "Header"],
        absoluteTimeout=["0s", "1s", "8760h"],
        idleTimeout=["0s", "1s", "8760h"],
        cookieConfig=[{"lifetimeType": "Session"}, {"lifetimeType": "Permanent"}],
    ),
}

STANDARD = {
    "retryConstraint": some(
        budget=[{"percent": 0, "interval": "1s"}, {"percent": 100, "interval": "1h"}],
        minRetryRate=[{"count": 1, "interval": "1h"}, {"count": 1_000_000, "interval": "1ms"}],
    ),
    "sessionPersistence": RULE["sessionPersistence"],
}


def right(obj: Json) -> bool:
    return not violations(obj["kind"], decode(obj["kind"], json.dumps(obj).encode()))


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries({}, optional=BEHAVIOUR),
    st.fixed_dictionaries({}, optional=POLICY),
    st.none() | st.fixed_dictionaries({}, optional=RULE),
    st.fixed_dictionaries({}, optional=STANDARD),
)
def test_what_is_let_in_is_taken_by_sidecars(mesh: Json, policy: Json, rule: Json | None, standard: Json) -> None:
    objects = [a_mesh_config(**mesh), a_policy("p", targets=[API_SERVICE], **policy)]
    objects.append(a_backend_policy("b", "api", **standard))
    if rule is not None:
        objects.append(a_route("r", "api", {**rule, "backendRefs": [to("api")]}))
    index = an_index(*SHOP, *filter(right, objects))
    for pod in ("web-1", "api-1"):
        config = compile_workload(index, ("shop", pod))
        assert config is not None
        assert wire.decode(wire.encode(config)) == config

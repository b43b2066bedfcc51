"""Where requests go: endpoints, and how a backend is used."""

from __future__ import annotations

from typing import Annotated, Literal

from mesh_policy.snapshot.base import REFINES, Protocol, Struct


class Endpoint(Struct, frozen=True, kw_only=True):
    """One ready pod (or other address) behind a backend."""

    ip: str
    port: int
    identity: str | None = None
    """SPIFFE URI the peer must prove (mTLS). None: not in the mesh, dialled in plain."""
    zone: Annotated[str, REFINES] = ""
    node: Annotated[str, REFINES] = ""


class RetryBudget(Struct, frozen=True, kw_only=True):
    """How many retries a destination gets at most, from all routes of this sidecar together
    (mesh_policy.retry_budget)."""

    percent: float = 25.0
    """Retries per 100 original requests of the interval, 0 to 100."""
    min_per_second: float = 10.0
    """Retries that are always allowed, 0 to 1,000,000; so that a destination with few requests has any."""
    interval_seconds: float = 10.0
    """The window that slides, 1 to 3600."""
    over_status: int | None = None
    """What the client gets where a retry is refused by the budget, 400 to 599. None: the last answer. Gateway API,
    XBackendTrafficPolicy: 503."""


class Circuit(Struct, frozen=True, kw_only=True):
    """Limits of this sidecar for one backend. None: no limit of its own. What is beyond gets 503 `circuit-open`."""

    max_connections: int | None = None
    """Connections to all of the endpoints together, 1 or more. Each carries one request at a time, of HTTP/2 too."""
    max_pending: int | None = None
    """Requests that wait for a connection, 0 or more; 0: none waits."""
    max_requests: int | None = None
    """Requests under way, the waiting ones included, 1 or more."""


class Outlier(Struct, frozen=True, kw_only=True):
    """When an endpoint is left out for a while, as this sidecar sees it."""

    consecutive_errors: int = 5
    """Failed connections and 5xx in a row, 1 or more; 0: they do not count."""
    success_rate_below: float | None = None
    """Percent of the requests of an interval that went well; None: the rate does not count."""
    min_requests: int = 20
    """Requests that an endpoint must have had in the interval before its rate counts."""
    interval_seconds: float = 10.0
    base_ejection_seconds: float = 30.0
    """The first ejection; each one that follows soon is longer by as much."""
    max_ejection_seconds: float = 300.0
    max_ejected_percent: float = 50.0
    """Share of the endpoints that may be out at the same time; one may be always, where there are two or more."""
    panic_percent: float = 50.0
    """When fewer than this share of the endpoints are left in, all are used. 0: never."""


class HashOn(Struct, frozen=True, kw_only=True):
    """What of a request chooses its endpoint; exactly one is given."""

    header: str | None = None
    """In lower case. A request without it: any endpoint."""
    cookie: str | None = None
    address: bool = False
    """The client's."""


class Balance(Struct, frozen=True, kw_only=True):
    """Which endpoint of a backend gets a request."""

    algorithm: Literal["LeastRequest", "RoundRobin", "Random", "ConsistentHash"] = "LeastRequest"
    """`LeastRequest`: the less busy one of two that chance names."""
    hash_on: HashOn | None = None
    """For ConsistentHash, and only there."""
    prefer_zone: Annotated[bool, REFINES] = False
    """Endpoints of the caller's own zone as long as one is ready, then the others."""
    slow_start_seconds: Annotated[float, REFINES] = 0.0
    """A new endpoint's share grows for so long. 0: it has its whole share at once."""


class Backend(Struct, frozen=True, kw_only=True):
    """A set of endpoints that serve the same thing on one port."""

    name: str
    service: str = ""
    """`NAMESPACE/SERVICE`, the same for all its ports and subsets: what a retry budget is shared by. Empty: `name`."""
    protocol: Protocol = "detect"
    endpoints: tuple[Endpoint, ...] = ()
    """Only ready ones. Empty: requests get 503."""
    hostname: str | None = None
    """A host outside of the cluster, which the sidecar looks up and dials in plain on `external_port`; it then has no
    endpoints. Only copies of requests go there."""
    external_port: int = 0
    idle_seconds: float | None = None
    """Longest silence of a connection of bytes, above 0. None: an hour. Requests have `Timeouts.idle_seconds`."""
    retry_budget: RetryBudget = RetryBudget()
    circuit: Circuit | None = None
    outlier: Annotated[Outlier | None, REFINES] = None
    balance: Balance = Balance()


class PodAddress(Struct, frozen=True, kw_only=True):
    """A meshed pod that may be dialled by its own address, without a Service."""

    ip: str
    identity: str
    plain_ports: tuple[int, ...] = ()
    """Ports that the pod excludes from capture: dialled in plain."""

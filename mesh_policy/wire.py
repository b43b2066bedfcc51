"""WorkloadConfig to JSON and back: the one place that knows the wire. What does not decode is refused whole."""

from __future__ import annotations

import hashlib
import re

import msgspec

from mesh_policy import (
    authorization,
    balance,
    circuit,
    external_host,
    outlier,
    rate_limit,
    retry_budget,
    route,
    schema,
    tcp_route,
    timeouts,
)
from mesh_policy.errors import InvalidConfig, Violation
from mesh_policy.snapshot import WIRE_VERSION, Frontend, Rule, WorkloadConfig

MAX_SNAPSHOT_BYTES = 64 * 1024 * 1024
"""A snapshot above this is refused before it is parsed: 6,000 endpoints take about 1 MB."""

_VERSION = re.compile(r"sha256:[0-9a-f]{16}")
_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(WorkloadConfig)


class _Envelope(msgspec.Struct, rename="camel"):
    """The versions alone, read before anything else is believed."""

    wire_version: int
    version: str = ""


_envelope = msgspec.json.Decoder(_Envelope)


def stamp(config: WorkloadConfig) -> WorkloadConfig:
    """The same configuration with the version that its content has: equal content, equal version, on every replica."""
    unversioned = msgspec.structs.replace(config, version="")
    digest = hashlib.sha256(_encoder.encode(unversioned)).hexdigest()
    return msgspec.structs.replace(config, version=f"sha256:{digest[:16]}")


def encode(config: WorkloadConfig, unknown: frozenset[str] = frozenset()) -> bytes:
    """One line of JSON, without a newline. `unknown`: fields that the reader does not know (mesh_policy.schema)."""
    data = _encoder.encode(config)
    whole = schema.tables()["WorkloadConfig"] if unknown else ()
    absent = {one.wire for one in whole if one.key in unknown and getattr(config, one.name) == one.default}
    if not absent:
        return data
    parts = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    return _encoder.encode({name: part for name, part in parts.items() if name not in absent})


def version_of(data: bytes) -> str:
    """For an ack: the version that a snapshot says it has, also when it does not decode; else its hash."""
    try:
        said = _envelope.decode(data).version
    except msgspec.MsgspecError:
        said = ""
    return said if _VERSION.fullmatch(said) else f"sha256:{hashlib.sha256(data).hexdigest()[:16]}"


def decode(data: bytes) -> WorkloadConfig:
    """Read a snapshot.

    Raises:
        InvalidConfig: too large, not JSON, an unknown field or version, a wrong type, or a reference to nothing.
    """
    if len(data) > MAX_SNAPSHOT_BYTES:
        raise InvalidConfig((Violation("", f"{len(data)} bytes, more than the {MAX_SNAPSHOT_BYTES} allowed"),))
    try:
        wire_version = _envelope.decode(data).wire_version
        if wire_version != WIRE_VERSION:
            raise InvalidConfig((Violation("wireVersion", f"{wire_version} is unknown, this reads {WIRE_VERSION}"),))
        config = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise InvalidConfig((_violation(error),)) from error
    violations = tuple(_check(config))
    if violations:
        raise InvalidConfig(violations)
    return config


def _violation(error: msgspec.MsgspecError) -> Violation:
    message, _, path = str(error).partition(" - at `")
    return Violation(path.removesuffix("`").removeprefix("$."), message)


def _check(config: WorkloadConfig) -> list[Violation]:
    """What a type cannot say: references, ranges, expressions. A snapshot that decodes can be used without a further
    check."""
    found: list[Violation] = []
    names = {backend.name for backend in config.outbound.backends}
    reached = {backend.name for backend in config.outbound.backends if backend.hostname is None}
    if len(names) != len(config.outbound.backends):
        found.append(Violation("outbound.backends", "two backends have the same name"))
    for i, backend in enumerate(config.outbound.backends):
        at = f"outbound.backends[{i}]"
        found += external_host.check(backend, f"outbound.backends[{i}]")
        found += retry_budget.check(backend.retry_budget, f"{at}.retryBudget")
        found += timeouts.check_seconds(backend.idle_seconds, f"{at}.idleSeconds")
        found += outlier.check(backend.outlier, f"{at}.outlier")
        found += balance.check(backend.balance, f"{at}.balance")
        if backend.circuit is not None:
            found += circuit.check(backend.circuit, f"{at}.circuit")
    if len({limit.name for limit in config.inbound.rate_limits}) != len(config.inbound.rate_limits):
        found.append(Violation("inbound.rateLimits", "two limits have the same name"))
    for i, limit in enumerate(config.inbound.rate_limits):
        found += rate_limit.check(limit, f"inbound.rateLimits[{i}]")
    for i, frontend in enumerate(config.outbound.frontends):
        at = f"outbound.frontends[{i}]"
        if frontend.backend not in reached:
            found.append(Violation(f"{at}.backend", f"{frontend.backend!r} is not among the backends"))
        if frontend.rule is not None:
            found += route.check_rule(frontend.rule, f"{at}.rule")
            found += _check_references(frontend.rule, f"{at}.rule", reached, names)
        if frontend.routes is not None:
            found += route.check(frontend.routes, f"{at}.routes")
            for j, rule in enumerate(frontend.routes.rules):
                found += _check_references(rule, f"{at}.routes.rules[{j}]", reached, names)
        found += _check_tcp_routes(frontend, at, reached)
    return found + authorization.check(config.inbound.authorization, "inbound.authorization")


def _check_references(rule: Rule, path: str, reached: set[str], copied: set[str]) -> list[Violation]:
    """`reached`: backends of the cluster, for requests; `copied`: all of them, for copies."""
    mirrors = (*rule.mirrors, *(mirror for backend in rule.backends for mirror in backend.mirrors))
    missing = [one.backend for one in rule.backends if one.backend is not None and one.backend not in reached]
    missing += [mirror.backend for mirror in mirrors if mirror.backend not in copied]
    return [Violation(path, f"backend {name!r} is not among the backends") for name in missing]


def _check_tcp_routes(frontend: Frontend, at: str, names: set[str]) -> list[Violation]:
    if frontend.tcp_routes is None:
        return []
    found = tcp_route.check(frontend.tcp_routes, f"{at}.tcpRoutes")
    if frontend.protocol != "tcp":
        found.append(Violation(f"{at}.protocol", f"must be 'tcp' where there are tcpRoutes, not {frontend.protocol!r}"))
    if frontend.routes is not None or frontend.rule is not None:
        found.append(Violation(f"{at}.tcpRoutes", "must not stand beside routes or a rule"))
    return found + [
        Violation(f"{at}.tcpRoutes.rules[{i}].targets[{j}]", f"backend {target.backend!r} is not among the backends")
        for i, rule in enumerate(frontend.tcp_routes.rules)
        for j, target in enumerate(rule.targets)
        if target.backend is not None and target.backend not in names
    ]

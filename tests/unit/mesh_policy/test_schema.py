"""Snapshots for sidecars that know fewer fields."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy import schema, wire
from mesh_policy.schema import Left, Owner, describe, fields, lessen, missing
from mesh_policy.snapshot import (
    AccessLog,
    Authorization,
    Backend,
    Balance,
    Frontend,
    HttpRoutes,
    Inbound,
    Intention,
    Match,
    Outbound,
    RateLimit,
    Retry,
    RouteEntry,
    Rule,
    SourceMatch,
    Workload,
    WorkloadConfig,
)
from tests.support.anything import anything
from tests.support.older import BURST, RETRY, SLOW_START, without

REFINING = sorted(one.key for table in schema.tables().values() for one in table if one.refines)


def a_config(*, burst: int = 0, slow_start: float = 0.0, retry: Retry | None = None) -> WorkloadConfig:
    rule = Rule(route="HTTPRoute/shop/r", retry=retry)
    routes = HttpRoutes(entries=(RouteEntry(match=Match(), rule=0),), rules=(rule,))
    balance = Balance(algorithm="Random", slow_start_seconds=slow_start)
    return wire.stamp(
        WorkloadConfig(
            workload=Workload(namespace="shop", pod="web-1", service_account="web"),
            trust_domain="cluster.local",
            outbound=Outbound(
                frontends=(
                    Frontend(name="shop/api/80", addresses=(), port=80, protocol="http", backend="b", routes=routes),
                ),
                backends=(Backend(name="b", service="shop/api", balance=balance),),
            ),
            inbound=Inbound(rate_limits=(RateLimit(name="shop/limit", requests=1, burst=burst),)),
        )
    )


def test_a_sidecar_of_this_version_misses_nothing() -> None:
    assert missing(describe()) == frozenset()


def test_a_sidecar_that_says_nothing_knows_the_first_fields() -> None:
    assert missing(None) == missing("") == missing(schema.FIRST)


@pytest.mark.parametrize("said", ["x", "Rule", "Rule:", ";", "Rule:a;;", "rule:a", "Rule:a\n", "Rule:A", "é:b"])
def test_what_is_no_description_leaves_nothing_out(said: str) -> None:
    assert missing(said) == frozenset()


def test_fields_that_only_a_newer_sidecar_knows_say_nothing() -> None:
    assert missing(describe() + ";Newer:field") == frozenset()


def test_what_refines_is_left_out_and_named() -> None:
    config = a_config(slow_start=5.0, retry=Retry())
    less, left = lessen(config, missing(without(SLOW_START, RETRY)))
    assert left == {
        Left(SLOW_START, (Owner("Backend.name", "b"), Owner("Backend.service", "shop/api")), "balance"),
        Left(RETRY, (Owner("Frontend.name", "shop/api/80"), Owner("Rule.route", "HTTPRoute/shop/r")), "retry"),
    }
    text = wire.encode(less).decode()
    assert "slowStart" not in text
    assert 'retry"' not in text
    assert less.outbound.backends[0].balance.algorithm == "Random", "what it knows stays"


def test_everything_else_stays_so_that_the_sidecar_refuses() -> None:
    config = a_config(burst=3)
    assert lessen(config, missing(without(BURST))) == (config, frozenset())


def test_a_default_that_is_spelled_out_is_no_reason_to_refuse() -> None:
    """msgspec leaves out only the struct's own object: an equal one would be written."""
    limit = RateLimit(name="shop/limit", requests=1, per_seconds=float("1"))
    config = WorkloadConfig(
        workload=Workload(namespace="a", pod="b", service_account="c"),
        trust_domain="d",
        inbound=Inbound(rate_limits=(limit,)),
    )
    assert "perSeconds" in wire.encode(config).decode()
    less, left = lessen(config, missing(without("RateLimit.perSeconds")))
    assert "perSeconds" not in wire.encode(less).decode()
    assert left == frozenset()


def test_a_field_of_the_whole_is_not_written_for_who_does_not_know_it() -> None:
    unknown = missing(without("WorkloadConfig.accessLog"))
    config = a_config()
    assert "accessLog" not in json.loads(wire.encode(config, unknown))
    assert json.loads(wire.encode(config, unknown)).keys() == json.loads(wire.encode(config)).keys() - {"accessLog"}
    said = WorkloadConfig(workload=config.workload, trust_domain="d", access_log=AccessLog(sample_percent=1.0))
    assert "accessLog" in json.loads(wire.encode(said, unknown)), "it says something: the sidecar has to refuse it"


def test_what_does_not_change_is_the_same_object() -> None:
    config = a_config(slow_start=5.0)
    less, _ = lessen(config, missing(without(SLOW_START)))
    assert less.outbound.frontends is config.outbound.frontends
    assert lessen(config, frozenset())[0] is config


def test_the_owner_of_an_intention_is_its_object() -> None:
    one = Intention(name="shop/api", source=SourceMatch(), source_name="web", action="deny")
    _, left = lessen(Inbound(authorization=Authorization(intentions=(one,))), missing(without("Intention.sourceName")))
    assert left == {Left("Intention.sourceName", (Owner("Intention.name", "shop/api"),), "sourceName")}


@given(
    config=anything(WorkloadConfig),
    unknown=st.frozensets(st.sampled_from(sorted(fields())), max_size=6),
)
def test_only_what_refines_ever_changes(config: WorkloadConfig, unknown: frozenset[str]) -> None:
    less, left = lessen(config, unknown)
    assert {one.field for one in left} <= unknown & set(REFINING)
    assert lessen(config, unknown - set(REFINING))[0] == config
    again, nothing = lessen(less, unknown)
    assert again == less
    assert nothing == frozenset()
    assert (less == config) == (not left)

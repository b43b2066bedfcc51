"""The tables of the Gateway API: from Kubernetes objects to the decision of the pure rules."""

from __future__ import annotations

from collections import Counter

import pytest

from mesh_policy import split
from mesh_policy.identity import SpiffeId
from mesh_policy.snapshot import Authorization
from tests.support.gateway.backends import SHARES
from tests.support.gateway.compiled import configs, frontend, shared_out
from tests.support.gateway.tables import TABLES
from tests.support.gateway.vocabulary import Answer, Ask
from tests.support.sidecar.expectation import Expectation, Outcome, Sent

ANYBODY = Authorization(default="Allow")
CALLER = SpiffeId("cluster.local", "shop", "web")


@pytest.mark.parametrize("name", TABLES)
def test_the_rules_decide_as_the_specification_says(name: str) -> None:
    for ask, answer in TABLES[name].rows:
        expectation = Expectation(frontend(configs(name)[ask.namespace], ask.port), ANYBODY)
        found = expectation.of(CALLER, sent(ask))
        assert said(found, answer) == answer, ask


def sent(ask: Ask) -> Sent:
    fields = tuple((name.encode(), value.encode()) for name, value in ask.headers)
    return Sent(ask.method.encode(), ask.target.encode(), fields, ask.host.encode())


def said(found: Outcome, wanted: Answer) -> Answer:
    """The outcome in the words of the table, as far as it speaks of it."""
    told = {name: values_of(found.told, name) for name, _ in wanted.told}
    sees = {name: values_of(found.fields, name) for name, _ in wanted.sees}
    return Answer(
        found.status,
        found.backend if wanted.backend is not None or wanted.status != 200 else None,
        next(iter(values_of(found.told, "location")), None),
        found.target.decode() if wanted.target is not None else None,
        next(iter(values_of(found.fields, "host")), None) if wanted.host is not None else None,
        tuple(sees.items()),
        tuple(told.items()),
    )


def values_of(fields: tuple[tuple[bytes, bytes], ...], name: str) -> tuple[str, ...]:
    return tuple(value.decode("latin-1") for field, value in fields if field.decode() == name)


@pytest.mark.parametrize("name", SHARES)
def test_shares(name: str) -> None:
    refs, shares = SHARES[name]
    routes = frontend(shared_out(refs), 80).routes
    assert routes is not None
    backends = routes.rules[0].backends
    weights = split.reduce(tuple(one.weight for one in backends))
    state = split.start(weights, 0.5)
    seen: Counter[str | None] = Counter()
    for _ in range(sum(count for _, count in shares) * 10):
        index, state = split.choose(weights, state)
        assert index is not None
        seen[backends[index].backend] += 1
    assert seen == {backend: count * 10 for backend, count in shares}

"""What a real API server does with the bad objects of our kinds, by the definitions alone: nearly all are refused
without the webhook, with the field's name."""

from __future__ import annotations

import pytest

from tests.chart.test_crds import KINDS, send
from tests.support.api_server import ApiServer
from tests.support.bad_objects import GOOD, Bad, bad, of_another_type

pytestmark = pytest.mark.needs_helm
LEFT_TO_THE_WEBHOOK = (
    "spec.retry.methods",
    "hash.header-x-mesh-internal",
    "spec.faults[3].match.headers[0]-{'name': 'x-a', 'value': '('",
    "http.pathPrefix-//b",
    "http.pathRegex",
    "http.header[4].regex-[",
)
"""What no schema and no CEL can say: regular expressions, names of our own, a word or a list (tests/unit shows that the
webhook refuses every object of the table)."""


def for_schema(one: Bad) -> bool:
    return one.kind in KINDS and not any(text in str(one) for text in LEFT_TO_THE_WEBHOOK)


@pytest.mark.parametrize("kind", KINDS)
def test_the_good_objects_are_taken(kubernetes: ApiServer, kind: str) -> None:
    made = send(kubernetes, GOOD[kind])
    assert made.status == 201, made.message


@pytest.mark.parametrize("one", list(filter(for_schema, (*bad(), *of_another_type()))), ids=str)
def test_the_definitions_alone_refuse_it(kubernetes: ApiServer, one: Bad) -> None:
    made = send(kubernetes, one.object)
    assert made.status in (400, 422), made
    parent, _, last = one.at.rpartition(".")
    assert parent in made.message or last.partition("[")[0] in made.message

"""Header changes."""

from __future__ import annotations

import msgspec

from control_plane.compile.filters import request_headers, response_headers
from control_plane.kinds.http_route import Filter
from mesh_policy.snapshot import HeaderModifier

BODY = {"set": [{"name": "X-A", "value": "Blue"}], "add": [{"name": "B", "value": "2"}], "remove": ["C"]}
REQUEST = msgspec.convert({"type": "RequestHeaderModifier", "requestHeaderModifier": BODY}, Filter)
RESPONSE = msgspec.convert({"type": "ResponseHeaderModifier", "responseHeaderModifier": BODY}, Filter)
WANTED = HeaderModifier(set=(("x-a", "Blue"),), add=(("b", "2"),), remove=("c",))


def test_names_become_lower_case_and_values_stay() -> None:
    assert request_headers((RESPONSE, REQUEST)) == WANTED
    assert response_headers((RESPONSE, REQUEST)) == WANTED


def test_each_side_reads_its_own() -> None:
    assert request_headers((RESPONSE,)) is None
    assert response_headers((REQUEST,)) is None


def test_a_filter_that_does_nothing_is_nothing() -> None:
    empty = msgspec.convert({"type": "RequestHeaderModifier", "requestHeaderModifier": {}}, Filter)
    assert request_headers((empty,)) is None

"""EndpointSlice, as the API server really writes it: null for nothing."""

from __future__ import annotations

import json

import pytest

from control_plane.kinds.endpoint_slice import EndpointConditions, EndpointSlice, SliceEndpoint
from control_plane.kinds.registry import decode


def test_an_empty_slice_is_null_and_is_read() -> None:
    raw = {"metadata": {"name": "a-1", "namespace": "n"}, "addressType": "IPv4", "endpoints": None, "ports": None}
    found = decode("EndpointSlice", json.dumps(raw).encode())
    assert isinstance(found, EndpointSlice)
    assert found.endpoints is None
    assert found.service is None


@pytest.mark.parametrize(
    ("conditions", "ready", "draining"),
    [
        (EndpointConditions(), True, False),
        (EndpointConditions(ready=True, serving=True, terminating=False), True, False),
        (EndpointConditions(ready=False, serving=True, terminating=True), False, True),
        (EndpointConditions(ready=False, serving=False, terminating=True), False, False),
        (EndpointConditions(ready=False), False, False),
    ],
)
def test_readiness(conditions: EndpointConditions, ready: bool, draining: bool) -> None:
    endpoint = SliceEndpoint(addresses=("10.0.0.1",), conditions=conditions)
    assert (endpoint.is_ready, endpoint.is_draining) == (ready, draining)

"""The CORS filter as the sidecar reads it."""

from __future__ import annotations

import msgspec

from control_plane.compile.cors import cors
from control_plane.kinds.filters import Filter
from mesh_policy.snapshot import Cors


def test_every_field_is_passed_on() -> None:
    body = {
        "allowOrigins": ["https://*.example.org"],
        "allowCredentials": True,
        "allowMethods": ["PUT"],
        "allowHeaders": ["x-a"],
        "exposeHeaders": ["x-b"],
        "maxAge": 60,
    }
    assert cors((msgspec.convert({"type": "CORS", "cors": body}, Filter),)) == Cors(
        allow_origins=("https://*.example.org",),
        allow_credentials=True,
        allow_methods=("PUT",),
        allow_headers=("x-a",),
        expose_headers=("x-b",),
        max_age_seconds=60,
    )


def test_without_the_filter_there_is_nothing() -> None:
    assert cors(()) is None
    assert cors((msgspec.convert({"type": "CORS", "cors": {}}, Filter),)) == Cors()

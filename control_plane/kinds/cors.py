"""The CORS filter (gateway.networking.k8s.io/v1, HTTPCORSFilter)."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kinds import checks
from control_plane.kinds.meta import Strict
from mesh_policy import cors
from mesh_policy.errors import Violation
from mesh_policy.snapshot import Cors

MAX_ITEMS = 64


class CorsFilter(Strict, frozen=True, kw_only=True):
    """`cors`."""

    allow_origins: tuple[str, ...] = ()
    allow_credentials: bool = False
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: int = 5
    """Seconds."""

    def compiled(self) -> Cors:
        """As the sidecar reads it."""
        return Cors(
            allow_origins=self.allow_origins,
            allow_credentials=self.allow_credentials,
            allow_methods=self.allow_methods,
            allow_headers=self.allow_headers,
            expose_headers=self.expose_headers,
            max_age_seconds=self.max_age,
        )


def violations(at: str, body: CorsFilter) -> Iterator[Violation]:
    """What is malformed."""
    for field, values in (
        ("allowOrigins", body.allow_origins),
        ("allowMethods", body.allow_methods),
        ("allowHeaders", body.allow_headers),
        ("exposeHeaders", body.expose_headers),
    ):
        yield from checks.at_most(f"{at}.{field}", values, MAX_ITEMS)
    for i, method in enumerate(body.allow_methods):
        if method != "*":
            yield from checks.method(f"{at}.allowMethods[{i}]", method)
    yield from cors.check(body.compiled(), at)

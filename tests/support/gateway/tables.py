"""What the Gateway API's text says that routes on a Service do, as tables: objects, requests, answers.

Source: the documentation of the types of apis/v1 (HTTPRoute and GRPCRoute), GEP-1294, 1686, 1767.
"""

from __future__ import annotations

from tests.support.gateway.backends import invalid
from tests.support.gateway.filters import CORS, HEADERS
from tests.support.gateway.matches import ATTACHMENT, GRPC, MATCHES, PRECEDENCE
from tests.support.gateway.paths import locations, prefixes, statuses
from tests.support.gateway.vocabulary import Table


def _group(name: str, tables: dict[str, Table]) -> dict[str, Table]:
    return {f"{name}: {case}": table for case, table in tables.items()}


TABLES: dict[str, Table] = {
    **_group("path", prefixes()),
    **_group("location", locations()),
    **_group("redirect", statuses()),
    **_group("match", MATCHES),
    **_group("precedence", PRECEDENCE),
    **_group("attachment", ATTACHMENT),
    **_group("headers", HEADERS),
    **_group("cors", CORS),
    **_group("grpc", GRPC),
    **_group("invalid", invalid()),
}

from __future__ import annotations

from tests.support.flows import frontends, rule


def test_every_frontend_is_prepared_under_its_name() -> None:
    prepared = frontends(rule())["shop/api/80"]
    assert prepared.frontend.backend == "shop/api"
    assert prepared.table is not None
    assert len(prepared.table.tests) == 1


def test_no_routes_is_not_the_same_as_no_matching_route() -> None:
    assert frontends(routes=False)["shop/api/80"].table is None
    assert frontends()["shop/api/80"].table is not None

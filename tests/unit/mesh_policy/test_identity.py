from __future__ import annotations

import pytest

from mesh_policy.identity import SpiffeId, parse_spiffe_id


def test_an_identity_is_written_and_read_back() -> None:
    identity = SpiffeId("cluster.local", "shop", "web")
    assert identity.uri == "spiffe://cluster.local/ns/shop/sa/web"
    assert identity.dns_name == "web.shop.sa.cluster.local"
    assert parse_spiffe_id(identity.uri) == identity


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://cluster.local/ns/shop/sa/web",
        "spiffe://cluster.local/ns/shop/sa/web/",
        "spiffe://cluster.local/ns/shop/sa/",
        "spiffe://cluster.local/ns//sa/web",
        "spiffe:///ns/shop/sa/web",
        "spiffe://cluster.local/sa/web/ns/shop",
        "spiffe://cluster.local/ns/Shop/sa/web",
        "spiffe://cluster.local/ns/*/sa/web",
        "spiffe://cluster.local/ns/shop/sa/web\n",
        "spiffe://cluster.local:80/ns/shop/sa/web",
        "spiffe://cluster.local/ns/shop/sa/web?x",
    ],
)
def test_anything_else_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match=r"spiffe://|allow"):
        parse_spiffe_id(uri)

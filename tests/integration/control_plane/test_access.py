"""Who may ask for what: the token decides, and nothing that the request says."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.control_plane import replica, sidecar
from tests.support.fake_kube import FakeKube


def a_csr(key: ec.EllipticCurvePrivateKey, name: str) -> str:
    alternatives = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    csr = builder.add_extension(alternatives, critical=False).sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM).decode()


async def test_a_csr_for_another_name_gets_its_own(kube: FakeKube, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    async with replica(kube, tmp_path) as cp, sidecar(kube, cp, "web") as client:
        csr = a_csr(key, "spiffe://cluster.local/ns/shop/sa/api")
        status, answer = await client.call("POST", "/v1/certificate", {"csr": csr})
    assert status == 200
    leaf, issuer = x509.load_pem_x509_certificates(answer["certificateChain"].encode())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == ["spiffe://cluster.local/ns/shop/sa/web", "web.shop.sa.cluster.local"]
    assert leaf.public_key() == key.public_key()
    (root,) = x509.load_pem_x509_certificates(answer["trustBundle"].encode())
    issuer.verify_directly_issued_by(root)
    assert answer["expiresAt"] == int(leaf.not_valid_after_utc.timestamp())


@pytest.mark.parametrize(
    ("token", "status"),
    [("", 401), ("nonsense", 401), ("foreign", 401), ("plain", 403), ("reborn", 403), ("free", 403)],
    ids=["none", "unknown", "another audience", "a pod without sidecar", "an earlier pod", "bound to no pod"],
)
async def test_who_is_refused(kube: FakeKube, tmp_path: Path, token: str, status: int) -> None:
    async with replica(kube, tmp_path) as cp, sidecar(kube, cp, token) as client:
        assert (await client.call("POST", "/v1/certificate", b"{}"))[0] == status


async def test_every_call_asks_for_a_token(kube: FakeKube, tmp_path: Path) -> None:
    async with replica(kube, tmp_path) as cp, sidecar(kube, cp, "nonsense") as client:
        for method, path in (
            ("GET", "/v1/config"),
            ("POST", "/v1/certificate"),
            ("POST", "/v1/ack"),
            ("GET", "/v1/acks"),
        ):
            assert (await client.call(method, path, b"{}"))[0] == 401, path


async def test_what_is_not_right_is_refused_with_a_reason(kube: FakeKube, tmp_path: Path) -> None:
    async with replica(kube, tmp_path) as cp, sidecar(kube, cp, "web") as client:
        for path, body in (
            ("/v1/certificate", b"nonsense"),
            ("/v1/certificate", {"csr": "nonsense"}),
            ("/v1/ack", {"version": "1", "accepted": True}),
            ("/v1/ack", {"version": "sha256:" + "0" * 100, "accepted": True}),
            ("/v1/ack", []),
        ):
            status, reason = await client.call("POST", path, body)
            assert (status, bool(reason)) == (400, True), body
        assert (await client.call("POST", "/v1/ack", b"x" * 100_000))[0] == 413
        assert (await client.call("GET", "/v1/secrets"))[0] == 404


async def test_only_replicas_hear_what_sidecars_run(kube: FakeKube, tmp_path: Path) -> None:
    async with replica(kube, tmp_path) as cp:
        async with sidecar(kube, cp, "web") as client:
            config = await client.snapshot()
            assert await client.ack(config["version"]) == 204
            assert (await client.call("GET", "/v1/acks"))[0] == 403
        async with sidecar(kube, cp, "control-plane") as peer:
            status, answer = await peer.call("GET", "/v1/acks")
    assert status == 200
    assert answer["acks"] == [{"pod": "shop/web-1", "version": config["version"], "accepted": True}]


async def test_tokens_and_keys_are_in_no_log(kube: FakeKube, tmp_path: Path) -> None:
    async with replica(kube, tmp_path) as cp:
        async with sidecar(kube, cp, "nonsense-token") as client:
            await client.call("GET", "/v1/config")
        await cp.terminate()
        text = str(cp.log)
    assert "nonsense-token" not in text
    assert "PRIVATE KEY" not in text

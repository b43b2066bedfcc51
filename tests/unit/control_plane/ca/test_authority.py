"""The CA: what it makes, what it signs, what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from control_plane.ca.authority import Authority, CaExpiredError, load_authority
from control_plane.ca.bootstrap import INTERMEDIATE_LIFETIME, make_intermediate, make_root
from mesh_policy.identity import SpiffeId

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WEB = SpiffeId("cluster.local", "shop", "web")


@pytest.fixture(scope="module")
def secret() -> dict[str, bytes]:
    root = make_root("cluster.local", NOW)
    own = make_intermediate(root, "cluster.local", NOW)
    return {"tls.crt": own.certificate.encode(), "tls.key": own.key.encode(), "ca.crt": root.certificate.encode()}


@pytest.fixture(scope="module")
def authority(secret: dict[str, bytes]) -> Authority:
    return load_authority(secret, NOW)


def a_csr(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, *names: str) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if names:
        alternatives = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name) for name in names])
        builder = builder.add_extension(alternatives, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_names_come_from_the_identity_and_from_nowhere_else(authority: Authority) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    issued = authority.sign(a_csr(key, "spiffe://cluster.local/ns/kube-system/sa/admin"), WEB, NOW)
    leaf, intermediate = x509.load_pem_x509_certificates(issued.chain.encode())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [type(name) for name in names] == [x509.UniformResourceIdentifier, x509.DNSName]
    assert [name.value for name in names] == ["spiffe://cluster.local/ns/shop/sa/web", "web.shop.sa.cluster.local"]
    assert leaf.public_key() == key.public_key()
    leaf.verify_directly_issued_by(intermediate)


def test_a_leaf_lives_a_day_and_began_a_minute_ago(authority: Authority) -> None:
    issued = authority.sign(a_csr(ec.generate_private_key(ec.SECP256R1())), WEB, NOW)
    (leaf, _) = x509.load_pem_x509_certificates(issued.chain.encode())
    assert leaf.not_valid_before_utc == NOW - timedelta(seconds=60)
    assert leaf.not_valid_after_utc == issued.expires_at == NOW + timedelta(hours=24)
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_leaf_never_outlives_its_issuer(authority: Authority) -> None:
    late = NOW + INTERMEDIATE_LIFETIME - timedelta(hours=1)
    assert authority.sign(a_csr(ec.generate_private_key(ec.SECP256R1())), WEB, late).expires_at == authority.expires_at
    with pytest.raises(CaExpiredError):
        authority.sign(a_csr(ec.generate_private_key(ec.SECP256R1())), WEB, NOW + INTERMEDIATE_LIFETIME)


def test_a_long_account_name_has_no_common_name(authority: Authority) -> None:
    identity = SpiffeId("cluster.local", "shop", "a" * 100)
    issued = authority.sign(a_csr(ec.generate_private_key(ec.SECP256R1())), identity, NOW)
    (leaf, _) = x509.load_pem_x509_certificates(issued.chain.encode())
    assert list(leaf.subject) == []


@pytest.mark.parametrize(
    "csr", [b"", b"nonsense", b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"]
)
def test_what_is_no_csr(authority: Authority, csr: bytes) -> None:
    with pytest.raises(ValueError, match="csr"):
        authority.sign(csr, WEB, NOW)


def test_only_p256_keys(authority: Authority) -> None:
    for key in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
        with pytest.raises(ValueError, match="P-256"):
            authority.sign(a_csr(key), WEB, NOW)


def test_a_csr_must_be_signed_by_its_own_key(authority: Authority) -> None:
    der = bytearray(
        x509.load_pem_x509_csr(a_csr(ec.generate_private_key(ec.SECP256R1()))).public_bytes(serialization.Encoding.DER)
    )
    der[-1] ^= 1
    forged = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(ValueError, match="csr"):
        authority.sign(forged, WEB, NOW)


def test_the_serving_certificate_has_all_names(authority: Authority) -> None:
    issued, key = authority.serving(("cp.mesh.svc", "cp"), NOW)
    leaf = x509.load_pem_x509_certificates(issued.chain.encode())[0]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["cp.mesh.svc", "cp"]
    private = serialization.load_pem_private_key(key.encode(), None)
    assert private.public_key() == leaf.public_key()


def another() -> dict[str, bytes]:
    root = make_root("other", NOW)
    own = make_intermediate(root, "other", NOW)
    return {"tls.crt": own.certificate.encode(), "tls.key": own.key.encode(), "ca.crt": root.certificate.encode()}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tls.key": b""}, "tls.key missing"),
        ({"ca.crt": b"x"}, "ca.crt holds no PEM"),
        ({"tls.key": b"x"}, "tls.key is not"),
        ({"tls.key": "other"}, "not the key of"),
        ({"ca.crt": "other"}, "not issued by any root"),
    ],
)
def test_a_secret_that_does_not_fit(secret: dict[str, bytes], change: dict[str, bytes | str], says: str) -> None:
    foreign = another()
    changed = {**secret, **{name: foreign[name] if isinstance(v, str) else v for name, v in change.items()}}
    with pytest.raises(ValueError, match=says):
        load_authority(changed, NOW)


def test_an_expired_or_early_intermediate_is_not_used(secret: dict[str, bytes]) -> None:
    for when in (NOW + INTERMEDIATE_LIFETIME, NOW - timedelta(hours=1)):
        with pytest.raises(ValueError, match="valid from"):
            load_authority(secret, when)


def test_several_roots_are_a_bundle(secret: dict[str, bytes]) -> None:
    both = {**secret, "ca.crt": secret["ca.crt"] + another()["ca.crt"]}
    assert load_authority(both, NOW).trust_bundle.count("BEGIN CERTIFICATE") == 2


def test_a_leaf_cannot_be_a_ca(secret: dict[str, bytes], authority: Authority) -> None:
    issued, key = authority.serving(("cp",), NOW)
    with pytest.raises(ValueError, match="no CA"):
        load_authority({**secret, "tls.crt": issued.chain.encode(), "tls.key": key.encode()}, NOW)

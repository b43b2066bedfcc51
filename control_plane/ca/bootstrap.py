"""A CA where none was given: root and intermediate, both P-256."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from control_plane.ca.names import builder, key_usage, signed, subject

ROOT_LIFETIME = timedelta(days=3650)
INTERMEDIATE_LIFETIME = timedelta(days=365)


class Pair(NamedTuple):
    """A certificate and its key, PEM."""

    certificate: str
    key: str


def make_root(trust_domain: str, now: datetime) -> Pair:
    """A root of ten years."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Pair(pem(_authority(f"{trust_domain} root", None, key.public_key(), key, now)), _key_pem(key))


def make_intermediate(root: Pair, trust_domain: str, now: datetime) -> Pair:
    """An intermediate of one year, signed by a root.

    Raises:
        ValueError: the root cannot be read, or is not P-256.
    """
    signer = serialization.load_pem_private_key(root.key.encode(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise ValueError("the root's key is not a P-256 key")
    parent = x509.load_pem_x509_certificate(root.certificate.encode())
    key = ec.generate_private_key(ec.SECP256R1())
    return Pair(pem(_authority(f"{trust_domain} intermediate", parent, key.public_key(), signer, now)), _key_pem(key))


def pem(certificate: x509.Certificate) -> str:
    """A certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _authority(
    name: str,
    parent: x509.Certificate | None,
    public_key: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    own = subject(name)
    lifetime = INTERMEDIATE_LIFETIME if parent else ROOT_LIFETIME
    certificate = (
        builder(public_key, own, parent.subject if parent else own, now, lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0 if parent else 1), critical=True)
        .add_extension(key_usage(signs_certificates=True), critical=True)
    )
    return signed(certificate, signer, signer.public_key())


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

"""The intermediate that signs, and the roots that everybody trusts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from control_plane.ca.bootstrap import pem
from control_plane.ca.names import builder, key_usage, signed, subject
from mesh_policy.identity import SpiffeId

LEAF_LIFETIME = timedelta(hours=24)
MAX_ROOTS = 16
_USAGE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


class CaExpiredError(Exception):
    """The intermediate has ended: nothing can be signed until it is replaced."""


class Issued(NamedTuple):
    """A signed certificate."""

    chain: str
    """PEM: leaf, then intermediate(s), without the root."""
    expires_at: datetime


class Authority:
    """Signs leaves. Immutable: a rotated CA is another Authority."""

    def __init__(
        self, chain: Sequence[x509.Certificate], key: ec.EllipticCurvePrivateKey, roots: Sequence[x509.Certificate]
    ) -> None:
        self._chain = tuple(chain)
        self._key = key
        self.trust_bundle = "".join(pem(root) for root in roots)
        """PEM of the roots."""

    @property
    def expires_at(self) -> datetime:
        """When the intermediate ends."""
        return self._chain[0].not_valid_after_utc

    def sign(self, csr: bytes, identity: SpiffeId, now: datetime) -> Issued:
        """A leaf for the key of a CSR. Every name comes from `identity`; what the CSR asks for is ignored.

        Raises:
            ValueError: the CSR cannot be read, is not signed by its own key, or its key is not on P-256.
            CaExpiredError: nothing can be signed.
        """
        names = x509.SubjectAlternativeName(
            [x509.UniformResourceIdentifier(identity.uri), x509.DNSName(identity.dns_name)]
        )
        return self._leaf(_key_of(csr), identity.service_account, names, now)

    def serving(self, names: Sequence[str], now: datetime) -> tuple[Issued, str]:
        """A certificate for DNS names with a new key (PEM, PKCS#8): the control plane's own."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        issued = self._leaf(key.public_key(), names[0], alternatives, now)
        text = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return issued, text.decode()

    def _leaf(
        self,
        public_key: ec.EllipticCurvePublicKey,
        common_name: str,
        names: x509.SubjectAlternativeName,
        now: datetime,
    ) -> Issued:
        issuer = self._chain[0]
        lifetime = min(LEAF_LIFETIME, issuer.not_valid_after_utc - now)
        if lifetime <= timedelta(0):
            raise CaExpiredError(f"the mesh's intermediate certificate expired at {issuer.not_valid_after_utc}")
        certificate = (
            builder(public_key, subject(common_name), issuer.subject, now, lifetime)
            .add_extension(names, critical=not common_name)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(signs_certificates=False), critical=True)
            .add_extension(_USAGE, critical=False)
        )
        leaf = signed(certificate, self._key, self._key.public_key())
        return Issued("".join(pem(one) for one in (leaf, *self._chain)), leaf.not_valid_after_utc)


def load_authority(data: Mapping[str, bytes], now: datetime) -> Authority:
    """Read the Secret of the CA: `tls.crt`, `tls.key`, `ca.crt` (docs/contract.md).

    Raises:
        ValueError: a part is missing or unreadable, or the parts do not belong together; says which.
    """
    missing = [name for name in ("tls.crt", "tls.key", "ca.crt") if not data.get(name)]
    if missing:
        raise ValueError(f"{', '.join(missing)} missing")
    chain = _certificates("tls.crt", data["tls.crt"])
    roots = _certificates("ca.crt", data["ca.crt"])
    key = _private_key(data["tls.key"])
    if len(roots) > MAX_ROOTS:
        raise ValueError(f"ca.crt has {len(roots)} certificates, at most {MAX_ROOTS} are allowed")
    if chain[0].public_key() != key.public_key():
        raise ValueError("tls.key is not the key of the first certificate in tls.crt")
    if not _is_ca(chain[0]):
        raise ValueError("the first certificate in tls.crt may not sign: it is no CA")
    if not chain[0].not_valid_before_utc <= now < chain[0].not_valid_after_utc:
        raise ValueError(f"tls.crt is valid from {chain[0].not_valid_before_utc} to {chain[0].not_valid_after_utc}")
    if not any(_issued_by(chain[-1], root) for root in roots):
        raise ValueError("tls.crt was not issued by any root in ca.crt")
    # A CA that is its own root may be given alone: the chain that peers are sent never holds a root.
    sent = [certificate for certificate in chain if certificate not in roots] or chain[:1]
    return Authority(sent, key, roots)


def _certificates(name: str, text: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text)
    except ValueError as error:
        raise ValueError(f"{name} holds no PEM certificate: {error}") from error


def _private_key(text: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(text, password=None)
    except (ValueError, TypeError) as error:
        raise ValueError("tls.key is not an unencrypted PEM key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("tls.key is not a P-256 key")
    return key


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _issued_by(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _key_of(csr: bytes) -> ec.EllipticCurvePublicKey:
    try:
        request = x509.load_pem_x509_csr(csr)
        key = request.public_key()
        valid = request.is_signature_valid
    except Exception as error:
        raise ValueError("csr is not a PEM certificate signing request") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("csr has a key that is not on P-256")
    if not valid:
        raise ValueError("csr is not signed by its own key")
    return key

"""Real certificates for tests: a mesh CA, and leaves as docs/contract.md describes them."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mesh_policy.identity import parse_spiffe_id

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Leaf:
    chain: str
    key: str

    @property
    def pem(self) -> str:
        """Certificate and key in one file, as HAProxy and `ssl` read it."""
        return self.chain + self.key


class Authority:
    """A root that signs leaves itself."""

    def __init__(self, name: str = "heddle test root") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(dt.UTC)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + 365 * DAY)
            .add_extension(x509.BasicConstraints(True, None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def bundle(self) -> str:
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def workload(self, identity: str, *, lifetime: dt.timedelta = DAY) -> Leaf:
        """A leaf with a key of its own; a negative lifetime makes an expired one."""
        key = ec.generate_private_key(ec.SECP256R1())
        return Leaf(self.sign(key.public_key(), identity, lifetime), _private(key))

    def sign(self, public_key: object, identity: str, lifetime: dt.timedelta = DAY) -> str:
        """The certificate of a workload: URI SAN first, then the DNS SAN."""
        spiffe = parse_spiffe_id(identity)
        names = [x509.UniformResourceIdentifier(spiffe.uri), x509.DNSName(spiffe.dns_name)]
        return self._issue(public_key, names, lifetime)

    def server(self, *names: str) -> Leaf:
        """A leaf for the control plane's server."""
        key = ec.generate_private_key(ec.SECP256R1())
        found = [_general(name) for name in names]
        return Leaf(self._issue(key.public_key(), found, DAY), _private(key))

    def _issue(self, public_key: object, names: list[x509.GeneralName], lifetime: dt.timedelta) -> str:
        now = dt.datetime.now(dt.UTC)
        end = now + lifetime
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._name)
            .public_key(public_key)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now - dt.timedelta(seconds=60), end - DAY))
            .not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()

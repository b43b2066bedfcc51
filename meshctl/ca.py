"""The mesh's certificate authority as the operator keeps it: root outside, an intermediate for the control plane."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from meshctl.errors import EXIT_USAGE, MeshctlError

ROOT_DAYS = 3650
INTERMEDIATE_DAYS = 730
SKEW = timedelta(minutes=5)
FILES = ("root.key", "root.crt", "intermediate.key", "intermediate.crt", "ca.crt")


@dataclass(frozen=True, slots=True)
class Certificate:
    """What people ask of a certificate."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    uris: tuple[str, ...]
    dns: tuple[str, ...]
    is_ca: bool
    serial: str


def describe(pem: str) -> tuple[Certificate, ...]:
    """The certificates of a PEM text, in order. Raises ValueError when there is none that can be read."""
    return tuple(_described(certificate) for certificate in x509.load_pem_x509_certificates(pem.encode()))


def _described(certificate: x509.Certificate) -> Certificate:
    extensions = {extension.oid: extension.value for extension in certificate.extensions}
    names = extensions.get(x509.SubjectAlternativeName.oid)
    constraints = extensions.get(x509.BasicConstraints.oid)
    san = names if isinstance(names, x509.SubjectAlternativeName) else None
    return Certificate(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        uris=tuple(san.get_values_for_type(x509.UniformResourceIdentifier)) if san else (),
        dns=tuple(san.get_values_for_type(x509.DNSName)) if san else (),
        is_ca=isinstance(constraints, x509.BasicConstraints) and constraints.ca,
        serial=f"{certificate.serial_number:x}",
    )


def verify_chain(chain_pem: str, bundle_pem: str, now: datetime) -> str:
    """Empty when the chain leads to one of the bundle's roots and all certificates are valid now, else what is wrong.

    The operator's chain has one link (root → intermediate); a longer one must lead from link to link.
    """
    chain = x509.load_pem_x509_certificates(chain_pem.encode())
    roots = x509.load_pem_x509_certificates(bundle_pem.encode())
    for certificate in chain:
        name = certificate.subject.rfc4514_string()
        if certificate.not_valid_before_utc > now:
            return f"{name} is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        if certificate.not_valid_after_utc < now:
            return f"{name} expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    for issued, issuer in itertools.pairwise(chain):
        if not _issued_by(issued, issuer):
            return f"{issued.subject.rfc4514_string()} is not signed by {issuer.subject.rfc4514_string()}"
    if not any(_issued_by(chain[-1], root) for root in roots):
        return f"{chain[-1].subject.rfc4514_string()} is signed by none of the roots in the trust bundle"
    return ""


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:
        # ValueError, TypeError or InvalidSignature (which is no ValueError): all mean no
        return False
    return True


def key_matches(certificate_pem: str, key_pem: str) -> bool:
    """Whether the private key belongs to the first certificate. Raises ValueError for what cannot be read."""
    key = serialization.load_pem_private_key(key_pem.encode(), None)
    certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)


# --- making one ---


@dataclass(frozen=True, slots=True)
class Made:
    directory: Path
    changed: bool
    root: Certificate
    intermediate: Certificate


def init(directory: Path, trust_domain: str, now: datetime, ensure: bool = False) -> Made:
    """Makes root and intermediate in `directory` (0700; keys 0600).

    Never overwrites: with `ensure` a complete authority is left as it is, anything else raises MeshctlError.
    """
    present = [name for name in FILES if (directory / name).exists()]
    if present:
        if ensure and len(present) == len(FILES):
            return Made(directory, False, *(_read(directory, name) for name in ("root.crt", "intermediate.crt")))
        raise MeshctlError(
            f"{directory} holds {', '.join(present)} already; a root key is never overwritten",
            "choose another --dir, or --ensure to keep a complete authority as it is",
            EXIT_USAGE,
        )
    root_key, intermediate_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate(
        f"Heddle root {trust_domain}",
        root_key,
        issuer=None,
        issuer_key=root_key,
        now=now,
        days=ROOT_DAYS,
        path_length=1,
    )
    name, days = f"Heddle intermediate {trust_domain}", INTERMEDIATE_DAYS
    intermediate = _certificate(
        name, intermediate_key, issuer=root, issuer_key=root_key, now=now, days=days, path_length=0
    )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    _write(directory / "root.key", _key_pem(root_key), 0o600)
    _write(directory / "root.crt", root.public_bytes(pem), 0o644)
    _write(directory / "intermediate.key", _key_pem(intermediate_key), 0o600)
    _write(directory / "intermediate.crt", intermediate.public_bytes(pem), 0o644)
    _write(directory / "ca.crt", root.public_bytes(pem), 0o644)
    return Made(directory, True, _described(root), _described(intermediate))


def secret_data(directory: Path) -> dict[str, str]:
    """What goes into the control plane's Secret: never the root's key. Raises MeshctlError when a file is missing."""
    try:
        data = {
            "tls.crt": (directory / "intermediate.crt").read_text(),
            "tls.key": (directory / "intermediate.key").read_text(),
            "ca.crt": (directory / "ca.crt").read_text(),
        }
        if not key_matches(data["tls.crt"], data["tls.key"]):
            raise MeshctlError(f"{directory}/intermediate.key does not belong to intermediate.crt")
        wrong = verify_chain(data["tls.crt"], data["ca.crt"], datetime.now(UTC))
    except OSError as error:
        hint = f"make one with: meshctl ca init --dir {directory}"
        raise MeshctlError(f"no certificate authority in {directory}: {error}", hint, EXIT_USAGE) from error
    except ValueError as error:
        raise MeshctlError(f"{directory} cannot be read as PEM: {error}", code=EXIT_USAGE) from error
    if wrong:
        raise MeshctlError(f"{directory}: {wrong}", "renew the intermediate with the root key")
    return data


def _certificate(
    common_name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
    path_length: int,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    """O_EXCL: a file that appeared in the meantime is not overwritten; the mode holds from the first byte."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)


def _read(directory: Path, name: str) -> Certificate:
    return describe((directory / name).read_text())[0]

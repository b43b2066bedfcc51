"""A process of its own, for the second that it lives: makes a key and a certificate request, and prints them as JSON.

The agent starts it with a pipe as stdout. `cryptography` costs 10 MB of memory, which the agent does not keep this way.
"""

from __future__ import annotations

import json
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def make() -> dict[str, str]:
    """A new P-256 key (PKCS#8 PEM, not encrypted: it stays in memory) and a request that names nobody.

    The control plane takes the identity from the token, never from the request.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"key": private.decode(), "csr": request.public_bytes(serialization.Encoding.PEM).decode()}


if __name__ == "__main__":
    json.dump(make(), sys.stdout)

"""The TLS side of the control plane: one SSL context whose certificate is exchanged while it serves."""

from __future__ import annotations

import os
import ssl

from control_plane.ca.authority import Issued


def new_context() -> ssl.SSLContext:
    """TLS 1.2 or newer, without a certificate yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def install(context: ssl.SSLContext, issued: Issued, key: str) -> None:
    """Give a context its certificate; connections that are open keep theirs.

    The `ssl` module reads files only: what it reads here is memory that no file system shows.
    """
    certificate, private = _memory("certificate", issued.chain), _memory("key", key)
    try:
        context.load_cert_chain(f"/proc/self/fd/{certificate}", f"/proc/self/fd/{private}")
    finally:
        os.close(certificate)
        os.close(private)


def client_context(trust_bundle: str) -> ssl.SSLContext:
    """For calls to another replica: only the mesh's own roots count."""
    return ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cadata=trust_bundle)


def _memory(name: str, text: str) -> int:
    descriptor = os.memfd_create(f"heddle-{name}", os.MFD_CLOEXEC)
    os.write(descriptor, text.encode())
    return descriptor

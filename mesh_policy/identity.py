"""SPIFFE identities: parsed once, compared whole, never by prefix.

Source: SPIFFE-ID specification; the Kubernetes form `spiffe://TD/ns/NS/sa/SA` is the one that all meshes share.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TRUST_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,253}[a-z0-9])?\Z")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")


class SpiffeId(NamedTuple):
    """The identity of a workload: a ServiceAccount in a namespace of a trust domain."""

    trust_domain: str
    namespace: str
    service_account: str

    @property
    def uri(self) -> str:
        """`spiffe://TD/ns/NS/sa/SA`, the first SAN of the certificate."""
        return f"spiffe://{self.trust_domain}/ns/{self.namespace}/sa/{self.service_account}"

    @property
    def dns_name(self) -> str:
        """`SA.NS.sa.TD`, the DNS SAN that HAProxy's `verifyhost` compares: it knows no URI SANs."""
        return f"{self.service_account}.{self.namespace}.sa.{self.trust_domain}"

    def __str__(self) -> str:
        return self.uri


def parse_spiffe_id(uri: str) -> SpiffeId:
    """Read a workload's SPIFFE id.

    Raises:
        ValueError: it is not exactly `spiffe://TD/ns/NS/sa/SA` with valid Kubernetes names.
    """
    scheme, _, rest = uri.partition("://")
    parts = rest.split("/")
    if scheme != "spiffe" or len(parts) != 5 or parts[1] != "ns" or parts[3] != "sa":
        raise ValueError(f"{uri!r} is not of the form spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/SERVICE_ACCOUNT")
    trust_domain, namespace, service_account = parts[0], parts[2], parts[4]
    if not (_TRUST_DOMAIN.match(trust_domain) and _LABEL.match(namespace) and _SUBDOMAIN.match(service_account)):
        raise ValueError(f"{uri!r} holds a name that Kubernetes or SPIFFE does not allow")
    return SpiffeId(trust_domain, namespace, service_account)

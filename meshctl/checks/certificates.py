"""Are the certificate authority and what it issued in order?"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from meshctl import ca
from meshctl.checks import Category, Check, CheckFailed, Context, Finding, Skipped, Warned
from meshctl.client import ApiError
from meshctl.names import CA_SECRET, WEBHOOKS

SOON = timedelta(days=60)
ADMISSION_API = "/apis/admissionregistration.k8s.io/v1"
RENEW = "renew it: see docs/guide/identity.md"


def secret(context: Context) -> dict[str, str]:
    path = f"/api/v1/namespaces/{context.namespace}/secrets/{CA_SECRET}"
    try:
        found = context.cluster.find(path)
    except ApiError as error:
        if error.status == 403:
            raise Skipped(f"you may not read the Secret {CA_SECRET}") from error
        raise
    if found is None:
        raise CheckFailed(f"there is no Secret {CA_SECRET} in {context.namespace}")
    data = {name: base64.b64decode(value).decode(errors="replace") for name, value in (found.get("data") or {}).items()}
    missing = {"tls.crt", "tls.key", "ca.crt"} - set(data)
    if missing:
        raise CheckFailed(f"Secret {CA_SECRET} lacks {', '.join(sorted(missing))}")
    return data


def authority(context: Context) -> Finding:
    data = secret(context)
    try:
        wrong = ca.verify_chain(data["tls.crt"], data["ca.crt"], datetime.now(UTC))
        matches = ca.key_matches(data["tls.crt"], data["tls.key"])
    except ValueError as error:
        raise CheckFailed(f"Secret {CA_SECRET} cannot be read as PEM: {error}") from error
    if wrong or not matches:
        raise CheckFailed(wrong or "tls.key does not belong to tls.crt")
    return Finding(ca.describe(data["tls.crt"])[0].subject)


def expiry(context: Context) -> Finding:
    data = secret(context)
    now = datetime.now(UTC)
    certificates = [*ca.describe(data["tls.crt"]), *ca.describe(data["ca.crt"])]
    first = min(certificates, key=lambda one: one.not_after)
    text = f"{first.subject} until {first.not_after:%Y-%m-%d}"
    if first.not_after < now:
        raise CheckFailed(f"{text}: expired")
    if first.not_after - now < SOON:
        raise Warned(f"{text}: {(first.not_after - now).days} days left")
    return Finding(text, {"notAfter": first.not_after.isoformat()})


def root_key_outside(context: Context) -> Finding:
    path = f"/api/v1/namespaces/{context.namespace}/secrets/heddle-ca-root"
    try:
        found = context.cluster.find(path)
    except ApiError as error:
        if error.status == 403:
            raise Skipped("you may not read Secrets here") from error
        raise
    if found is not None:
        raise Warned("the root's key lies in Secret heddle-ca-root: who reads it can be anyone in the mesh")
    return Finding("kept by the operator")


def webhook_bundle(context: Context) -> Finding:
    """The API server must trust what the control plane shows: each webhook carries a root of the mesh."""
    roots = {one.serial for one in ca.describe(secret(context)["ca.crt"])}
    for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
        found = context.cluster.find(f"{ADMISSION_API}/{kind}/{WEBHOOKS}")
        if found is None:
            raise CheckFailed(f"there is no {kind.removesuffix('s')} {WEBHOOKS}")
        for hook in found.get("webhooks", []):
            bundle = base64.b64decode(hook["clientConfig"].get("caBundle") or "").decode(errors="replace")
            try:
                given = {one.serial for one in ca.describe(bundle)}
            except ValueError as error:
                raise CheckFailed(f"{kind}/{hook['name']}: caBundle is empty or no PEM") from error
            if not roots & given:
                raise CheckFailed(f"{kind}/{hook['name']}: caBundle holds none of the mesh's roots")
    return Finding()


CATEGORY = Category(
    "certificates",
    "Certificate authority",
    (
        Check(
            name="authority",
            description="the intermediate is valid, and signed by a root of the bundle",
            hint="meshctl ca init --dir DIR, then meshctl install --ca DIR",
            run=authority,
            fatal=True,
        ),
        Check(name="expiry", description="none of its certificates ends soon", hint=RENEW, run=expiry),
        Check(
            name="root-key",
            description="the root's key is not in the cluster",
            hint="make the authority yourself: meshctl ca init, then install with --ca",
            run=root_key_outside,
        ),
        Check(
            name="webhook-certificate",
            description="the API server trusts the webhooks' certificate",
            hint="the leader writes it; look at its log: kubectl -n heddle-system logs deployment/heddle-control-plane",
            run=webhook_bundle,
            retry_seconds=30,
        ),
    ),
)

"""Who is calling: the API server's word on a ServiceAccount token. Nothing else is believed."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from control_plane.kube.client import KubeClient

AUDIENCE = "mesh.heddle.dev"
MAX_TOKEN = 16 * 1024
_PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
_PREFIX = "system:serviceaccount:"


class Caller(NamedTuple):
    """The ServiceAccount, and the pod that its token is bound to (empty: it is bound to none)."""

    namespace: str
    service_account: str
    pod: str
    pod_uid: str


class _User(msgspec.Struct, frozen=True):
    username: str = ""
    extra: dict[str, list[str]] = {}


class _Status(msgspec.Struct, frozen=True):
    authenticated: bool = False
    user: _User = _User()
    audiences: list[str] = []


class _Review(msgspec.Struct, frozen=True):
    status: _Status = _Status()


_decoder = msgspec.json.Decoder(_Review)


async def review(client: KubeClient, token: str) -> Caller | None:
    """Ask the API server. None: the token is not good, or not for us, or not a ServiceAccount's.

    Raises:
        KubeError: the API server did not answer the question.
    """
    if not token or len(token) > MAX_TOKEN or not token.isascii():
        return None
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token, "audiences": [AUDIENCE]},
    }
    status = _decoder.decode(await client.post(_PATH, body)).status
    # An API server that knows no audiences leaves them out: such an answer does not prove that the token is for us.
    if not status.authenticated or AUDIENCE not in status.audiences or not status.user.username.startswith(_PREFIX):
        return None
    namespace, _, name = status.user.username.removeprefix(_PREFIX).partition(":")
    return Caller(namespace, name, _extra(status.user, "pod-name"), _extra(status.user, "pod-uid"))


def _extra(user: _User, name: str) -> str:
    values = user.extra.get(f"authentication.kubernetes.io/{name}", [])
    return values[0] if len(values) == 1 else ""

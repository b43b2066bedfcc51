"""AdmissionReview (admission.k8s.io/v1): read within bounds, answered. Both webhooks speak it.

Source: Kubernetes documentation, "Dynamic Admission Control".
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from mesh_policy.errors import Violation

MAX_REVIEW_BYTES = 8 * 1024 * 1024
"""The API server takes objects up to 3 MiB, and a review of an update holds two."""
READ_SECONDS = 10.0
MAX_WARNINGS = 16
MAX_WARNING_CHARS = 256
"""The API server cuts longer ones."""
MAX_VIOLATIONS = 32


class Struct(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of the parts; fields that we do not read are skipped."""


class GroupVersionKind(Struct, frozen=True, kw_only=True):
    kind: str
    group: str = ""
    version: str = ""


class Request(Struct, frozen=True, kw_only=True):
    """What is asked. `object` stays undecoded until somebody knows its type."""

    uid: str
    kind: GroupVersionKind
    operation: str = "CREATE"
    namespace: str = ""
    name: str = ""
    object: msgspec.Raw = msgspec.Raw(b"null")


class _Review(Struct, frozen=True, kw_only=True):
    request: Request
    api_version: str = ""
    kind: str = ""


class _Status(Struct, frozen=True, kw_only=True):
    code: int
    reason: str
    message: str


class _Response(Struct, frozen=True, kw_only=True):
    uid: str
    allowed: bool
    status: _Status | None = None
    patch_type: str | None = None
    patch: str | None = None
    warnings: tuple[str, ...] = ()


class _Answer(Struct, frozen=True, kw_only=True, omit_defaults=False):
    response: _Response
    api_version: str = "admission.k8s.io/v1"
    kind: str = "AdmissionReview"


_decoder = msgspec.json.Decoder(_Review)


async def read(request: web.Request) -> Request:
    """Read one review.

    Raises:
        web.HTTPException: 400 not a review, 408 too slow, 413 too large.
    """
    try:
        async with asyncio.timeout(READ_SECONDS):
            body = bytearray()
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_REVIEW_BYTES:
                    raise web.HTTPRequestEntityTooLarge(MAX_REVIEW_BYTES, len(body))
    except TimeoutError as error:
        raise web.HTTPRequestTimeout(text=f"the review did not arrive within {READ_SECONDS:g} s") from error
    try:
        review = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise web.HTTPBadRequest(text=f"not an AdmissionReview: {error}") from error
    if review.kind != "AdmissionReview" or review.api_version != "admission.k8s.io/v1":
        raise web.HTTPBadRequest(text="not an AdmissionReview of admission.k8s.io/v1")
    return review.request


def allow(request: Request, *, warnings: Sequence[str] = (), patch: Sequence[dict[str, Any]] = ()) -> web.Response:
    """Let the object in, changed by the patch, and say what its owner should know."""
    encoded = base64.b64encode(msgspec.json.encode(patch)).decode() if patch else None
    return _reply(
        _Response(
            uid=request.uid,
            allowed=True,
            patch=encoded,
            patch_type="JSONPatch" if encoded else None,
            warnings=_bounded(warnings),
        )
    )


def deny(request: Request, violations: Sequence[Violation], *, warnings: Sequence[str] = ()) -> web.Response:
    """Refuse the object; the message has one line for each thing that is wrong."""
    lines = [str(violation) for violation in violations[:MAX_VIOLATIONS]]
    if len(violations) > MAX_VIOLATIONS:
        lines.append(f"and {len(violations) - MAX_VIOLATIONS} more")
    status = _Status(code=422, reason="Invalid", message="\n".join(lines))
    return _reply(_Response(uid=request.uid, allowed=False, status=status, warnings=_bounded(warnings)))


def _bounded(warnings: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        text if len(text) <= MAX_WARNING_CHARS else text[: MAX_WARNING_CHARS - 3] + "..."
        for text in warnings[:MAX_WARNINGS]
    )


def _reply(response: _Response) -> web.Response:
    return web.Response(body=msgspec.json.encode(_Answer(response=response)), content_type="application/json")

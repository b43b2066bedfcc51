"""The validating webhook over HTTP."""

from __future__ import annotations

import logging

from aiohttp import web

from control_plane import admission_review
from control_plane.admission.verdict import verdict
from control_plane.index.store import Index

logger = logging.getLogger(__name__)

PATH = "/validate"


def routes(index: Index) -> list[web.RouteDef]:
    """The webhook's route. The index is read for warnings only, so an empty one (at start) refuses nothing wrongly."""

    async def handle(request: web.Request) -> web.Response:
        review = await admission_review.read(request)
        if review.operation not in ("CREATE", "UPDATE"):
            return admission_review.allow(review)
        found = verdict(review.kind.kind, review.object, index)
        if not found.violations:
            return admission_review.allow(review, warnings=found.warnings)
        about = {"kind": review.kind.kind, "namespace": review.namespace, "object": review.name}
        logger.info("object refused", extra={**about, "reason": "; ".join(map(str, found.violations))})
        return admission_review.deny(review, found.violations)

    return [web.post(PATH, handle)]

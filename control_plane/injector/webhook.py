"""The mutating webhook over HTTP.

The API server chooses the path by the label of the pod's namespace (three webhooks in the chart, each with its
selector), so the answer never depends on how fresh a cache of namespaces is.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from control_plane import admission_review
from control_plane.injector.patch import Injected, NamespaceWish, Refused, Untouched, inject
from control_plane.injector.pod import Pod
from control_plane.injector.settings import InjectorSettings
from mesh_policy.errors import Violation

logger = logging.getLogger(__name__)

PATHS = {f"/inject/namespace-{wish}": wish for wish in NamespaceWish}
_decoder = msgspec.json.Decoder(Pod)


def routes(settings: Callable[[], InjectorSettings]) -> list[web.RouteDef]:
    """The webhook's routes.

    Args:
        settings: asked for every pod; what it returns holds the current trust bundle and trust domain.
    """

    def handler(namespace: NamespaceWish) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.Response:
            return _answer(await admission_review.read(request), namespace, settings())

        return handle

    return [web.post(path, handler(namespace)) for path, namespace in PATHS.items()]


def _answer(review: admission_review.Request, namespace: NamespaceWish, settings: InjectorSettings) -> web.Response:
    if review.kind.kind != "Pod" or review.operation != "CREATE":
        return admission_review.allow(review)
    if not settings.ready:
        # A pod without trust could never start: refused now, its controller tries again.
        raise web.HTTPServiceUnavailable(text="the mesh's CA is not ready yet; try again", headers={"retry-after": "1"})
    try:
        pod = _decoder.decode(review.object)
    except msgspec.MsgspecError as error:
        message, _, path = str(error).partition(" - at `$.")
        return admission_review.deny(review, [Violation(path.removesuffix("`"), message)])
    decision = inject(pod, namespace, settings)
    about = {"namespace": review.namespace, "pod": pod.metadata.name or pod.metadata.generate_name}
    match decision:
        case Injected(patch, warnings):
            logger.info("pod injected", extra=about)
            return admission_review.allow(review, patch=patch, warnings=warnings)
        case Untouched(reason, warnings):
            logger.info("pod left alone", extra={**about, "reason": reason})
            return admission_review.allow(review, warnings=warnings)
        case Refused(violations):
            logger.warning("pod refused", extra={**about, "reason": "; ".join(map(str, violations))})
            return admission_review.deny(review, violations)

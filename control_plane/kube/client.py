"""HTTP to the API server: raw JSON in and out. Credentials, TLS and pooling are the client library's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import load_incluster_config, load_kube_config
from kubernetes.aio.config.config_exception import ConfigException

from control_plane.kube.connection import Connections
from control_plane.kube.errors import Unavailable, error_of

CALL_SECONDS = 15.0
"""Limit of an ordinary call. A page of 500 objects takes well under 1 s."""
CONNECT_SECONDS = 5.0
MAX_ERROR_BODY = 64 * 1024

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


class KubeClient:
    """Calls to one API server."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    @classmethod
    async def connect(cls, kubeconfig: Path | None) -> KubeClient:
        """With a kubeconfig, or with the pod's own ServiceAccount when it is None. Does not call the API server.

        Raises:
            ValueError: there are no usable credentials.
        """
        configuration = Configuration()
        try:
            if kubeconfig is None:
                load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            else:
                await load_kube_config(  # type: ignore[no-untyped-call]
                    config_file=str(kubeconfig), client_configuration=configuration
                )
        except (ConfigException, OSError) as error:
            raise ValueError(f"no credentials for the Kubernetes API: {error}") from error
        api = ApiClient(configuration)
        api.rest_client = Connections(configuration)
        return cls(api)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()  # type: ignore[no-untyped-call]

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """The body of one object or list."""
        return await self._call("GET", path, query)

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Create; answers with what was created."""
        return await self._call("POST", path, None, body)

    async def put(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Replace. With `metadata.resourceVersion` in the body: only if nobody was faster (else Conflict)."""
        return await self._call("PUT", path, None, body)

    async def patch(self, path: str, body: Mapping[str, Any] | list[dict[str, Any]], content_type: str) -> bytes:
        """Change a part."""
        return await self._call("PATCH", path, None, body, content_type)

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | list[dict[str, Any]] | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS, sock_connect=CONNECT_SECONDS)
        what = f"{method} {path}"
        async with self._response(what, method, path, query, timeout, body, content_type) as response:
            return await response.read()

    @asynccontextmanager
    async def lines(self, path: str, query: Mapping[str, str], idle_seconds: float) -> AsyncIterator[LineReader]:
        """Open a watch. Silence of more than `idle_seconds` ends it with Unavailable."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=idle_seconds)
        what = f"WATCH {path}"
        async with self._response(what, "GET", path, query, timeout) as response:
            yield LineReader(what, response)

    @asynccontextmanager
    async def _response(  # noqa: PLR0917 - the one place where a call is put together
        self,
        what: str,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        timeout: aiohttp.ClientTimeout,
        body: Any = None,
        content_type: str = "application/json",
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        pairs = list(query.items()) if query else None
        try:
            call = await self._api.param_serialize(
                method, path, query_params=pairs, header_params=headers, body=body, auth_settings=["BearerToken"]
            )
            answer = await self._api.call_api(*call, _request_timeout=timeout)
            response: aiohttp.ClientResponse = answer.response
            async with response:
                if response.status >= 400:
                    raise error_of(what, response.status, await response.content.read(MAX_ERROR_BODY))
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(what, 0, f"{type(error).__name__}: {error}") from error


MAX_LINE = 16 * 1024 * 1024
"""Bytes of one watch event; the API server stores objects of at most about 3 MiB."""


class LineReader:
    """The lines of a watch."""

    def __init__(self, what: str, response: aiohttp.ClientResponse) -> None:
        self._what = what
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Every complete line. Ends when the server ends the watch.

        Raises:
            Unavailable: the connection broke, or a line is longer than any object can be.
        """
        rest = bytearray()
        try:
            async for chunk in self._response.content.iter_any():
                rest += chunk
                *complete, last = rest.split(b"\n") if b"\n" in chunk else [rest]
                rest = bytearray(last)
                if len(rest) > MAX_LINE:
                    raise Unavailable(self._what, 0, f"an event of more than {MAX_LINE} bytes")
                for line in complete:
                    if line:
                        yield bytes(line)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(self._what, 0, f"{type(error).__name__}: {error}") from error

"""The CLI's own door to the Kubernetes API: paths and plain dictionaries in and out. Only importer of `kubernetes`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import kubernetes.client
import kubernetes.config
import kubernetes.stream.ws_client
import urllib3.exceptions
from kubernetes.client.exceptions import ApiException

from meshctl.errors import EXIT_UNAVAILABLE, MeshctlError

Object = dict[str, Any]
# without types upstream
websocket: Any = kubernetes.stream.ws_client
load_config: Any = kubernetes.config.new_client_from_config
PAGE = 500
TIMEOUT_SECONDS = 30.0
FIELD_MANAGER = "meshctl"
STDOUT, STDERR, STATUS = 1, 2, 3


class ApiError(MeshctlError):
    """The API server's refusal; `status` is its HTTP status."""

    def __init__(self, status: int, message: str, what: str) -> None:
        super().__init__(f"{what}: {message}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Executed:
    stdout: str
    stderr: str
    code: int


class Running:
    """A command in a container whose output is read while it runs."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._error = ""

    def lines(self, timeout_seconds: float) -> Iterator[str]:
        """Lines of stdout as they come, until the command ends or nothing more may come within the limit."""
        deadline = time.monotonic() + timeout_seconds
        while (left := deadline - time.monotonic()) > 0:
            line = self._socket.readline_channel(STDOUT, timeout=left)
            if line:
                yield line
            elif not self._socket.is_open():
                yield from self._rest()
                return

    def _rest(self) -> Iterator[str]:
        yield from str(self._socket.read_channel(STDOUT)).splitlines()

    def send(self, text: str) -> None:
        self._socket.write_stdin(text)

    def close(self) -> None:
        self._socket.close()


class Cluster:
    """One cluster, as the kubeconfig's user sees it."""

    def __init__(self, kubeconfig: str | None = None, context: str | None = None) -> None:
        """Raises MeshctlError when there is no usable kubeconfig."""
        try:
            self._api = load_config(kubeconfig, context, persist_config=False)
        except Exception as error:
            # its own, the file's, and what it runs into when the file holds something else: none of them names the file
            where = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
            raise MeshctlError(
                f"no cluster: kubeconfig {where}: {error}", "give --kubeconfig FILE or set KUBECONFIG", EXIT_UNAVAILABLE
            ) from error
        self._api.configuration.retries = urllib3.Retry(connect=2, read=0, backoff_factor=0.3)
        self._api.rest_client = kubernetes.client.rest.RESTClientObject(self._api.configuration)
        self.kubeconfig = kubeconfig
        self.context = context
        self.host: str = self._api.configuration.host

    # --- objects ---

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> bytes:
        """Raises ApiError (the server's refusal) or MeshctlError (no server)."""
        headers = {"Accept": "application/json", "Content-Type": content_type}
        serialized = self._api.param_serialize(
            method, path, query_params=list((query or {}).items()), header_params=headers, body=body,
            auth_settings=["BearerToken"],
        )  # fmt: skip
        try:
            answer = self._api.call_api(*serialized, _request_timeout=timeout_seconds)
            data = cast(bytes, answer.read() or b"")
        except ApiException as error:
            raise ApiError(error.status or 0, str(error.reason), f"{method} {path}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason else error
            raise MeshctlError(
                f"the API server at {self.host} cannot be reached: {cause}",
                "look at --kubeconfig and --context, and whether the cluster runs",
                EXIT_UNAVAILABLE,
            ) from error
        if not 200 <= answer.status <= 299:
            raise ApiError(answer.status, reason(data), f"{method} {path}")
        return data

    def get(self, path: str, query: dict[str, str] | None = None) -> Object:
        return cast(Object, json.loads(self.call("GET", path, query=query)))

    def find(self, path: str) -> Object | None:
        """None: there is no such object (or no such kind)."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def items(self, path: str, label_selector: str = "") -> list[Object]:
        """All objects of a list, page by page; [] when the kind does not exist."""
        found: list[Object] = []
        query = {"limit": str(PAGE)} | ({"labelSelector": label_selector} if label_selector else {})
        while True:
            try:
                page = self.get(path, query)
            except ApiError as error:
                if error.status == 404:
                    return []
                raise
            found += page.get("items", [])
            token = page.get("metadata", {}).get("continue")
            if not token:
                return found
            query["continue"] = token

    def create(self, path: str, body: Object, dry_run: bool = False) -> Object:
        """With `dry_run` the API server does everything but keep it: defaults, webhooks, validation."""
        query = {"dryRun": "All", "fieldValidation": "Strict"} if dry_run else {"fieldValidation": "Strict"}
        return cast(Object, json.loads(self.call("POST", path, body, query=query)))

    def apply(self, path: str, body: Object) -> Object:
        """Server-side apply of one object at its own path; takes over fields that others own."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return cast(
            Object, json.loads(self.call("PATCH", path, body, query=query, content_type="application/apply-patch+yaml"))
        )

    def patch(self, path: str, body: Any, content_type: str = "application/merge-patch+json") -> Object:
        query = {"fieldManager": FIELD_MANAGER}
        return cast(Object, json.loads(self.call("PATCH", path, body, query=query, content_type=content_type)))

    def delete(self, path: str, propagation: str = "Background") -> bool:
        """False: it was not there."""
        try:
            self.call("DELETE", path, {"propagationPolicy": propagation})
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def allowed(self, verb: str, group: str, resource: str, namespace: str = "") -> bool:
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        answer = self.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
        return bool(answer.get("status", {}).get("allowed"))

    # --- pods ---

    def logs(self, namespace: str, pod: str, container: str, since_seconds: int, tail: int = 2000) -> list[str]:
        query = {"container": container, "sinceSeconds": str(since_seconds), "tailLines": str(tail)}
        data = self.call("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}/log", query=query)
        return data.decode(errors="replace").splitlines()

    def start(self, namespace: str, pod: str, container: str, argv: list[str], stdin: bool = False) -> Running:
        query = [("command", word) for word in argv]
        query += [("container", container), ("stdout", "true"), ("stderr", "true"), ("stdin", str(stdin).lower())]
        url = f"{self.host}/api/v1/namespaces/{namespace}/pods/{pod}/exec?{urlencode(query)}"
        headers: dict[str, str] = {}
        self._api.update_params_for_auth(headers, [], ["BearerToken"], url, "GET", None)
        try:
            socket = websocket.WSClient(self._api.configuration, websocket.get_websocket_url(url), headers, False)
        except Exception as error:
            # the library lets everything through here: its own, websocket-client's and the socket's errors
            raise MeshctlError(f"exec in {namespace}/{pod} ({container}): {error}") from error
        return Running(socket)

    def execute(
        self, namespace: str, pod: str, container: str, argv: list[str], timeout_seconds: float = TIMEOUT_SECONDS
    ) -> Executed:
        """Runs a command to its end. Raises MeshctlError when it cannot be started or takes too long."""
        socket = self.start(namespace, pod, container, argv)._socket
        stdout, stderr = [], []
        deadline = time.monotonic() + timeout_seconds
        while socket.is_open():
            if time.monotonic() > deadline:
                socket.close()
                raise MeshctlError(f"exec in {namespace}/{pod} ({container}): no end within {timeout_seconds:g} s")
            socket.update(timeout=min(1.0, max(0.01, deadline - time.monotonic())))
            stdout.append(socket.read_channel(STDOUT))
            stderr.append(socket.read_channel(STDERR))
        code = exit_code(str(socket.read_channel(STATUS)))
        return Executed("".join(stdout), "".join(stderr), code)

    def pod_get(self, namespace: str, pod: str, port: int, path: str) -> str:
        """GET of a plain HTTP port of a pod, through the API server."""
        return self.call("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}").decode()


def reason(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return data[:300].decode(errors="replace") or "no reason given"


def exit_code(status: str) -> int:
    """The exit code out of the Status object that ends an exec; 255 when it says nothing of one."""
    try:
        value = json.loads(status)
    except ValueError:
        return 255
    if value.get("status") == "Success":
        return 0
    causes = value.get("details", {}).get("causes", [])
    codes = [cause["message"] for cause in causes if cause.get("reason") == "ExitCode"]
    return int(codes[0]) if codes and codes[0].isdigit() else 255

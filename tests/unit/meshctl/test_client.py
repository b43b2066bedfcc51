"""The door to the API, against a server that speaks HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from meshctl.client import ApiError, Cluster, exit_code, reason
from meshctl.errors import EXIT_UNAVAILABLE, MeshctlError

SEEN: list[tuple[str, str, str]] = []


class Api(BaseHTTPRequestHandler):
    """Pods in pages of two; echoes writes; everything else is not there."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        parts, length = urlsplit(self.path), int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        SEEN.append((self.command, self.path, self.headers.get("content-type", "")))
        if parts.path == "/api/v1/pods":
            start = int(parse_qs(parts.query).get("continue", ["0"])[0])
            names = ["a", "b", "c", "d", "e"][start : start + 2]
            following = {"continue": str(start + 2)} if start + 2 < 5 else {}
            self.reply(200, {"metadata": following, "items": [{"metadata": {"name": name}} for name in names]})
        elif self.command in ("POST", "PATCH"):
            self.reply(201, json.loads(body))
        else:
            self.reply(404, {"kind": "Status", "message": 'pods "x" not found'})

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the base class named them

    def reply(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class named it
        return


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    SEEN.clear()
    yield Cluster(str(a_kubeconfig(tmp_path, f"http://127.0.0.1:{server.server_port}")))
    server.shutdown()
    server.server_close()
    thread.join()


def a_kubeconfig(folder: Path, server: str) -> Path:
    path = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(json.dumps(config))
    return path


def test_lists_are_read_page_by_page(cluster: Cluster) -> None:
    assert [pod["metadata"]["name"] for pod in cluster.items("/api/v1/pods")] == ["a", "b", "c", "d", "e"]
    assert len(SEEN) == 3


def test_what_is_not_there_is_none_or_empty(cluster: Cluster) -> None:
    assert cluster.find("/api/v1/namespaces/x/pods/x") is None
    assert cluster.items("/apis/none/v1/nothings") == []
    assert cluster.delete("/api/v1/namespaces/x/pods/x") is False
    with pytest.raises(ApiError, match='pods "x" not found'):
        cluster.get("/api/v1/namespaces/x/pods/x")


def test_apply_is_a_server_side_apply(cluster: Cluster) -> None:
    assert cluster.apply("/api/v1/namespaces/n", {"kind": "Namespace"}) == {"kind": "Namespace"}
    method, path, content_type = SEEN[-1]
    assert (method, content_type) == ("PATCH", "application/apply-patch+yaml")
    assert "fieldManager=meshctl" in path


def test_a_dry_run_says_so(cluster: Cluster) -> None:
    cluster.create("/api/v1/namespaces", {"kind": "Namespace"}, dry_run=True)
    assert "dryRun=All" in SEEN[-1][1]
    cluster.create("/api/v1/namespaces", {"kind": "Namespace"})
    assert "dryRun" not in SEEN[-1][1]


def test_no_server_is_said_with_what_to_look_at(tmp_path: Path) -> None:
    away = Cluster(str(a_kubeconfig(tmp_path, "http://127.0.0.1:1")))
    with pytest.raises(MeshctlError, match="cannot be reached") as refused:
        away.get("/version")
    assert refused.value.code == EXIT_UNAVAILABLE
    assert "--kubeconfig" in refused.value.hint


def test_no_kubeconfig_is_said(tmp_path: Path) -> None:
    with pytest.raises(MeshctlError, match="no cluster"):
        Cluster(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ('{"status":"Success"}', 0),
        ('{"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}', 3),
        ('{"status":"Failure","message":"no such container"}', 255),
        ("", 255),
    ],
)
def test_the_exit_code_of_a_command(status: str, code: int) -> None:
    assert exit_code(status) == code


def test_a_refusal_without_json_is_shown_as_it_is() -> None:
    assert reason(b"upstream away") == "upstream away"
    assert reason(b"") == "no reason given"

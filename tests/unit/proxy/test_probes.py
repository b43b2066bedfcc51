"""HEDDLE_PROBES."""

from __future__ import annotations

import msgspec
import pytest

from proxy.probes import Grpc, HttpGet, HttpHeader, Probe, TcpSocket, parse_probes


def test_the_three_kinds() -> None:
    found = parse_probes(
        '{"/app-health/a/livez":{"httpGet":{"path":"/x","port":80,"httpHeaders":[{"name":"A","value":"b"}]},"timeoutSeconds":2},'
        '"/app-health/a/readyz":{"tcpSocket":{"port":81}},"/app-health/b/livez":{"grpc":{"port":82,"service":"s"}}}'
    )
    assert found == {
        "/app-health/a/livez": Probe(
            http_get=HttpGet(path="/x", port=80, http_headers=(HttpHeader("A", "b"),)), timeout_seconds=2
        ),
        "/app-health/a/readyz": Probe(tcp_socket=TcpSocket(81)),
        "/app-health/b/livez": Probe(grpc=Grpc(82, "s")),
    }


@pytest.mark.parametrize(
    "probe",
    ["{}", '{"exec":{}}', '{"tcpSocket":{"port":1},"grpc":{"port":1}}', '{"tcpSocket":{"port":1},"timeoutSeconds":0}'],
)
def test_what_is_no_probe_is_refused(probe: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        parse_probes(f'{{"/p":{probe}}}')

"""The figures that the agent makes of HAProxy's."""

from __future__ import annotations

from proxy.agent.metrics import refused_calls, requests_total, text


def test_requests_by_direction_backend_and_code() -> None:
    exporter = (
        'haproxy_backend_http_responses_total{proxy="app_h1",code="2xx"} 7\n'
        'haproxy_backend_http_responses_total{proxy="h1:shop:api:80",code="5xx"} 3\n'
        'haproxy_frontend_http_responses_total{proxy="metrics",code="2xx"} 1\n'
    )
    assert requests_total(exporter).decode().splitlines() == [
        "# TYPE heddle_requests_total counter",
        'heddle_requests_total{direction="inbound",backend="app_h1",code="2xx"} 7',
        'heddle_requests_total{direction="outbound",backend="h1:shop:api:80",code="5xx"} 3',
    ]


def test_calls_that_were_refused_with_status_200() -> None:
    answer = "proc.grpc_outbound_5xx: type=sint value=<3>\n\nproc.other: type=sint value=<1>\n\nVariable not found.\n"
    assert refused_calls(answer).decode().splitlines() == [
        "# TYPE heddle_grpc_refused_total counter",
        'heddle_grpc_refused_total{direction="outbound",code="5xx"} 3',
    ]


def test_a_type_is_told_once_for_all_labels() -> None:
    values = {"a": 1, 'b{x="1"}': 2, 'b{x="2"}': 3}
    assert text(values, "gauge").decode().splitlines() == [
        "# TYPE a gauge",
        "a 1",
        "# TYPE b gauge",
        'b{x="1"} 2',
        'b{x="2"} 3',
    ]

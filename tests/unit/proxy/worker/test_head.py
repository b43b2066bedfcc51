from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.http import Headers, Response

from proxy.worker.body import CHUNKED, UNTIL_CLOSE
from proxy.worker.head import HeadError, parse_request, parse_response, write_request, write_response


def request(*fields: bytes, line: bytes = b"GET / HTTP/1.1") -> bytes:
    return b"\r\n".join((line, b"Host: api", *fields))


def test_what_concerns_the_connection_is_told_apart_from_what_rules_see() -> None:
    head = parse_request(
        request(
            b"Connection: Upgrade, X-Hop",
            b"Upgrade: websocket",
            b"x-hop: 1",
            b"TE: gzip, Trailers",
            b"X-Mesh-Internal-Frontend: shop/api/80",
            b"Expect: 100-continue",
            b"Content-Length: 5",
            b"x-kept: 1",
        )
    )
    assert head.request.data.headers.fields == (
        (b"Host", b"api"),
        (b"Expect", b"100-continue"),
        (b"Content-Length", b"5"),
        (b"x-kept", b"1"),
    )
    assert head.internal == {b"frontend": b"shop/api/80"}
    assert (head.framing, head.upgrade, head.keep_alive) == (5, b"websocket", True)
    assert head.accepts_trailers
    assert head.expects_continue


@pytest.mark.parametrize(
    ("fields", "framing"),
    [((), 0), ((b"content-length: 7",), 7), ((b"transfer-encoding: Chunked",), CHUNKED), ((b"content-length: 0",), 0)],
)
def test_framing_of_requests(fields: tuple[bytes, ...], framing: int) -> None:
    assert parse_request(request(*fields)).framing == framing


@pytest.mark.parametrize(
    ("line", "fields", "keeps"),
    [
        (b"GET / HTTP/1.1", (), True),
        (b"GET / HTTP/1.1", (b"connection: Close",), False),
        (b"GET / HTTP/1.0", (), False),
        (b"GET / HTTP/1.0", (b"connection: keep-alive",), True),
        (b"GET / HTTP/1.0", (b"connection: keep-alive, close",), False),
    ],
)
def test_who_keeps_the_connection(line: bytes, fields: tuple[bytes, ...], keeps: bool) -> None:
    assert parse_request(request(*fields, line=line)).keep_alive is keeps


def test_connection_cannot_take_away_what_it_does_not_own() -> None:
    head = parse_request(
        request(b"connection: host, authorization, content-length", b"authorization: x", b"content-length: 1")
    )
    assert [name for name, _ in head.request.data.headers.fields] == [b"Host", b"authorization", b"content-length"]


@pytest.mark.parametrize("protocol", [b"h2c", b"H2C", b"h2c, websocket"])
def test_an_upgrade_to_http2_is_not_passed_on(protocol: bytes) -> None:
    assert parse_request(request(b"connection: upgrade", b"upgrade: " + protocol)).upgrade is None


def test_upgrade_without_connection_means_nothing() -> None:
    assert parse_request(request(b"upgrade: websocket")).upgrade is None


def test_absolute_form_with_its_own_host_becomes_origin_form() -> None:
    head = parse_request(request(line=b"GET http://api/x?y=1 HTTP/1.1"))
    assert head.request.data.path == b"/x?y=1"


bad = st.sampled_from(
    [
        b"\x00",
        b"\r",
        b"\n",
        b"\x0b",
        b"\x7f",
        b"\r\n x",
        b"\n\n",
        b"Host: b\r\n",
        b"transfer-encoding: chunked\r\n",
        b": x\r\n",
    ]
)


@given(st.integers(0, 60), bad, st.lists(st.sampled_from([b"x: 1", b"content-length: 3", b"te: trailers"]), max_size=3))
def test_a_disturbed_head_is_refused_or_written_back_without_a_break(
    place: int, disturbance: bytes, fields: list[bytes]
) -> None:
    whole = request(*fields)
    place = min(place, len(whole))
    try:
        head = parse_request(whole[:place] + disturbance + whole[place:])
        written = write_request(head, ((b"x-mesh-internal-backend", b"b"),))
    except (HeadError, ValueError):
        return
    check_written(written)


@given(st.binary(max_size=120))
def test_any_bytes_are_refused_or_written_back_without_a_break(data: bytes) -> None:
    for whole in (data, b"GET " + data + b" HTTP/1.1\r\nHost: api", b"GET / HTTP/1.1\r\nHost: api\r\n" + data):
        try:
            written = write_request(parse_request(whole), ())
        except (HeadError, ValueError):
            continue
        check_written(written)


def check_written(written: bytes) -> None:
    """What another reader of HTTP could see in it: one request line, one Host, fields, one end."""
    lines = written.split(b"\r\n")
    assert lines[-2:] == [b"", b""]
    assert re.fullmatch(rb"[!-~]+ /?[!-\xff]* HTTP/1\.1", lines[0])
    assert not any(re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line) for line in lines)
    assert all(re.match(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+: ", line) for line in lines[1:-2])
    assert sum(line.lower().startswith(b"host:") for line in lines) <= 1
    framing = [line for line in lines if line.lower().startswith((b"content-length:", b"transfer-encoding:"))]
    assert len(framing) <= 1


def test_a_status_without_a_reason_is_read() -> None:
    assert parse_response(b"HTTP/1.1 200", b"GET").response.data.status_code == 200


@pytest.mark.parametrize(
    ("method", "data", "framing", "declared"),
    [
        (b"GET", b"HTTP/1.1 200 OK\r\ncontent-length: 3", 3, 3),
        (b"GET", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked", CHUNKED, CHUNKED),
        (b"GET", b"HTTP/1.1 200 OK", UNTIL_CLOSE, UNTIL_CLOSE),
        (b"HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 3", 0, 3),
        (b"HEAD", b"HTTP/1.1 200 OK", 0, None),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 3", 0, 3),
        (b"GET", b"HTTP/1.1 204 No Content", 0, None),
        (b"GET", b"HTTP/1.1 100 Continue", 0, None),
    ],
)
def test_framing_of_answers(method: bytes, data: bytes, framing: int, declared: int | None) -> None:
    head = parse_response(data, method)
    assert (head.framing, head.declared) == (framing, declared)


def test_an_addon_can_write_neither_framing_nor_internal_fields() -> None:
    fields = ((b"Content-Length", b"9"), (b"X-Mesh-Internal-Route", b"x"), (b"Connection", b"close"), (b"a", b"b"))
    response = Response(b"HTTP/1.1", 200, b"OK", Headers(fields), None, None, 0, None)
    assert write_response(response, 2, ()) == b"HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 2\r\n\r\n"


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\x00", b"a\r"])
def test_a_value_that_would_break_the_head_is_not_written(value: bytes) -> None:
    response = Response(b"HTTP/1.1", 200, b"OK", Headers(((b"x", value),)), None, None, 0, None)
    with pytest.raises(ValueError, match="line break"):
        write_response(response, 0, ())
    with pytest.raises(ValueError, match="line break"):
        write_response(Response(b"HTTP/1.1", 200, value, Headers(), None, None, 0, None), 0, ())


@pytest.mark.parametrize("target", [b"/a b", b"/a\r\nx", b"", b"/a\n"])
def test_a_target_that_would_break_the_request_is_not_written(target: bytes) -> None:
    head = parse_request(request())
    head.request.data.path = target
    with pytest.raises(ValueError, match="request line"):
        write_request(head, ())

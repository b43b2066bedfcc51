from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy import path


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (b"/a/../b", "path-dot-segment"),
        (b"/..", "path-dot-segment"),
        (b"/a/.", "path-dot-segment"),
        (b"/a/..;x=1/b", "path-dot-segment"),
        (b"//a", "path-empty-segment"),
        (b"/a//", "path-empty-segment"),
        (b"/a%2Eb", "path-encoded-dot"),
        (b"/a%2fb", "path-encoded-slash"),
        (b"/a%2Fb", "path-encoded-slash"),
        (b"/a%5cb", "path-encoded-backslash"),
        (b"/a\\b", "path-backslash"),
        (b"/a%00b", "path-encoded-nul"),
        (b"/%61dmin", "path-encoded-plain"),
        (b"/adm%49n", "path-encoded-plain"),
        (b"/a%2Db", "path-encoded-plain"),
        (b"/a%7Eb", "path-encoded-plain"),
        (b"/a#b", "path-fragment"),
        (b"/a\x00b", "path-control-byte"),
        (b"/a\x7fb", "path-control-byte"),
        (b"/a b", "path-control-byte"),
        (b"/caf\xc3\xa9", "path-not-ascii"),
        (b"a", "path-not-absolute"),
        (b"", "path-not-absolute"),
        (b"/a?b#c", "query-control-byte"),
        (b"/a?b\x00c", "query-control-byte"),
        (b"/a?b\xe9", "query-control-byte"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(target: bytes, reason: str) -> None:
    assert path.refusal(target) == reason


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"*",
        b"/.well-known/x",
        b"/a...b",
        b"/...",
        b"/a;v=1/b",
        b"/%20",
        b"/a?x=../..//%2e%00",
        b"/a:b@c",
        b"/%252e",
        b"/a%3Ab%40c%3b%5B%5D%60%7B",
        b"/caf%C3%A9",
        b"/%u0061",
        b"/a?x=%61",
    ],
)
def test_ordinary_targets_pass(target: bytes) -> None:
    assert path.refusal(target) is None


@given(
    st.lists(
        st.sampled_from([b"/", b".", b"..", b"%2e", b"%2F", b"%00", b"%6", b"1", b"a", b";", b"\\", b"#", b"%"])
    ).map(b"".join)
)
def test_a_path_is_refused_exactly_when_one_of_the_rules_for_haproxy_finds_something(rest: bytes) -> None:
    target = b"/" + rest
    found = any(re.search(rule.pattern.encode(), target, re.IGNORECASE) for rule in path.REFUSALS)
    assert (path.refusal(target) is not None) == found


@given(st.binary(max_size=40))
def test_every_target_has_an_answer_and_what_passes_has_no_control_byte(target: bytes) -> None:
    if path.refusal(target) is None:
        assert target == b"*" or target.startswith(b"/")
        assert not re.search(rb"[\x00-\x20\x7f#]", target)


def test_no_percent_encoding_of_an_unreserved_character_passes_and_every_other_of_a_printable_one_does() -> None:
    refused = {chr(byte) for byte in range(0x21, 0x7F) if path.refusal(b"/a%%%02x" % byte) is not None}
    assert refused == {*string.ascii_letters, *string.digits, *"-._~", "/", "\\"}


def test_the_query_begins_at_the_first_question_mark() -> None:
    assert path.split_target(b"/a?b?c") == (b"/a", b"b?c")
    assert path.split_target(b"/a") == (b"/a", b"")

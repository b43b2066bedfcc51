"""Regular expressions that HAProxy's PCRE2 reads as RE2 does: those of intentions, which HAProxy decides.

`mesh_policy.regex` has accepted the expression as RE2. PCRE2 knows more, and it backtracks: an unbounded repetition
inside a repeated group takes exponential time. Such expressions are refused where they are written. What is left may
still be too much for a long value (HAProxy then denies the request: proxy.engine.haproxy.expressions).
"""

from __future__ import annotations

import re

_DIFFERS = re.compile(
    r"""
    \\[pPvsSCXRKhHNGZQE1-9]  # Unicode classes, white space (`\s` has the vertical tab or not), literal text,
                             # back references that RE2 reads as octal numbers, and what only PCRE2 knows
    | \\x\{                  # a character beyond one byte
    | \(\?[A-Za-z-]*U        # the flag that turns greed round
    | \(\?[^:imsP)-]         # groups that only one of them knows
    | \(\?P[^<]
    | (?<!^)\(\?[ims-]*\)    # flags that do not stand at the beginning
    | ^\(\?[ims-]*\)[*+?{]
    | \[\[[.=]               # collating elements
    """,
    re.VERBOSE,
)
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\{[ \t,\d]*\}|.", re.DOTALL)
_COUNT = re.compile(r"\{\d+(?:,\d*)?\}")
_PCRE_COUNT = re.compile(r"\{[ \t]*(?:\d+[ \t]*(?:,[ \t]*\d*)?|,[ \t]*\d+)[ \t]*\}")
"""What PCRE2 since 10.43 takes for a count; RE2 takes all but `_COUNT` for text."""
_UNBOUNDED = re.compile(r"[*+]|\{\d+,\}")
_REPEATS = re.compile(r"[*+]|\{(?!0\}|1\}|0,1\}|1,1\})\d+(?:,\d*)?\}")
_ASSERTIONS = frozenset(("^", "$", r"\A", r"\z", r"\b", r"\B"))
_SIGNS = frozenset("*+?")
_CLASS_NAME = re.compile(r"\[([:.=]).*?\1\]", re.DOTALL)
_OPEN_RANGE = re.compile(r"\[.*(?:(?:\\[dDwW]|:\])-[^\]]|-\[:)", re.DOTALL)
"""A range that begins or ends with many characters."""
_IGNORES_CASE = re.compile(r"\(\?[a-zA-Z]*i")
_ABOVE_ASCII = re.compile(r"[^\x00-\x7f]|\\x[89a-fA-F]|\\0?[0-3][0-7][0-7]")


def refusal(expression: str) -> str | None:
    """Why HAProxy cannot be given this expression, or None. It is RE2 already (mesh_policy.regex.refusal)."""
    if (piece := _read_differently(expression)) is not None:
        return f"{expression[:128]!r} holds {piece!r}, which RE2 and PCRE2 read differently; write it without"
    if _nested(expression):
        return f"{expression[:128]!r} repeats a group that itself holds an unbounded repetition; write it without"
    return None


def _read_differently(expression: str) -> str | None:
    if found := _DIFFERS.search(expression.replace("\\\\", "__")):
        return found.group()
    if (flag := _IGNORES_CASE.search(expression)) and _ABOVE_ASCII.search(expression):
        return flag.group()  # RE2 knows upper and lower case of Latin-1, PCRE2 those of ASCII alone
    pieces: list[str] = _TOKEN.findall(expression)
    for piece, following in zip(pieces, [*pieces, ""][1:], strict=True):
        if piece in _ASSERTIONS and (following in _SIGNS or _COUNT.fullmatch(following)):
            return piece + following
        if _is_another_count(piece) or _CLASS_NAME.fullmatch(piece) or _OPEN_RANGE.match(piece):
            return piece
    return None


def _is_another_count(piece: str) -> bool:
    return _PCRE_COUNT.fullmatch(piece) is not None and _COUNT.fullmatch(piece) is None


def _nested(expression: str) -> bool:
    """Is a group that holds `*`, `+` or `{n,}` repeated itself?"""
    pieces: list[str] = _TOKEN.findall(expression)
    groups: list[bool] = [False]
    for i, piece in enumerate(pieces):
        if piece == "(":
            groups.append(False)
        elif piece == ")" and len(groups) > 1:
            inner = groups.pop()
            following = pieces[i + 1] if i + 1 < len(pieces) else ""
            if inner and _REPEATS.fullmatch(following):
                return True
            groups[-1] |= inner
        elif _UNBOUNDED.fullmatch(piece):
            groups[-1] = True
    return False

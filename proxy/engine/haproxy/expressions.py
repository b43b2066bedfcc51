"""Regular expressions that mean the same to RE2 and to HAProxy's PCRE2, and cost PCRE2 no more than linear time.

`mesh_policy.regex` has accepted the expression as RE2. PCRE2 backtracks: an unbounded repetition inside a repeated
group can take exponential time, so such expressions are not given to it.
"""

from __future__ import annotations

import re

from mesh_policy.errors import InvalidConfig, Violation

_DIFFERS = re.compile(r"\\[pPvCXRKhHNGZ]|\\x\{|\(\?[A-Za-z-]*U|\(\?[^:imsP)-]|\[\[[.=]")
"""Written the same, read differently: Unicode classes, `\\v`, the flag U, and what only PCRE2 knows."""
_TOKEN = re.compile(r"\\Q.*?(?:\\E|\Z)|\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\{\d+(?:,\d*)?\}|.", re.DOTALL)
_UNBOUNDED = re.compile(r"[*+]|\{\d+,\}")
_REPEATS = re.compile(r"[*+]|\{(?!0\}|1\}|0,1\}|1,1\})\d+(?:,\d*)?\}")


def whole(expression: str) -> str:
    """The expression as PCRE2 takes it, matching whole values.

    Raises:
        InvalidConfig: PCRE2 could read it differently or take more than linear time, saying which.
    """
    if _DIFFERS.search(expression):
        raise _refused(expression, "uses an escape or a flag that RE2 and PCRE2 read differently")
    if _nested(expression):
        raise _refused(expression, "repeats a group that itself holds an unbounded repetition")
    return f"^(?:{expression})$"


def _nested(expression: str) -> bool:
    """Is a group that holds `*`, `+` or `{n,}` repeated itself?"""
    pieces = _TOKEN.findall(expression)
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


def _refused(expression: str, why: str) -> InvalidConfig:
    message = f"regular expression {expression[:128]!r} {why}; write it without"
    return InvalidConfig((Violation("inbound.authorization", message),))

"""Regular expressions as HAProxy is given them: it has PCRE2, which backtracks and may give up.

HAProxy takes a search that was given up (too many steps, or no room on the stack of PCRE2's compiled code) for one that
found nothing. A rule that denies would not hold then, so a second expression tells that the first one has no answer.
`mesh_policy.pcre` has accepted what comes here.
"""

from __future__ import annotations

MAX_STEPS = 100_000
"""Of one search, about a millisecond. Without a limit of its own HAProxy's watchdog ends the whole process (measured:
`/.*a.*a.*b` on 8,000 characters)."""


def whole(expression: str) -> str:
    """Matches values that the expression matches as a whole."""
    return f"{_LIMIT}^(?:{expression})$"


def answered(expression: str) -> str:
    """Matches every value, unless the search for the expression in it is given up: it needs no less than `whole`."""
    return f"{_LIMIT}^(?:(?:{expression})$|)"


_LIMIT = f"(*LIMIT_MATCH={MAX_STEPS})"

"""TCP and TLS rules: which rule has a connection, by the server name that the client asks for, and which of the rule's
targets gets it.

Source: Gateway API, TCPRoute and TLSRoute. A name goes before a wildcard, the longer wildcard before the shorter, a
rule without names comes last; between equals the earlier rule has it.
"""

from __future__ import annotations

import re

from mesh_policy import split
from mesh_policy.errors import Violation
from mesh_policy.snapshot import Target, TcpRoutes, TcpRule
from mesh_policy.split import MAX_WEIGHT

MAX_PATTERN = 1000
"""Connections after which a pattern of targets repeats, at most. Weights that would need more are rounded to it: each
share is then right to 0.1 % of the connections, and none that is not 0 becomes 0."""
MAX_TARGETS = 62
MAX_WILDCARD_LABELS = 15
"""Of a wildcard, without its `*`; a name of the client may have any number."""
_NAME = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def normal(server_name: str) -> str:
    """A server name as names are compared: lower case, without the dot at its end."""
    return server_name.lower().removesuffix(".")


def find(routes: TcpRoutes, server_name: str | None) -> TcpRule | None:
    """The rule that decides on a connection. None: it is refused.

    Args:
        server_name: of the client's TLS hello, normal; None: there was none.
    """
    best: tuple[tuple[int, int], TcpRule] | None = None
    for rule in routes.rules:
        ranks = [rank for name in rule.server_names or (None,) if (rank := _rank(name, server_name)) is not None]
        if ranks and (best is None or min(ranks) < best[0]):
            best = min(ranks), rule
    return best[1] if best else None


def _rank(name: str | None, asked: str | None) -> tuple[int, int] | None:
    """How well a rule's name fits, the smaller the better. None: it does not."""
    if name is None:
        return 2, 0
    if asked is None:
        return None
    if not name.startswith("*."):
        return (0, 0) if asked == name else None
    return (1, -len(name)) if asked.endswith(name[1:]) and len(asked) > len(name) - 1 else None


def pattern(targets: tuple[Target, ...]) -> tuple[int, ...]:
    """Indices of the targets in the order in which connections go to them, again and again: a smooth weighted round
    robin. Empty: no target has a weight, every connection is refused."""
    weights = _bounded(split.reduce(tuple(target.weight for target in targets)))
    state, found = (0,) * len(weights), []
    for _ in range(sum(weights)):
        index, state = split.choose(weights, state)
        if index is not None:
            found.append(index)
    return tuple(found)


def _bounded(weights: tuple[int, ...]) -> tuple[int, ...]:
    """Weights with the same shares whose sum is at most `MAX_PATTERN`, by the largest remainder."""
    total = sum(weights)
    if total <= MAX_PATTERN:
        return weights
    scaled = [max(weight * MAX_PATTERN // total, min(weight, 1)) for weight in weights]
    while (missing := MAX_PATTERN - sum(scaled)) != 0:
        off = [weight * MAX_PATTERN / total - have for weight, have in zip(weights, scaled, strict=True)]
        if missing > 0:
            scaled[off.index(max(off))] += 1
        else:
            scaled[scaled.index(max(scaled))] -= 1
    return split.reduce(tuple(scaled))


def choose(rule: TcpRule, count: int) -> Target | None:
    """The target of the connection with this number, counted from 0 at any place of the pattern. None: refused."""
    order = pattern(rule.targets)
    return rule.targets[order[count % len(order)]] if order else None


def check(routes: TcpRoutes, path: str) -> list[Violation]:
    """What types cannot say: names, weights, how much of it there may be."""
    found: list[Violation] = []
    for i, rule in enumerate(routes.rules):
        at = f"{path}.rules[{i}]"
        found += [
            Violation(f"{at}.serverNames[{j}]", why)
            for j, name in enumerate(rule.server_names)
            if (why := refusal(name)) is not None
        ]
        if len(rule.targets) > MAX_TARGETS:
            found.append(
                Violation(f"{at}.targets", f"{len(rule.targets)} targets, more than the {MAX_TARGETS} allowed")
            )
        found += [
            Violation(f"{at}.targets[{j}].weight", f"{target.weight} is not between 0 and {MAX_WEIGHT}")
            for j, target in enumerate(rule.targets)
            if not 0 <= target.weight <= MAX_WEIGHT
        ]
    return found


def refusal(name: str) -> str | None:
    """Why a server name cannot be one of a rule's. None: it can."""
    if len(name) > 253 or not _NAME.fullmatch(name):
        return f"{name[:64]!r} is not a server name: use a.example or *.example, in lower case"
    if name.startswith("*.") and name.count(".") > MAX_WILDCARD_LABELS:
        return f"{name[:64]!r} is a wildcard of more than {MAX_WILDCARD_LABELS} labels"
    return None

"""Where requests and connections of a Service go, in few words: out of the configuration that a sidecar runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshctl import behaviour

Json = dict[str, Any]
SIGNS = {"Exact": "= ", "RegularExpression": "~ "}
"""Before a path that is no prefix."""


def of_frontend(frontend: Json, backends: dict[str, Json]) -> str:
    """A line for each match, in the order in which they are tried; one line for a Service without routes.

    Args:
        frontend: of `outbound.frontends`.
        backends: of `outbound.backends`, by name.
    """
    routes, connections = frontend.get("routes"), frontend.get("tcpRoutes")
    if routes is not None:
        entries: list[Json] = routes.get("entries", [])
        lines = [f"{_match(one.get('match', {}))} → {_rule(routes['rules'][one['rule']])}" for one in entries]
        return "\n".join(lines) or "404: its routes match nothing"
    if connections is not None:
        rules: list[Json] = connections.get("rules", [])
        lines = [f"{_names(one)} → {_shares(one.get('targets', []), 'refused')}" for one in rules]
        return "\n".join(lines) or "refused: its routes have no rules"
    rule = frontend.get("rule") or {}
    used = behaviour.of_backend(backends.get(frontend["backend"], {}))
    return f"{frontend['backend']} ({used}){behaviour.of_rule(rule)}{_faults(rule)}"


def _match(match: Json) -> str:
    """`GET = /path ?query=value header: value`; `~` stands before a regular expression."""
    return " ".join(_match_parts(match))


def _match_parts(match: Json) -> Iterator[str]:
    if match.get("method"):
        yield match["method"]
    path = match.get("path", {})
    yield SIGNS.get(path.get("type", ""), "") + path.get("value", "/")
    for one in match.get("query", ()):
        yield f"?{one['name']}={_value(one)}"
    for one in match.get("headers", ()):
        yield f"{one['name']}: {_value(one)}"


def _value(one: Json) -> str:
    return SIGNS["RegularExpression"] * (one.get("type") == "RegularExpression") + str(one["value"])


def _rule(rule: Json) -> str:
    redirect = rule.get("redirect")
    goes = f"redirect {redirect.get('status', 302)}" if redirect else _shares(rule.get("backends", []), "500")
    mirrors = "".join(f" + copy{_part(one)} to {one['backend']}" for one in rule.get("mirrors", []))
    return f"{goes}{mirrors}{behaviour.of_rule(rule)}{_faults(rule)}"


def _part(mirror: Json) -> str:
    percent = mirror.get("percent", 100)
    return f" of {percent:g} %" if percent < 100 else ""


def _shares(backends: list[Json], invalid: str) -> str:
    """`80 shop/api/80, 20 500`; what an invalid reference gets stands in its backend's place."""
    return ", ".join(f"{one.get('weight', 1)} {one.get('backend') or invalid}" for one in backends) or invalid


def _names(rule: Json) -> str:
    """Server names of a TLSRoute's rule."""
    return ", ".join(rule.get("serverNames", ())) or "all"


def _faults(rule: Json) -> str:
    return "".join(f" ! {one['name']}" for one in rule.get("faults", ()))

"""Paths, locations and statuses: what a redirect says and a rewrite does."""

from __future__ import annotations

from typing import Any

from tests.support.gateway.vocabulary import V1, Answer, Ask, Table, full, http, moved, path, prefix, redirect, rewrite

PREFIX_MATCH: tuple[tuple[str, str, str, str], ...] = (
    ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
    ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
    ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
    ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
    ("/foo", "/foo", "/xyz", "/xyz"),
    ("/foo/", "/foo", "/xyz", "/xyz/"),
    ("/foo/bar", "/foo", "", "/bar"),
    ("/foo/", "/foo", "", "/"),
    ("/foo", "/foo", "", "/"),
    ("/foo/", "/foo", "/", "/"),
    ("/foo", "/foo", "/", "/"),
    ("/foo/bar?q=1&r", "/foo", "/xyz", "/xyz/bar?q=1&r"),
    ("/foo/bar/baz", "/", "/xyz", "/xyz/foo/bar/baz"),
    ("/", "/", "/xyz", "/xyz/"),
    ("/foo%20bar/baz", "/foo%20bar", "/x", "/x/baz"),
)
"""Target, matched prefix, replacement, target then: the specification's own table, and a few."""


def prefixes() -> dict[str, Table]:
    found = {}
    for given, matched, replacement, then in PREFIX_MATCH:
        name = f"{given} by {matched} to {replacement or 'nothing'}"
        change = {"path": prefix(replacement)}
        found[f"redirect {name}"] = Table(
            (http(redirect(path(matched), **change)),), (moved(given, f"http://api{then}"),)
        )
        found[f"rewrite {name}"] = Table(
            (http(rewrite(path(matched), **change)),), ((Ask(given), Answer(backend=V1, target=then)),)
        )
    return found


def locations() -> dict[str, Table]:
    def on(called: int, location: str, host: str = "api", **wanted: Any) -> Table:
        return Table((http(redirect(**wanted)),), (moved("/p?q=1", location, port=called, host=host),))

    return {
        "host alone": on(80, "http://other/p?q=1", hostname="other"),
        "host alone, on a port that is not the scheme's": on(8080, "http://other:8080/p?q=1", hostname="other"),
        "the request's host stays": on(80, "http://shop.example/p?q=1", host="shop.example", path=full("/p")),
        "the port of the request's host is not the one that was called": on(
            80, "http://shop.example/p?q=1", host="shop.example:9999", path=full("/p")
        ),
        "https has its own port": on(8080, "https://api/p?q=1", scheme="https"),
        "http has its own port": on(8080, "http://api/p?q=1", scheme="http"),
        "a port of one's own": on(80, "http://api:8083/p?q=1", port=8083),
        "a port of one's own and a scheme": on(80, "https://api:8443/p?q=1", port=8443, scheme="https"),
        "443 with https is left out": on(80, "https://api/p?q=1", port=443, scheme="https"),
        "80 with http is left out": on(8080, "http://api/p?q=1", port=80),
        "443 with http is told": on(80, "http://api:443/p?q=1", port=443),
        "80 with https is told": on(80, "https://api:80/p?q=1", port=80, scheme="https"),
        "all at once": on(
            80, "https://other:8443/new?q=1", port=8443, scheme="https", hostname="other", path=full("/new")
        ),
        "a full path keeps the query": on(80, "http://api/new?q=1", path=full("/new")),
    }


def statuses() -> dict[str, Table]:
    found = {}
    for status in (301, 302, 303, 307, 308):
        answer = Answer(status, location="http://other/")
        found[f"status {status}"] = Table((http(redirect(hostname="other", statusCode=status)),), ((Ask(), answer),))
    return found

"""What no request may carry: targets that two programs could read differently (400, by the list of mesh_policy.path),
and headers that only the mesh may speak (removed)."""

from __future__ import annotations

from mesh_policy.path import BAD_QUERY, REFUSALS
from proxy.engine.haproxy import grpc
from proxy.engine.haproxy.quoting import quote

_RESERVED = r"^x[-_](mesh[-_](internal.*|peer)|forwarded[-_]client[-_]cert)$"


def refusal_rules() -> str:
    """Rules for the head of a frontend, before anything looks at the path.

    `path` is the target up to the first `?`, without scheme and authority. There is none for `OPTIONS *`, which passes,
    and for CONNECT, which does not: the sidecar is nobody's forward proxy.
    """
    lines = [
        _refuse("path-not-absolute", "!{ path -m beg -- / } !{ method OPTIONS }"),
        _refuse("path-not-absolute", "{ path -m found } !{ path -m beg -- / }"),
    ]
    lines += [_refuse(rule.reason, f"{{ path -m reg -i -- {quote(rule.pattern)} }}") for rule in REFUSALS]
    lines.append(_refuse("query-control-byte", f"{{ query -m reg -- {quote(BAD_QUERY)} }}"))
    return "".join(lines)


def strip_rules() -> str:
    """Names that only the mesh may speak are gone from every outside source before anything reads them.

    With `_` for `-` as well: many servers show both to the application as the same name. And an upgrade to HTTP/2 would
    carry requests past every rule: the application never sees such a wish, as if it did not know it.
    """
    return f"""\
  http-request del-header {quote(_RESERVED)} -m reg
  http-request del-header upgrade if {{ req.fhdr(upgrade) -m found }} !{{ req.fhdr(upgrade) -m str -i websocket }}
  http-request del-header http2-settings
"""


def _refuse(reason: str, condition: str) -> str:
    return f"""\
  http-request set-var(txn.reason) str({reason}) if !{{ var(txn.reason) -m found }} {condition}
"""


def refuse_rule() -> str:
    """Answers what `refusal_rules` found."""
    return (
        "  http-request return status 400 content-type text/plain hdr x-mesh-error %[var(txn.reason)]"
        f" {grpc.text('request target refused by the mesh')} if {{ var(txn.reason) -m found }}\n"
    )

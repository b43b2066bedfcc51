"""ServiceIntentions to HAProxy: `mesh_policy.authorization.decide`, exactly, before anything else sees a request.

Which intention decides depends on the caller alone, so it is looked up once per connection: by the whole identity, else by
its namespace, else the first that means everybody. What that intention says is data too; only L7 permissions become rules.
"""

from __future__ import annotations

from mesh_policy.authorization import check, source_holds
from mesh_policy.errors import InvalidConfig
from mesh_policy.identity import SpiffeId, parse_spiffe_id
from mesh_policy.snapshot import Authorization, HeaderPresence, HttpPermissionMatch, Intention
from proxy.engine.haproxy.expressions import whole
from proxy.engine.haproxy.quoting import header_name, quote
from proxy.engine.haproxy.rendering import Place

_NOBODY = SpiffeId("", "", "")
_DEFAULT_VERDICT = {"Deny": "deny", "Audit": "audit", "Allow": "allow"}


def authorization_maps(authorization: Authorization, trust_domain: str) -> dict[str, dict[str, str]]:
    """Identity and namespace of a caller to the index of the intention that decides; the index to its verdict and name.

    Raises:
        InvalidConfig: an intention is not one of those that `mesh_policy.authorization.check` lets pass.
    """
    violations = check(authorization, "inbound.authorization")
    if violations:
        raise InvalidConfig(tuple(violations))
    intentions = authorization.intentions
    identities = {uri for one in intentions for uri in one.source.identities or ()}
    namespaces = {one.source.namespace for one in intentions if one.source.namespace is not None}
    by_identity = {uri: _first(intentions, _parsed(uri), trust_domain) for uri in identities}
    # No ServiceAccount has an empty name: these two stand for the callers that no intention names one by one.
    by_namespace = {ns: _first(intentions, SpiffeId(trust_domain, ns, ""), trust_domain) for ns in namespaces}
    return {
        "intention_of_identity": {uri: index for uri, index in by_identity.items() if index is not None},
        "intention_of_namespace": {ns: index for ns, index in by_namespace.items() if index is not None},
        "intention_verdict": {str(i): one.action or "permissions" for i, one in enumerate(intentions)},
        "intention_name": {str(i): one.name for i, one in enumerate(intentions)},
    }


def session_rules(authorization: Authorization, trust_domain: str, place: Place) -> str:
    """Once per connection: `sess.intention`, `sess.verdict` (allow, deny, audit, permissions) and `sess.decided_by`.

    `sess.peer` must be set before, or left out for a caller without a certificate.
    """
    lines = [
        _session("intention", f"var(sess.peer),map_str({place.map('intention_of_identity')})", "has_peer"),
        "  tcp-request session set-var(sess.namespace) var(sess.peer),field(5,/) if in_domain\n",
        _session("intention", f"var(sess.namespace),map_str({place.map('intention_of_namespace')})", "in_domain"),
    ]
    everybody = _first(authorization.intentions, SpiffeId(trust_domain, "", ""), trust_domain)
    if everybody is not None:
        lines.append(_session("intention", f"str({everybody})", "in_domain"))
    lines += [
        f"  tcp-request session set-var(sess.verdict) var(sess.intention),map_str({place.map('intention_verdict')})\n",
        f"  tcp-request session set-var(sess.decided_by) var(sess.intention),map_str({place.map('intention_name')})\n",
        _session("verdict", f"str({_DEFAULT_VERDICT[authorization.default]})", ""),
        _session("decided_by", "str(default)", ""),
    ]
    acls = f"""\
  acl has_peer var(sess.peer) -m found
  acl in_domain var(sess.peer) -m beg -- {quote(f"spiffe://{trust_domain}/ns/")}
"""
    return acls + "".join(lines)


def tcp_rules() -> str:
    """For bytes: everything but allow and audit is closed. Permissions speak of HTTP and allow nothing here."""
    return """\
  tcp-request content set-var(txn.reason) var(sess.decided_by) unless { var(sess.verdict) -m str allow }
  tcp-request content reject unless { var(sess.verdict) -m str allow audit }
"""


def http_rules(authorization: Authorization) -> str:
    """For a request: permissions in their order, then the answer. A repeated header that is tested denies."""
    lines = ["  http-request set-var(txn.verdict) var(sess.verdict)\n"]
    for i, intention in enumerate(authorization.intentions):
        for j, permission in enumerate(intention.permissions):
            lines += _permission(i, j, permission.action, permission.http)
    lines.append(
        """\
  http-request set-var(txn.reason) var(sess.decided_by) unless { var(txn.verdict) -m str allow }
  http-request return status 403 content-type text/plain hdr x-mesh-error denied string "denied by the mesh\\n" \
unless { var(txn.verdict) -m str allow audit }
"""
    )
    return "".join(lines)


def _session(name: str, value: str, condition: str) -> str:
    """Sets a variable that is not there yet."""
    return (
        f"  tcp-request session set-var(sess.{name}) {value} if !{{ var(sess.{name}) -m found }} {condition}".rstrip()
        + "\n"
    )


def _first(intentions: tuple[Intention, ...], caller: SpiffeId, trust_domain: str) -> str | None:
    return next((str(i) for i, one in enumerate(intentions) if source_holds(one.source, caller, trust_domain)), None)


def _parsed(uri: str) -> SpiffeId:
    try:
        return parse_spiffe_id(uri)
    except ValueError:
        # An identity that nobody can have matches nobody.
        return _NOBODY


def _permission(i: int, j: int, action: str, http: HttpPermissionMatch) -> list[str]:
    head = f"{{ var(txn.verdict) -m str permissions }} {{ var(sess.intention) -m str {i} }}"
    acls, where = _target(f"p{i}_{j}", http)
    repeated = [header_name(header.name) for header in http.headers if header.present is None]
    tests = " ".join(_header(header) for header in http.headers)
    return [
        *acls,
        *(
            f"  http-request set-var(txn.verdict) str(deny) if {head} {where} {{ req.fhdr_cnt({name}) gt 1 }}\n"
            for name in repeated
        ),
        f"  http-request set-var(txn.verdict) str({action}) if {head} {where} {tests}".rstrip() + "\n",
    ]


def _target(name: str, http: HttpPermissionMatch) -> tuple[list[str], str]:
    """Named ACLs (lines of one name are joined by or) and the condition that uses them."""
    acls: list[str] = []
    conditions: list[str] = []
    prefix = (http.path_prefix or "").rstrip("/")
    if http.path_exact is not None:
        acls.append(f"  acl {name}_path path -m str -- {quote(http.path_exact)}\n")
    elif prefix:
        acls.append(f"  acl {name}_path path -m str -- {quote(prefix)}\n")
        acls.append(f"  acl {name}_path path -m beg -- {quote(prefix + '/')}\n")
    elif http.path_regex is not None:
        acls.append(f"  acl {name}_path path -m reg -- {quote(whole(http.path_regex))}\n")
    if acls:
        conditions.append(f"{name}_path")
    if http.methods:
        methods = " ".join(quote(method) for method in http.methods)
        acls.append(f"  acl {name}_method var(txn.method) -m str -- {methods}\n")
        conditions.append(f"{name}_method")
    return acls, " ".join(conditions)


def _header(header: HeaderPresence) -> str:
    fetch = f"req.fhdr({header_name(header.name)})"
    if header.present is not None:
        return f"{'!' * (header.present == header.invert)}{{ {fetch} -m found }}"
    method, pattern = next(
        (method, pattern)
        for method, pattern in (
            ("str", header.exact),
            ("beg", header.prefix),
            ("end", header.suffix),
            ("reg", None if header.regex is None else whole(header.regex)),
        )
        if pattern is not None
    )
    return f"{'!' * header.invert}{{ {fetch} -m {method} -- {quote(pattern)} }}"

"""ServiceIntentions to HAProxy: `mesh_policy.authorization.decide`, exactly, before anything else sees a request.

Which intention decides depends on the caller alone, so it is looked up: by the whole identity, else by its namespace,
else the first that means everybody (`*`). What that intention says is data too; only L7 permissions become rules.
"""

from __future__ import annotations

from mesh_policy.authorization import check, source_holds
from mesh_policy.errors import InvalidConfig
from mesh_policy.identity import SpiffeId, parse_spiffe_id
from mesh_policy.snapshot import Authorization, HeaderPresence, HttpPermissionMatch, Intention
from proxy.engine.haproxy import grpc
from proxy.engine.haproxy.expressions import answered, whole
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
    by_namespace["*"] = _first(intentions, SpiffeId(trust_domain, "", ""), trust_domain)
    verdicts = {str(i): one.action or "permissions" for i, one in enumerate(intentions)}
    return {
        "intention_of_identity": {uri: index for uri, index in by_identity.items() if index is not None},
        "intention_of_namespace": {ns: index for ns, index in by_namespace.items() if index is not None},
        "intention_verdict": {**verdicts, "default": _DEFAULT_VERDICT[authorization.default]},
        "intention_name": {str(i): one.name for i, one in enumerate(intentions)},
    }


def acls(trust_domain: str) -> str:
    """Named tests that the other rules here use. `sess.peer` is not there for a caller without a certificate."""
    return f"""\
  acl has_peer var(sess.peer) -m found
  acl in_domain var(sess.peer) -m beg -- {quote(f"spiffe://{trust_domain}/ns/")}
"""


def _lookup(rule: str, place: Place) -> str:
    """`txn.intention`, `txn.verdict` (allow, deny, audit, permissions), `txn.decided_by`: looked up every time.

    Per request and not per connection: connections are pooled, and a change must hold for the next request on them.
    """
    absent = "!{ var(txn.intention) -m found }"
    verdict, name = place.map("intention_verdict"), place.map("intention_name")
    by_identity, by_namespace = place.map("intention_of_identity"), place.map("intention_of_namespace")
    return f"""\
  {rule} set-var(txn.intention) var(sess.peer),map_str({by_identity}) if has_peer
  {rule} set-var(txn.intention) var(sess.peer),field(5,/),map_str({by_namespace}) if in_domain {absent}
  {rule} set-var(txn.intention) str(*),map_str({by_namespace}) if in_domain {absent}
  {rule} set-var(txn.intention) str(default) if {absent}
  {rule} set-var(txn.verdict) var(txn.intention),map_str({verdict},deny)
  {rule} set-var(txn.decided_by) var(txn.intention),map_str({name},default)
  {rule} set-var-fmt(txn.decided_by) "audit %[var(txn.decided_by)]" if {{ var(txn.verdict) -m str audit }}
"""


def tcp_rules(place: Place) -> str:
    """For bytes: everything but allow and audit is closed. Permissions speak of HTTP and allow nothing here."""
    return f"""\
{_lookup("tcp-request content", place)}\
  tcp-request content set-var(txn.reason) var(txn.decided_by) unless {{ var(txn.verdict) -m str allow }}
  tcp-request content reject unless {{ var(txn.verdict) -m str allow audit }}
"""


def http_rules(authorization: Authorization, place: Place) -> str:
    """For a request: permissions in their order, then the answer. A repeated header that is tested denies."""
    lines = [_lookup("http-request", place)]
    for i, intention in enumerate(authorization.intentions):
        for j, permission in enumerate(intention.permissions):
            lines += _permission(i, j, permission.action, permission.http)
    lines.append(
        f"""\
  http-request set-var(txn.reason) var(txn.decided_by) unless {{ var(txn.verdict) -m str allow }}
  http-request return status 403 content-type text/plain hdr x-mesh-error denied {grpc.text("denied by the mesh")} \
unless {{ var(txn.verdict) -m str allow audit }}
"""
    )
    return "".join(lines)


def _first(intentions: tuple[Intention, ...], caller: SpiffeId, trust_domain: str) -> str | None:
    return next((str(i) for i, one in enumerate(intentions) if source_holds(one.source, caller, trust_domain)), None)


def _parsed(uri: str) -> SpiffeId:
    try:
        return parse_spiffe_id(uri)
    except ValueError:
        # An identity that nobody can have matches nobody.
        return _NOBODY


def _permission(i: int, j: int, action: str, http: HttpPermissionMatch) -> list[str]:
    """Every test is an ACL of its own: HAProxy bounds the words of a line."""
    name = f"p{i}_{j}"
    head = f"{{ var(txn.verdict) -m str permissions }} {{ var(txn.intention) -m str {i} }}"
    acls, where = _target(name, http)
    tests: list[str] = []
    doubts: list[str] = []
    for k, header in enumerate(http.headers):
        lines, test, of_value = _header(f"{name}_{k}", header)
        acls += lines
        tests.append(test)
        doubts += of_value
    unanswered = [f"{{ path -m found }} !{name}_answered"] if http.path_regex is not None else []
    return [
        *acls,
        *(_verdict("deny", head, *where[:-1], doubt) for doubt in unanswered),
        *(_verdict("deny", head, *where, doubt) for doubt in doubts),
        _verdict(action, head, *where, *tests),
    ]


def _verdict(action: str, *conditions: str) -> str:
    return f"  http-request set-var(txn.verdict) str({action}) if {' '.join(conditions)}\n"


def _target(name: str, http: HttpPermissionMatch) -> tuple[list[str], list[str]]:
    """Named ACLs (lines of one name are joined by or) and their names: of the method, then of the path."""
    acls: list[str] = []
    names: list[str] = []
    if http.methods:
        methods = " ".join(quote(method) for method in http.methods)
        acls.append(f"  acl {name}_method var(txn.method) -m str -- {methods}\n")
        names.append(f"{name}_method")
    prefix = (http.path_prefix or "").rstrip("/")
    if http.path_exact is not None:
        acls.append(f"  acl {name}_path path -m str -- {quote(http.path_exact)}\n")
    elif prefix:
        acls.append(f"  acl {name}_path path -m str -- {quote(prefix)}\n")
        acls.append(f"  acl {name}_path path -m beg -- {quote(prefix + '/')}\n")
    elif http.path_regex is not None:
        acls.append(f"  acl {name}_path path -m reg -- {quote(whole(http.path_regex))}\n")
        acls.append(f"  acl {name}_answered path -m reg -- {quote(answered(http.path_regex))}\n")
    else:
        return acls, names
    return acls, [*names, f"{name}_path"]


def _header(name: str, header: HeaderPresence) -> tuple[list[str], str, list[str]]:
    """ACLs; the condition; conditions under which it cannot be told, and the request is denied."""
    field = header_name(header.name)
    fetch = f"req.fhdr({field})"
    if header.present is not None:
        condition = f"{'!' * (header.present == header.invert)}{name}_there"
        return [f"  acl {name}_there {fetch} -m found\n"], condition, []
    acls = [f"  acl {name}_twice req.fhdr_cnt({field}) gt 1\n"]
    doubts = [f"{name}_twice"]
    if header.regex is not None:
        acls.append(f"  acl {name}_value {fetch} -m reg -- {quote(whole(header.regex))}\n")
        acls.append(f"  acl {name}_there {fetch} -m found\n")
        acls.append(f"  acl {name}_answered {fetch} -m reg -- {quote(answered(header.regex))}\n")
        doubts.append(f"{name}_there !{name}_answered")
    else:
        given = (("str", header.exact), ("beg", header.prefix), ("end", header.suffix))
        method, text = next((method, text) for method, text in given if text is not None)
        acls.append(f"  acl {name}_value {fetch} -m {method} -- {quote(text)}\n")
    return acls, f"{'!' * header.invert}{name}_value", doubts

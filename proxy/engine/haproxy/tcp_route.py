"""TCP and TLS routes: the rule by the server name of the client's hello, then the target by the rule's pattern.

Everything of a route is data: a changed weight is one `set map`. The pattern of `mesh_policy.tcp_route` is a word of
one character a connection; a counter in a stick table says whose turn it is. Every pod begins at another place of it,
or those that open few connections would never reach the lighter targets.

The capture frontend waits for a client's first bytes for a moment only, since a server may speak first. A client that
takes longer to say its TLS hello goes on in the frontend `hello`, which waits as long as a handshake may take.
"""

from __future__ import annotations

import hashlib
import ipaddress
import string
from collections.abc import Iterable

from mesh_policy import tcp_route
from mesh_policy.snapshot import Frontend, TcpRule
from proxy.engine.haproxy import base
from proxy.engine.haproxy.rendering import Place

_LETTERS = string.digits + string.ascii_letters
"""A target in a pattern: its index is the place of its letter."""
_LABELS = tcp_route.MAX_WILDCARD_LABELS + 1
_TABLE = "tcp_rules"


def tcp_maps(frontends: Iterable[Frontend]) -> dict[str, dict[str, str]]:
    """Frontend and server name to rule; rule to its pattern; rule and letter to a backend. Names for the log.

    A wildcard is written from its end, `*.b.example` as `example.b.`, so that the longest one is found as a prefix.
    """
    found: dict[str, dict[str, str]] = {name: {} for name in _MAPS}
    for frontend in frontends:
        if frontend.tcp_routes is None:
            continue
        rules = frontend.tcp_routes.rules
        by_name = any(rule.server_names for rule in rules)
        found["tcp_routed"][frontend.name] = "by-name" if by_name else "any"
        for rule in rules:
            key = _key(frontend.name, rule)
            for name in rule.server_names or (None,):
                _add_name(found, frontend.name, name, key)
            _add_rule(found, key, rule)
    return found


_MAPS = ("tcp_routed", "tcp_any", "tcp_names", "tcp_wildcards", "tcp_patterns", "tcp_targets", "tcp_route", "tcp_rule")


def _key(frontend: str, rule: TcpRule) -> str:
    """A short name of a rule that stays when others come and go, and so does its counter."""
    text = "\n".join((frontend, rule.route, rule.name, *rule.server_names))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _add_name(found: dict[str, dict[str, str]], frontend: str, name: str | None, key: str) -> None:
    if name is None:
        found["tcp_any"].setdefault(frontend, key)
    elif name.startswith("*."):
        backwards = ".".join(reversed(name[2:].split(".")))
        found["tcp_wildcards"].setdefault(f"{frontend}/{backwards}.", key)
    else:
        found["tcp_names"].setdefault(f"{frontend}/{name}", key)


def _add_rule(found: dict[str, dict[str, str]], key: str, rule: TcpRule) -> None:
    if order := tcp_route.pattern(rule.targets):
        found["tcp_patterns"][key] = "".join(_LETTERS[index] for index in order)
    for index, target in enumerate(rule.targets):
        if target.backend is not None:
            found["tcp_targets"][f"{key}/{_LETTERS[index]}"] = target.backend
    found["tcp_route"][key] = rule.route
    if rule.name:
        found["tcp_rule"][key] = rule.name


def session_rules(place: Place) -> str:
    """Is the frontend one with TCP routes, and do they ask for a name?"""
    return f"""\
  tcp-request session set-var(sess.tcp_routed) var(sess.frontend),map_str({place.map("tcp_routed")})
"""


def choice_rules(place: Place, *, waits_on: bool) -> str:
    """Which rule, which target; `sess.section_tcp` is then the target's. A connection that has none ends here.

    They come last of the content rules, and the counter last of them: whatever stands before a rule that waits for
    bytes is done again when they come.

    Args:
        waits_on: a client that has not said its hello by now may go on to the frontend `hello`.
    """
    backwards = ".".join(f"%[var(txn.server_name),field(-{label},.)]" for label in range(1, _LABELS + 1))
    wait = (
        "  tcp-request content set-var(txn.hello) str(wait) if by_name !hello !{ req.len gt 0 }\n"
        "  tcp-request content set-var(txn.hello) str(wait) if by_name !hello { req.payload(0,1) -m bin 16 }\n"
        "  tcp-request content set-log-level silent if { var(txn.hello) -m found }\n"
        "  tcp-request content accept if { var(txn.hello) -m found }\n"
    )
    return f"""\
  acl tcp_routed var(sess.tcp_routed) -m found
  acl by_name var(sess.tcp_routed) -m str by-name
  acl hello req.ssl_hello_type 1
  acl tcp_rule var(txn.tcp_rule) -m found
  tcp-request content accept if !tcp_routed
  tcp-request content set-var(txn.server_name) req.ssl_sni,lower,regsub(\\.$,) if by_name hello
{wait if waits_on else ""}\
  tcp-request content set-var-fmt(txn.name) "%[var(sess.frontend)]/%[var(txn.server_name)]" if by_name
  tcp-request content set-var(txn.tcp_rule) var(txn.name),map_str({place.map("tcp_names")}) if by_name
  tcp-request content set-var-fmt(txn.name) "%[var(sess.frontend)]/{backwards}" if by_name !tcp_rule
  tcp-request content set-var(txn.tcp_rule) var(txn.name),regsub(\\.+$,),map_beg({place.map("tcp_wildcards")}) \
if by_name !tcp_rule
  tcp-request content set-var(txn.tcp_rule) var(sess.frontend),map_str({place.map("tcp_any")}) if !tcp_rule
  tcp-request content set-var(txn.route) var(txn.tcp_rule),map_str({place.map("tcp_route")}) if tcp_rule
  tcp-request content set-var(txn.rule) var(txn.tcp_rule),map_str({place.map("tcp_rule")}) if tcp_rule
  tcp-request content set-var(txn.pattern) var(txn.tcp_rule),map_str({place.map("tcp_patterns")}) if tcp_rule
  tcp-request content set-var(txn.length) var(txn.pattern),length if {{ var(txn.pattern) -m found }}
  tcp-request content track-sc0 var(txn.tcp_rule) table {_TABLE} if {{ var(txn.pattern) -m found }}
  tcp-request content sc-inc-gpc(0,0) if {{ var(txn.pattern) -m found }}
  tcp-request content set-var(txn.turn) sc_get_gpc(0,0),add({_start(place)}),mod(txn.length) \
if {{ var(txn.pattern) -m found }}
  tcp-request content set-var(txn.letter) var(txn.pattern),bytes(txn.turn,1) if {{ var(txn.pattern) -m found }}
  tcp-request content set-var-fmt(txn.target) "%[var(txn.tcp_rule)]/%[var(txn.letter)]" if tcp_rule
  tcp-request content unset-var(txn.backend)
  tcp-request content set-var(txn.backend) var(txn.target),map_str({place.map("tcp_targets")}) if tcp_rule
  tcp-request content unset-var(sess.section_tcp)
  tcp-request content set-var(sess.section_tcp) var(txn.backend),map_str({place.map("sections_tcp")}) if tcp_rule
  tcp-request content set-var(txn.reason) str(route-not-found) if !tcp_rule
  tcp-request content set-var(txn.reason) str(no-weight) if tcp_rule !{{ var(txn.pattern) -m found }}
  tcp-request content set-var(txn.reason) str(invalid-backend) if {{ var(txn.letter) -m found }} \
!{{ var(txn.backend) -m found }}
  tcp-request content reject if !{{ var(sess.section_tcp) -m found }}
"""


def _start(place: Place) -> int:
    return int(ipaddress.IPv4Address(place.pod_ip)) % tcp_route.MAX_PATTERN


def use_hello() -> str:
    """Goes before every other `use_backend` of the capture frontend."""
    return "  use_backend to_hello if { var(txn.hello) -m found }\n"


def hello_sections(place: Place, log_format: str) -> str:
    """Where slow clients go on, and the counters of the rules."""
    return f"""
backend {_TABLE} from d-base
  stick-table type string len 16 size 10k store gpc(1) {base.TABLE_HANDOVER}

backend to_hello from d-tcp
  server hello unix@{place.socket("hello")} send-proxy-v2

frontend hello from d-frontend
  bind unix@{place.socket("hello")} mode 600 accept-proxy
{log_format}\
  tcp-request session set-var(sess.port) dst_port
  tcp-request session set-var(sess.dst) dst,concat(:,sess.port)
  tcp-request session set-var(sess.frontend) var(sess.dst),map_str({place.map("frontends")})
{session_rules(place)}\
  tcp-request inspect-delay {base.HANDSHAKE_TIMEOUT}
{choice_rules(place, waits_on=False)}\
  use_backend %[var(sess.section_tcp)]
  default_backend none
"""

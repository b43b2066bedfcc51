"""A request of a session goes to the endpoint that its token names, as long as it is in the backend and usable.

The worker reads tokens and says `x-mesh-internal-session: IP:PORT`; here is only how HAProxy is told. `use-server` is a
rule that no template may hold and no backend that is made at run time can have: the first session on a backend costs a
reload, its endpoints come and go without one.
"""

from __future__ import annotations

from mesh_policy.snapshot import Outbound, Rule
from proxy.engine.haproxy.rendering import Place

HEADER = "x-mesh-internal-session"
USE_SERVER = "  use-server %[var(txn.pin)] if { var(txn.pin) -m found }\n"
"""For a section. An endpoint that is away or ejected is passed over: then the backend balances as usual."""


def pinned(outbound: Outbound) -> set[str]:
    """Names of the backends that sessions lead to."""
    rules: list[Rule] = []
    for frontend in outbound.frontends:
        rules += frontend.routes.rules if frontend.routes is not None else ()
        rules += (frontend.rule,) if frontend.rule is not None else ()
    return {
        backend.backend
        for rule in rules
        if rule.session is not None
        for backend in rule.backends
        if backend.backend is not None
    }


def pin(section: str, address: str) -> str:
    """Key of the map `pins`, whose values are names of servers."""
    return f"{section}|{address}"


def rules(place: Place) -> str:
    """For the return leg, when it knows the section and before internal headers are removed."""
    given = f"{{ req.fhdr({HEADER}) -m found }}"
    return f"""\
  http-request set-var(txn.session) req.fhdr({HEADER}) if {given}
  http-request set-var(txn.pin) var(txn.section),concat(|,txn.session),map_str({place.map("pins")}) if {given}
"""

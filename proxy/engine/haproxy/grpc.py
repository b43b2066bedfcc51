"""Errors of the mesh as clients of gRPC read them: HTTP status 200, `grpc-status`, `grpc-message`, and nothing else.

Between sidecars, and from the worker, such an answer still has the HTTP status of the error, and says
`x-mesh-internal-grpc`: it is logged, counted and tried again as any other. The frontend that hands it to a program puts
200 in its place. That changes what HAProxy counts for its backends too (measured with 3.4.7), hence variables of the
process.
"""

from __future__ import annotations

from typing import Literal

from mesh_policy import grpc
from proxy.engine.haproxy.rendering import Place

HEADER = "x-mesh-internal-grpc"
MAP = "grpc_status"
_CALL = "{ var(txn.call) -m bool }"
_OURS = f"{_CALL} !{{ var(txn.answered) -m found }}"
"""A call that no server has answered. Whoever uses this has `ANSWERED` among the rules before."""
_REFUSED = "{ var(txn.call_refused) -m found }"
_REFUSED_CALL = f"{_CALL} {_REFUSED}"
_SAID = f"{{ res.fhdr({HEADER}) -m found }}"

_KIND = rf"{{ req.fhdr(content-type) -m reg -i ^{grpc.KIND.decode()}([+;]|$) }}"
CALLS = f"  http-request set-var(txn.call) bool(true) if {_KIND}\n"
"""For a frontend, before any rule that answers: `mesh_policy.grpc.is_call`."""
ANSWERED = "  http-response set-var(txn.answered) bool(true)\n"
"""Rules for responses are for those of servers only; what HAProxy makes itself meets those for after the response."""
HEARD = f"  http-response set-var(txn.call_refused) bool(true) if {_SAID}\n"
"""Before internal headers are removed: the next sidecar, or the worker, has refused a call."""
_TOLD = f"  http-after-response set-var(txn.grpc_status) res.fhdr(grpc-status),add(0) if {_CALL}\n"
_ANSWERED = "{ var(txn.answered) -m found }"
SERVED = f"{_TOLD}  http-after-response allow if {_ANSWERED} !{_REFUSED}\n"
"""After what all answers need: the rules that follow are for answers of the mesh, and cost the others nothing."""
HANDED_ON = f"  http-response set-header {HEADER} 1 if {_REFUSED}\n"
"""After that, where the answer goes on to the worker."""

Direction = Literal["outbound", "inbound"]
_CODES = {"4xx": "400:499", "5xx": "ge 500"}
_WORDS = {
    500: "An internal error occurred.",
    502: "The server returned an invalid or incomplete response.",
    503: "No server is available to handle this request.",
    504: "The server did not respond in time.",
}


def text(words: str) -> str:
    """The body of an error, as an argument of `return` and `http-error`: none for a call."""
    return f"""lf-string "%[var(txn.call,0),bool,iif('','{words}\\n')]\""""


def pages() -> str:
    """What HAProxy says where no rule of ours answers, for a template of frontends."""
    return "".join(
        f"  http-error status {status} content-type text/plain {text(words)} hdr cache-control no-cache\n"
        for status, words in _WORDS.items()
    )


def status_map() -> dict[str, dict[str, str]]:
    """HTTP status of an error to the status of gRPC."""
    return {MAP: {str(http): str(status) for http, status in grpc.OF_HTTP_STATUS.items()}}


def _refusal_rules(place: Place) -> str:
    return f"""\
  http-after-response set-var(txn.status) status
  http-after-response set-header content-type {grpc.KIND.decode()} if {_OURS}
  http-after-response set-header grpc-status %[status,map_int({place.map(MAP)},{grpc.UNKNOWN})] if {_OURS}
  http-after-response set-header grpc-message "mesh: %[res.fhdr(x-mesh-error)]" if {_OURS}
{_TOLD}"""


def to_sidecar(place: Place) -> str:
    """For a frontend whose callers are sidecars, after all other rules for responses."""
    return f"{_refusal_rules(place)}  http-after-response set-header {HEADER} 1 if {_OURS}\n"


def to_program(place: Place, direction: Direction) -> str:
    """For a frontend whose callers are programs, after all other rules for responses."""
    counted = "".join(
        f"  http-after-response set-var({name}) var({name}),add(1) if {_REFUSED_CALL} {{ status {range_} }}\n"
        for name, range_ in ((variable(direction, code), range_) for code, range_ in _CODES.items())
    )
    return (
        _refusal_rules(place)
        + f"  http-after-response set-var(txn.call_refused) bool(true) if {_OURS}\n"
        + counted
        + f"  http-after-response set-status 200 if {_REFUSED_CALL}\n"
    )


def variable(direction: Direction, code: str) -> str:
    """Name of the variable that counts the calls of a direction that were refused with 4xx or 5xx in mind."""
    return f"proc.grpc_{direction}_{code}"


def variables() -> dict[str, tuple[Direction, str]]:
    """All of them: name to direction and code."""
    directions: tuple[Direction, ...] = ("outbound", "inbound")
    return {variable(direction, code): (direction, code) for direction in directions for code in _CODES}


def global_lines() -> str:
    """For the section `global`: they count from 0."""
    return "".join(f"  set-var {name} int(0)\n" for name in variables())

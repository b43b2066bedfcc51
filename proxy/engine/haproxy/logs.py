"""The access log: one JSON object a line, encoded by HAProxy. Never a header's value, a body or a query."""

from __future__ import annotations

from typing import Literal

from mesh_policy.snapshot import AccessLog

Direction = Literal["outbound", "inbound", "mirror"]

_TIME = "%(time)[accept_date(ms),ms_utime(%Y-%m-%dT%H:%M:%S.%3NZ)]"
_REFUSED = "%(client)[src] %(reason)[fc_err_str] %(certificate_error)[ssl_c_err] %(tls)[ssl_fc_err_str]"
"""A handshake that failed: no peer is known, so its address stands in the log."""
_REQUEST = "%(id)[var(txn.id)] %(method)[var(txn.method)] %(path)[var(txn.path)]"
_STATUS = "%(status)[var(txn.status,-1),add(0)] %(grpc_status)[var(txn.grpc_status)]"
"""Before a caller of gRPC is told 200 in the place of an error (`grpc`). -1: there was no answer."""
_COPY_STATUS = "%(status)ST"
_FIELDS = (
    "%(duration_ms)Ta %(bytes_in)U %(bytes_out)B "
    "%(frontend)[var(sess.frontend)] %(route)[var(txn.route)] %(rule)[var(txn.rule)] %(fault)[var(txn.fault)] "
    "%(attempts)[var(txn.attempts)] %(backend)[var(txn.backend)] "
    "%(endpoint)[var(txn.endpoint)] %(peer)[var(sess.peer)] %(reason)[var(txn.reason)] %(termination)tsc"
)

REQUEST_ID = """\
  http-request set-var(txn.id) uuid()
  http-request set-var(txn.id) req.fhdr(x-request-id) if { req.fhdr_cnt(x-request-id) 1 } \
{ req.fhdr(x-request-id) -m reg ^[A-Za-z0-9-]{1,64}$ }
"""
"""The caller's own, where it is one: a condition on a field holds when any field of the name meets it, and the variable
is the last one, so there must be no other. It goes into the logs of every sidecar on the way."""


def log_format(direction: Direction) -> str:
    """The lines of a frontend: for requests, and for connections that ended before there was one."""
    head = f"%{{+json}}o {_TIME} %(direction)[str({direction})]"
    status = _COPY_STATUS if direction == "mirror" else _STATUS
    return f"  log-format '{head} {_REQUEST} {status} {_FIELDS}'\n  error-log-format '{head} {_REFUSED}'\n"


def request_rules(access_log: AccessLog) -> str:
    """What the log needs of a request, and which requests are logged: a share of the good ones, all of the others."""
    share = round(access_log.sample_percent * 100)
    sample = f"  http-request set-log-level silent if {{ rand(10000) ge {share} }}\n" if share < 10000 else ""
    return f"""\
  http-request set-var(txn.method) method
  http-request set-var(txn.path) path
{sample}"""


def response_rules(access_log: AccessLog) -> str:
    """Where the answer came from; and a refused or failed request is logged whatever the share is."""
    always = (
        "  http-after-response set-log-level info if { status ge 400 }\n" if access_log.sample_percent < 100 else ""
    )
    return f"""\
  http-response set-var(txn.endpoint_port) bc_dst_port
  http-response set-var(txn.endpoint) bc_dst,concat(:,txn.endpoint_port) unless {{ var(txn.endpoint) -m found }}
  http-after-response set-var(txn.status) status
{always}"""

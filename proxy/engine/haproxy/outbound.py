"""What the application sends: the frontend by original destination, then the worker or the backend itself.

What is no Service's address is a meshed pod's (mTLS with that pod's identity) or foreign (passed on as it is).
"""

from __future__ import annotations

from mesh_policy.errors import InvalidConfig, Violation
from mesh_policy.snapshot import Frontend, WorkloadConfig
from proxy.engine.haproxy import failures, grpc, logs, paths, session, silence, tcp_route
from proxy.engine.haproxy.backends import ip_address, port_number
from proxy.engine.haproxy.external_host import external_maps, external_sections
from proxy.engine.haproxy.rendering import Place

CAPTURE_PORT = 15001
SNIFF = "100ms"
"""Wait for the client's first bytes where the protocol is not known: a server that speaks first answers after it."""


def outbound_maps(config: WorkloadConfig) -> dict[str, dict[str, str]]:
    """Original destination to frontend, and what a frontend is.

    Raises:
        InvalidConfig: a frontend asks of HAProxy what only the worker can do, or two have one address.
    """
    addresses: dict[str, str] = {}
    for i, frontend in enumerate(config.outbound.frontends):
        at = f"outbound.frontends[{i}]"
        _check(frontend, at)
        for ip in frontend.addresses:
            key = f"{ip_address(ip, at)}:{port_number(frontend.port, at)}"
            if addresses.setdefault(key, frontend.name) != frontend.name:
                raise InvalidConfig((Violation(at, f"{key} is the address of {addresses[key]} already"),))
    frontends = config.outbound.frontends
    return {
        "frontends": addresses,
        "frontend_protocol": {one.name: one.protocol for one in frontends},
        "frontend_engine": {one.name: one.engine for one in frontends},
        "frontend_backend": {one.name: one.backend for one in frontends},
        **tcp_route.tcp_maps(frontends),
        **external_maps(config.outbound.backends),
    }


def _check(frontend: Frontend, at: str) -> None:
    if frontend.engine == "native" and (frontend.routes is not None or frontend.rule is not None):
        message = "rules need the engine 'python': this sidecar's HAProxy does not compile them"
        raise InvalidConfig((Violation(f"{at}.engine", message),))
    if frontend.engine == "python" and frontend.protocol == "tcp":
        raise InvalidConfig((Violation(f"{at}.engine", "'python' serves HTTP only, and the protocol is 'tcp'"),))


def outbound_sections(config: WorkloadConfig, place: Place) -> str:
    """The capture frontend, the way to the worker and back, and the way out for everything else."""
    hello = tcp_route.hello_sections(place, logs.log_format("outbound"))
    return (
        _capture(config, place)
        + hello
        + _worker(place)
        + _return(config, place)
        + _passthrough()
        + external_sections(place)
    )


def _capture(config: WorkloadConfig, place: Place) -> str:
    return f"""
frontend outbound from d-frontend
  bind 0.0.0.0:{CAPTURE_PORT}
{logs.log_format("outbound")}\
  tcp-request connection reject if {{ dst_port {CAPTURE_PORT} }}
  tcp-request session set-var(sess.port) dst_port
  tcp-request session set-var(sess.dst) dst,concat(:,sess.port)
  tcp-request session set-var(sess.frontend) var(sess.dst),map_str({place.map("frontends")})
  acl service var(sess.frontend) -m found
  acl pod var(sess.pod) -m found
  acl http_only var(sess.protocol) -m str http grpc
  acl maybe_http var(sess.protocol) -m str detect
  acl plain_port var(sess.dst),map_str({place.map("pods_plain")}) -m found
  tcp-request session set-var(sess.protocol) var(sess.frontend),map_str({place.map("frontend_protocol")}) if service
  tcp-request session set-var(sess.engine) var(sess.frontend),map_str({place.map("frontend_engine")}) if service
  tcp-request session set-var(sess.backend) var(sess.frontend),map_str({place.map("frontend_backend")}) if service
  tcp-request session set-var(sess.pod) dst,map_str({place.map("pods")}) if !service !plain_port
  tcp-request session set-var(sess.backend) var(sess.pod) if pod
  tcp-request session set-var(sess.protocol) str(detect) if pod
  tcp-request session set-var(sess.frontend) var(sess.dst) if !service
  tcp-request session set-var(sess.section_tcp) var(sess.backend),map_str({place.map("sections_tcp")})
{tcp_route.session_rules(place)}\
  tcp-request inspect-delay {SNIFF}
  acl http2 req.payload(0,14) -m beg -- 'PRI * HTTP/2.0'
  tcp-request content switch-mode http proto h2 if http_only http2 or maybe_http http2
  tcp-request content switch-mode http if http_only
  tcp-request content switch-mode http if maybe_http HTTP
  tcp-request content set-var(txn.backend) var(sess.backend)
  tcp-request content set-dst dst if !{{ var(sess.backend) -m found }}
{tcp_route.choice_rules(place, waits_on=True)}\
{logs.REQUEST_ID}{grpc.CALLS}{_of_each_request(place)}{logs.request_rules(config.access_log)}{paths.refusal_rules()}{paths.refuse_rule()}\
{paths.strip_rules()}\
  http-request set-header x-request-id %[var(txn.id)]
  http-request del-header x-mesh-timeout-ms
  acl python var(txn.engine) -m str python
  http-request set-var-fmt(txn.version) %[fc_http_major]
  http-request set-header x-mesh-internal-frontend %[var(sess.frontend)] if python
  http-request set-header x-mesh-internal-version %[var(txn.version)] if python
  http-request set-header x-mesh-internal-id %[var(txn.id)] if python
  http-request set-dst dst if pod
  acl h2c fc_http_major 2
  acl h1c fc_http_major 1
  http-request set-var(txn.section) var(txn.backend),map_str({place.map("sections_2")}) if h2c
  http-request set-var(txn.section) var(txn.backend),map_str({place.map("sections_1")}) if h1c
  acl no_section var(txn.section) -m found
  http-request set-var(txn.reason) str(no-backend) if !python !no_section
  http-request return status 503 content-type text/plain hdr x-mesh-error no-backend {grpc.text("no such backend")} \
if !python !no_section
{_log_worker("python")}{grpc.ANSWERED}{grpc.HEARD}\
  http-response del-header x-mesh-internal -m beg
{logs.response_rules(config.access_log)}{grpc.SERVED}{failures.reason_rules(failures.OF_SERVER)}\
{grpc.to_program(place, "outbound")}\
{tcp_route.use_hello()}\
  use_backend worker if python h1c or python h2c
  use_backend %[var(txn.section)] if h1c or h2c
  use_backend %[var(sess.section_tcp)] if {{ var(sess.section_tcp) -m found }}
  use_backend none if {{ var(sess.backend) -m found }}
  default_backend passthrough
"""


def _of_each_request(place: Place) -> str:
    """Engine and backend of the frontend as it is now: a route that comes or goes counts for the next request on a
    connection that was there before. What is no longer known stays as the connection found it."""
    return f"""\
  http-request set-var(txn.backend) var(sess.backend)
  http-request set-var(txn.backend) var(sess.frontend),map_str({place.map("frontend_backend")})
  http-request set-var(txn.engine) var(sess.engine)
  http-request set-var(txn.engine) var(sess.frontend),map_str({place.map("frontend_engine")})
"""


def _log_worker(condition: str) -> str:
    """What the worker and the return leg tell the access log, taken from their answer."""
    names = {"route": "route", "rule": "rule", "fault": "fault", "backend": "backend", "endpoint": "endpoint"}
    return "".join(
        f"  http-response set-var(txn.{var}) res.fhdr(x-mesh-internal-{header}) if {condition} "
        f"{{ res.fhdr(x-mesh-internal-{header}) -m found }}\n"
        for var, header in names.items()
    ) + (
        f"  http-response set-var(txn.attempts) res.fhdr(x-mesh-internal-attempts),add(0) if {condition} "
        "{ res.fhdr(x-mesh-internal-attempts) -m found }\n"
    )


def _worker(place: Place) -> str:
    """A worker that is away costs a wait. There is no way past it: no worker, no answer but 503."""
    return f"""
backend worker from d-worker
  server worker unix@{place.socket("worker")}
"""


def _return(config: WorkloadConfig, place: Place) -> str:
    """From the worker to the backend that it names. Copies are logged here; other requests by the capture frontend."""
    return f"""
frontend return from d-frontend
  mode http
  bind unix@{place.socket("return")} mode 600
{logs.log_format("mirror")}\
  http-request disable-l7-retry
  http-request set-log-level silent unless {{ req.fhdr(x-mesh-internal-mirror) -m str 1 }}
  http-request set-var(txn.copy) bool(true) if {{ req.fhdr(x-mesh-internal-mirror) -m str 1 }}
  http-request set-var(sess.frontend) req.fhdr(x-mesh-internal-frontend)
  http-request set-var(txn.id) req.fhdr(x-mesh-internal-id)
  http-request set-var(txn.method) method
  http-request set-var(txn.path) path
  http-request set-var(txn.backend) req.fhdr(x-mesh-internal-backend)
  http-request set-var(txn.section) var(txn.backend),map_str({place.map("sections_1")}) \
if {{ req.fhdr(x-mesh-internal-version) -m str 1 }}
  http-request set-var(txn.section) var(txn.backend),map_str({place.map("sections_2")}) \
if {{ req.fhdr(x-mesh-internal-version) -m str 2 }}
{session.rules(place)}{silence.HAND_ON}{paths.strip_rules()}\
  acl known var(txn.section) -m found
  http-request set-var(txn.reason) str(unknown-backend) if !known
  http-request return status 503 content-type text/plain hdr x-mesh-error unknown-backend string "no such backend\\n" \
if !known
{grpc.HEARD}\
  http-response del-header x-mesh-internal -m beg
  http-response set-var(txn.endpoint_port) bc_dst_port
  http-response set-var(txn.endpoint) bc_dst,concat(:,txn.endpoint_port)
  http-response set-header x-mesh-internal-backend %[var(txn.backend)]
  http-response set-header x-mesh-internal-endpoint %[var(txn.endpoint)]
{grpc.HANDED_ON}{failures.rules()}\
  use_backend %[var(txn.section)]
"""


def _passthrough() -> str:
    """To where the application wanted to go, untouched; and nowhere, for what has no section of its kind."""
    return """
backend none from d-tcp

backend passthrough from d-tcp
  timeout connect 5s
  server original 0.0.0.0:0
"""

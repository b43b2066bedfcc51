"""What callers may send to the application: mTLS mode, identity, authorization, then the pod's own address.

Every caller of a Strict port arrives in `in_tls`. Where a port takes plaintext too, `in_mux` looks at the first bytes
and hands the connection on through a unix socket; without such a port there is no such hop.
"""

from __future__ import annotations

from mesh_policy.snapshot import Inbound, InboundPort, WorkloadConfig
from proxy.engine.haproxy import authorization, failures, grpc, logs, paths, rate_limit
from proxy.engine.haproxy.backends import port_number
from proxy.engine.haproxy.quoting import quote
from proxy.engine.haproxy.rendering import Place

CAPTURE_PORT = 15006
RESERVED_PORTS = "15000:15099"
SNIFF = "1s"
"""Wait for the first bytes on ports that take plaintext as well; a server that speaks first answers after it."""
APPLICATION_RETRIES = 1
"""An application that does not listen is told of after half a second: its caller may have another endpoint. And one,
because a kept connection that the application has closed costs a retry too."""
KEPT = "60s"
"""A caller's sidecar keeps an idle connection no longer. After a reload a kept connection is answered once more by the
process and the intentions of before (ADR 0003): this bounds how much later that can be."""

_DESTINATION = """\
  tcp-request session set-var(sess.port) dst_port
  tcp-request session set-var(sess.frontend) dst,concat(:,sess.port)
"""


def inbound_maps(inbound: Inbound) -> dict[str, dict[str, str]]:
    """What each port of the application speaks, and its mTLS mode where it differs."""
    ports = {str(port_number(one.port, "inbound.ports")): one for one in inbound.ports}
    return {
        "in_protocol": {port: one.protocol for port, one in ports.items()},
        "in_mtls": {port: one.mtls for port, one in ports.items() if one.mtls is not None},
    }


def inbound_sections(config: WorkloadConfig, place: Place) -> str:
    """All frontends and backends of inbound traffic."""
    tls = f"ssl crt {place.certificate} ca-file {quote(place.trust_bundle)} verify required alpn h2,http/1.1,heddle-tcp"
    if _strict_only(config.inbound):
        front = _tls_frontend(config, place, f"0.0.0.0:{CAPTURE_PORT} {tls}", _refuse_elsewhere(place))
        return front + _application(place) + rate_limit.tables(config.inbound.rate_limits)
    hop = f"unix@{place.socket('in_tls')} mode 600 accept-proxy {tls}"
    front = _mux(config.inbound, place) + _tls_frontend(config, place, hop, "") + _plain_frontend(config, place)
    return front + _application(place) + rate_limit.tables(config.inbound.rate_limits)


def _strict_only(inbound: Inbound) -> bool:
    def mode(port: InboundPort) -> str:
        return port.mtls or inbound.mtls

    return inbound.mtls == "Strict" and all(mode(port) == "Strict" for port in inbound.ports)


def _refuse_elsewhere(place: Place) -> str:
    """Only what was captured on its way to this pod: no connection to the port itself, none to another address."""
    return f"""\
  tcp-request connection reject if {{ dst_port {RESERVED_PORTS} }}
  tcp-request connection reject unless {{ dst {place.pod_ip} }}
"""


def _tls_frontend(config: WorkloadConfig, place: Place, bind: str, refuse: str) -> str:
    """Callers with a certificate of the mesh. The first SAN is the identity; `ssl_c_san` keeps their order.

    A port that speaks HTTP takes nothing else: bytes would bring forged headers and paths that no rule has looked at.
    """
    return f"""
frontend in_tls from d-frontend
  bind {bind}
  timeout http-keep-alive {KEPT}
{logs.log_format("inbound")}{refuse}{_DESTINATION}\
  tcp-request session set-var(sess.san) 'ssl_c_san,field(1,",")'
  tcp-request session reject unless {{ var(sess.san) -m beg URI:spiffe:// }}
  tcp-request session set-var(sess.peer) var(sess.san),regsub(^URI:,)
  tcp-request session set-var(sess.protocol) var(sess.port),map_str({place.map("in_protocol")},detect)
{authorization.acls(config.trust_domain)}\
  acl http_port var(sess.protocol) -m str http grpc
  tcp-request inspect-delay {SNIFF}
  tcp-request content switch-mode http proto h2 if {{ ssl_fc_alpn h2 }}
  tcp-request content switch-mode http if {{ ssl_fc_alpn http/1.1 }}
  tcp-request content switch-mode http if http_port !{{ ssl_fc_alpn -m found }}
  tcp-request content set-var(txn.reason) str(not-http) if http_port {{ ssl_fc_alpn heddle-tcp }}
  tcp-request content reject if http_port {{ ssl_fc_alpn heddle-tcp }}
{authorization.tcp_rules(place)}\
{_http_rules(config, place, grpc.to_sidecar(place))}"""


def _plain_frontend(config: WorkloadConfig, place: Place) -> str:
    """Callers without a certificate, on the ports that allow them. They have no identity, whatever they send."""
    return f"""
frontend in_plain from d-frontend
  bind unix@{place.socket("in_plain")} mode 600 accept-proxy
{logs.log_format("inbound")}{_DESTINATION}\
  tcp-request session set-var(sess.protocol) var(sess.port),map_str({place.map("in_protocol")},detect)
{authorization.acls(config.trust_domain)}\
  acl http_port var(sess.protocol) -m str http grpc
  acl tcp_port var(sess.protocol) -m str tcp
  tcp-request inspect-delay {SNIFF}
  tcp-request content switch-mode http proto h2 if !tcp_port {{ req.payload(0,14) -m beg -- 'PRI * HTTP/2.0' }}
  tcp-request content switch-mode http if http_port
  tcp-request content switch-mode http if !tcp_port HTTP
{authorization.tcp_rules(place)}\
{_http_rules(config, place, grpc.to_program(place, "inbound"))}"""


def _mux(inbound: Inbound, place: Place) -> str:
    """A TLS hello without a server name is a sidecar's; one with a name is the application's own TLS."""
    return f"""
frontend in_mux from d-base
  bind 0.0.0.0:{CAPTURE_PORT}
{_refuse_elsewhere(place)}\
  tcp-request session set-var(sess.mtls) dst_port,map_str({place.map("in_mtls")},{inbound.mtls})
  tcp-request inspect-delay {SNIFF}
  tcp-request content accept if {{ var(sess.mtls) -m str Strict Disabled }}
  tcp-request content accept if {{ req.ssl_hello_type 1 }}
  tcp-request content accept if {{ req.len gt 0 }} !{{ req.payload(0,1) -m bin 16 }}
  use_backend to_in_tls if {{ var(sess.mtls) -m str Strict }}
  use_backend to_in_tls if {{ var(sess.mtls) -m str Permissive }} {{ req.ssl_hello_type 1 }} !{{ req.ssl_sni -m found }}
  default_backend to_in_plain

backend to_in_tls from d-tcp
  server hop unix@{place.socket("in_tls")} send-proxy-v2

backend to_in_plain from d-tcp
  server hop unix@{place.socket("in_plain")} send-proxy-v2
"""


def _http_rules(config: WorkloadConfig, place: Place, refusals: str) -> str:
    """The order is the design's: refuse what is ambiguous, decide, then tell the application who calls."""
    return f"""\
{logs.REQUEST_ID}{grpc.CALLS}{logs.request_rules(config.access_log)}\
{paths.refusal_rules()}{paths.refuse_rule()}\
{authorization.http_rules(config.inbound.authorization, place)}\
{rate_limit.rules(config.inbound)}\
{paths.strip_rules()}\
  http-request set-header x-mesh-peer %[var(sess.peer)] if has_peer
  http-request del-header x-mesh-timeout-ms unless has_peer
  http-request set-header x-request-id %[var(txn.id)]
{grpc.ANSWERED}\
  http-response del-header x-mesh-internal -m beg
{logs.response_rules(config.access_log)}{grpc.SERVED}{failures.reason_rules(failures.OF_APPLICATION)}{refusals}\
  use_backend app_h2 if {{ fc_http_major 2 }} or {{ var(sess.protocol) -m str grpc }} {{ fc_http_major 1 }}
  use_backend app_h1 if {{ fc_http_major 1 }}
  default_backend app_tcp
"""


def _application(place: Place) -> str:
    """The application, on the pod's own address and the port that was dialled: a server without port keeps it."""
    return f"""
backend app_h1 from d-http
  retries {APPLICATION_RETRIES}
  server app {place.pod_ip}

backend app_h2 from d-http
  retries {APPLICATION_RETRIES}
  server app {place.pod_ip} proto h2

backend app_tcp from d-tcp
  retries {APPLICATION_RETRIES}
  server app {place.pod_ip}
"""

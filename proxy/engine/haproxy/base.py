"""`global`, the named `defaults` that backends are made from, and every limit with its number."""

from __future__ import annotations

from proxy.engine.haproxy import circuit, grpc
from proxy.engine.haproxy.quoting import quote
from proxy.engine.haproxy.rendering import Place

MAX_DESCRIPTORS = 16400
"""Open files of HAProxy where the container's own limit is not lower: from the lower of the two it computes `maxconn`,
about 8,000 connections of both directions together. Asking for more than the limit would keep it from starting."""
CONNECT_MILLISECONDS = 500
CONNECT_RETRIES = 5
"""One attempt to connect inside the cluster, and how many follow. A failed attempt goes to another endpoint at once
(`redispatch 1`); where there is one endpoint only, HAProxy waits as long as an attempt may take, so that a sidecar
whose HAProxy comes back costs its callers half a second and not more."""
WORKER_CONNECT_TIMEOUT = "150ms"
WORKER_CONNECT_RETRIES = 40
"""HAProxy waits `timeout connect` between attempts: together 6 s for a worker that starts or comes back."""
IDLE_TIMEOUT = "1h"
"""Silence on a connection or stream that nobody limited: long, since a gRPC stream may have nothing to say."""
HALF_CLOSED_TIMEOUT = "10m"
"""For the answer to somebody who has finished sending."""
KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES = "60s", "10s", 6
"""A peer that vanished without a word is noticed after two minutes of silence. The application's own keep-alive ends at
its sidecar, so without this a database would keep the locks of a lost client for `IDLE_TIMEOUT`."""
HARD_STOP_AFTER = "1h"
"""How long a process that was replaced may finish its streams; then they are cut. Longer than pools of databases keep
their connections as a rule; how many such processes there are is limited too (proxy.agent.retired). Kept connections
that are idle end with their next request, decided by the configuration of that process (ADR 0003)."""
PEER = "sidecar"
"""Name of this process, and of the one that replaces it, for the tables that they hand on."""
TABLE_HANDOVER = "peers reload"
"""For a stick table: a process that is replaced teaches it to the next one. A process that has learnt nothing waits 5 s
before it teaches in its turn, so some table must always have this."""
STICK_COUNTERS = 12
"""Entries of tables that one request can hold on to: rate limits that it meets."""
HEADER_TIMEOUT = "10s"
"""From a request's first byte to the end of its head: a slow sender costs a connection for no longer."""
HANDSHAKE_TIMEOUT = "5s"

HTTP = "d-http"
TCP = "d-tcp"
"""Names of the templates of backends with one server; those of a snapshot's backends are in `balance`."""

TCP_BACKEND = f"""\
  option redispatch 1
  retries {CONNECT_RETRIES}
"""
HTTP_BACKEND = f"""\
  mode http
  option redispatch 1
  retries {CONNECT_RETRIES}
  retry-on conn-failure empty-response
  http-request disable-l7-retry unless {{ method GET HEAD OPTIONS }}
  http-reuse always
"""
"""Nothing of a request was sent when a connection fails, so every method may go to the next endpoint. An answer that
never began on a pooled connection is retried only for methods without effect (RFC 9110 section 9.2.1), and not for the
worker, which makes its attempts itself."""


def global_section(place: Place) -> str:
    """The `global` section. `description` tells an agent that was restarted which files the process runs on.

    The admin socket can print the private key: mode 0600, in a folder that only the sidecar has.
    """
    return f"""\
global
  log stdout format raw local0
  description {quote(place.files_dir)}
  stats socket {quote(place.socket("admin"))} mode 600 level admin expose-fd listeners
  stats timeout 30s
  localpeer {PEER}
  nbthread 1
  fd-hard-limit {MAX_DESCRIPTORS}
  hard-stop-after {HARD_STOP_AFTER}
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-options ssl-min-ver TLSv1.3
  tune.ssl.cachesize 0
  tune.stick-counters {STICK_COUNTERS}
  tune.bufsize 16384
  tune.maxrewrite 2048
  tune.http.maxhdr 101
  tune.h2.fe.max-concurrent-streams 100
  tune.h2.be.max-concurrent-streams {circuit.STREAMS_PER_CONNECTION}
  tune.h2.fe.glitches-threshold 200
  tune.h2.be.glitches-threshold 200
{grpc.global_lines()}"""


def defaults_sections(place: Place) -> str:
    """Named `defaults`. Frontends have their own: HAProxy refuses one with rules that both kinds share."""
    return f"""
defaults d-base
  mode tcp
  timeout connect {CONNECT_MILLISECONDS}ms
  timeout client {IDLE_TIMEOUT}
  timeout client-hs {HANDSHAKE_TIMEOUT}
  timeout server {IDLE_TIMEOUT}
  timeout tunnel {IDLE_TIMEOUT}
  timeout client-fin {HALF_CLOSED_TIMEOUT}
  timeout server-fin {HALF_CLOSED_TIMEOUT}
  option tcpka
  clitcpka-idle {KEEPALIVE_IDLE}
  clitcpka-intvl {KEEPALIVE_INTERVAL}
  clitcpka-cnt {KEEPALIVE_PROBES}
  srvtcpka-idle {KEEPALIVE_IDLE}
  srvtcpka-intvl {KEEPALIVE_INTERVAL}
  srvtcpka-cnt {KEEPALIVE_PROBES}
  timeout http-request {HEADER_TIMEOUT}
  timeout http-keep-alive {IDLE_TIMEOUT}
  timeout queue 5s

defaults d-frontend from d-base
  log global
  option idle-close-on-response
{grpc.pages()}
defaults {TCP} from d-base
  balance roundrobin
{TCP_BACKEND}
defaults {HTTP} from d-base
  balance roundrobin
{HTTP_BACKEND}
defaults d-worker from d-base
  mode http
  timeout connect {WORKER_CONNECT_TIMEOUT}
  retries {WORKER_CONNECT_RETRIES}
  retry-on conn-failure empty-response
  http-request disable-l7-retry unless {{ method GET HEAD OPTIONS }}
  http-reuse safe

peers reload
  bind unix@{place.socket("peers")} mode 600
  server {PEER}

frontend metrics from d-base
  mode http
  bind unix@{place.socket("metrics")} mode 600
  http-request use-service prometheus-exporter
"""

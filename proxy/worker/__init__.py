"""The worker: mitmproxy's flows and the mesh's addons behind HAProxy, one flat HTTP/1.1 path over unix sockets.

Nouns: a *downstream* is a connection from HAProxy, an *upstream* one to HAProxy's return socket, an *exchange* one
request with its answer. HTTP/2 stays in HAProxy (ADR 0002).
"""

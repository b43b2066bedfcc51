"""Answers every request with the name of its pod: `who.py PORT`."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        name = os.environ["HOSTNAME"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(name)))
        self.end_headers()
        self.wfile.write(name)


ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()

"""Answers every request with the name of its pod: `who.py PORT`; with 500 while there is a file /data/fail."""

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(3)
        name = os.environ["HOSTNAME"].encode()
        self.send_response(500 if Path("/data/fail").exists() else 200)
        self.send_header("content-length", str(len(name)))
        self.end_headers()
        self.wfile.write(name)


ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()

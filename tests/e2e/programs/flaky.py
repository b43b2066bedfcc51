"""A server that fails on demand: `flaky.py PORT`.

`/fail/N/KEY` answers 503 to the first N requests with KEY, then 200; `/slow/MS` answers after so many milliseconds;
anything else at once. The body is the number of requests with that path so far.
"""

import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SEEN: Counter[str] = Counter()


class Flaky(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        SEEN[self.path] += 1
        count = SEEN[self.path]
        _, kind, number, *_ = f"{self.path}//".split("/")
        if kind == "slow":
            time.sleep(int(number) / 1000)
        body = str(count).encode()
        self.send_response(503 if kind == "fail" and count <= int(number) else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing: the sidecar has a log."""


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Flaky).serve_forever()

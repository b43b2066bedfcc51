"""Requests at once, each on a connection of its own: `ask_together.py COUNT URL`; prints a JSON list of statuses, 0
for a connection that ends without an answer."""

import http.client
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

url = urlsplit(sys.argv[2])


def ask(_: int) -> int:
    connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=20)
    try:
        connection.request("GET", url.path or "/")
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return 0
    return answer.status


count = int(sys.argv[1])
with ThreadPoolExecutor(count) as pool:
    print(json.dumps(list(pool.map(ask, range(count)))))

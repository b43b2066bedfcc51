"""A client that keeps its cookie: `keep_cookie.py COUNT URL [COOKIE]`; prints JSON: who answered each request, and the
cookie that it has in the end. A connection that ends without an answer (a Service that the sidecar does not know yet)
counts as the answer "none"."""

import http.client
import json
import sys
from urllib.parse import urlsplit

url = urlsplit(sys.argv[2])
cookie = sys.argv[3] if len(sys.argv) > 3 else ""
answers = []
for _ in range(int(sys.argv[1])):
    connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=5)
    try:
        connection.request("GET", url.path or "/", headers={"cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        answers.append(answer.read().decode() if answer.status == 200 else str(answer.status))
        cookie = answer.getheader("set-cookie", cookie).partition(";")[0]
    except (OSError, http.client.HTTPException):
        answers.append("none")
    connection.close()
print(json.dumps({"answers": answers, "cookie": cookie}))

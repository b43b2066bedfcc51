"""Requests, each on a connection of its own: `ask.py COUNT URL`; prints a JSON list of [status, who answered]. A
connection that ends without an answer has status 0."""

import http.client
import json
import sys
from urllib.parse import urlsplit

url = urlsplit(sys.argv[2])
answers = []
for _ in range(int(sys.argv[1])):
    connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=5)
    try:
        connection.request("GET", url.path or "/")
        answer = connection.getresponse()
        body = answer.read().decode()
        answers.append([answer.status, body if answer.status == 200 else ""])
    except (OSError, http.client.HTTPException):
        answers.append([0, ""])
    connection.close()
print(json.dumps(answers))

"""A WebSocket server: says how it was reached, then sends back what it gets. `websocket_echo.py PORT`."""

import json
import sys

from websockets.sync.server import ServerConnection, serve


def talk(connection: ServerConnection) -> None:
    request = connection.request
    seen = {"path": request.path, "x-proof": request.headers.get("x-proof"), "subprotocol": connection.subprotocol}
    connection.send(json.dumps(seen))
    for message in connection:
        match message:
            case "ping me":
                connection.send("ponged" if connection.ping().wait(10) else "no pong")
            case "close":
                connection.close(4002, "as asked")
            case _:
                connection.send(message)


if __name__ == "__main__":
    with serve(talk, "0.0.0.0", int(sys.argv[1]), max_size=None, subprotocols=["echo.v2"]) as server:
        server.serve_forever()

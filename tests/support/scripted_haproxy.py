"""A program that is called like HAProxy and answers on the Runtime API like it, so that a test can make it fail.

`scripted_haproxy.py [-c] -f FILE …`: it finds its sockets in the file. In the folder of its sockets a test puts
`refuse` (beginnings of commands that are refused, one a line), `hang` (of commands that it never answers) and `broken`
(then `-c` fails, and it does not start); what it was told to do is in `told`.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from pathlib import Path

ANSWERS = {
    "add server": "New server registered.",
    "del server": "Server deleted.",
    "add backend": "New backend created.",
    "del backend": "Backend deleted.",
    "publish backend": "Backend published.",
    "unpublish backend": "Backend unpublished.",
    "set ssl": "Transaction created for certificate x!",
    "commit ssl": "Committing x.\nSuccess!",
}


def program(folder: Path) -> str:
    """It as one executable."""
    path = folder / "haproxy"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} "$@"\n')
    path.chmod(0o755)
    return str(path)


def answer(command: str, run: Path, description: str) -> str | None:
    """None: it never answers."""
    if command == "show info":
        return f"Pid: {os.getpid()}\nStopping: 0\ndescription: {description}"
    with (run / "told").open("a") as told:
        told.write(f"{command.splitlines()[0]}\n")
    if is_one_of(command, run / "hang"):
        return None
    if is_one_of(command, run / "refuse"):
        return "refused"
    return ANSWERS.get(" ".join(command.split()[:2]), "")


def is_one_of(command: str, file: Path) -> bool:
    starts = file.read_text().split("\n") if file.exists() else []
    return any(start and command.startswith(start) for start in starts)


def main(words: list[str]) -> int:
    text = Path(words[words.index("-f") + 1]).read_text()
    found = re.search(r"description '(.*)'", text)
    sockets = re.search(r"stats socket '(.*)/admin.sock'", text)
    assert found is not None
    assert sockets is not None
    run = Path(sockets[1])
    if (run / "broken").exists():
        print("[ALERT] (1) : config : broken", file=sys.stderr)
        return 1
    if "-c" in words:
        return 0
    (run / "admin.sock").unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as admin:
        admin.bind(str(run / "admin.sock"))
        admin.listen()
        if "-sf" in words:
            os.kill(int(words[words.index("-sf") + 1]), signal.SIGUSR1)
        with (run / "told").open("a") as told:
            told.write(f"started with {' '.join(words[2:])}\n")
        hanging: list[socket.socket] = []
        while True:
            client, _ = admin.accept()
            said = answer(client.recv(65536).decode().strip(), run, found[1])
            if said is None:
                hanging.append(client)
            else:
                with client:
                    client.sendall(f"{said}\n".encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

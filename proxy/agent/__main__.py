"""`python -OO -m proxy.agent`, started by the supervisor."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time

import msgspec

from proxy.__main__ import BAD_SETTINGS, IDENTITY_FD, STATE_FD, WORKER_LISTENER_FD
from proxy.agent.runtime import Agent
from proxy.agent.settings import InvalidSettings, from_environment


class JsonLines(logging.Formatter):
    """One JSON object a line, as the access log beside it."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(entry).decode()


def main() -> int:
    """Returns the exit code of docs/contract.md."""
    try:
        settings = from_environment(os.environ)
    except InvalidSettings as error:
        print(f"heddle-proxy: settings are not right\n{error}", file=sys.stderr)
        return BAD_SETTINGS
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    settings.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(Agent(settings, IDENTITY_FD, STATE_FD, WORKER_LISTENER_FD).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())

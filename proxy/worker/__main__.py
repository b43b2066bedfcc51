"""`python -OO -m proxy.worker`. Exit codes: 0 drained, 64 bad settings, 69 a socket could not be made, 70 an internal
error."""

from __future__ import annotations

import json
import logging
import os
import sys

from proxy.worker import slim
from proxy.worker.settings import Settings, read_settings


class _Lines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
                "level": record.levelname.lower(),
                "process": "worker",
                "message": record.getMessage(),
            }
        )


def main() -> int:
    """Serve until told to end."""
    try:
        settings = read_settings(os.environ)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 64
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    try:
        _serve(settings)
    except OSError as error:
        logging.getLogger(__name__).error("worker cannot start: %s", error)
        return 69
    return 0


def _serve(settings: Settings) -> None:
    slim.install()  # before anything imports mitmproxy
    import gc

    import uvloop

    from proxy.worker.runtime import Worker

    gc.collect()
    gc.freeze()

    async def run() -> None:
        await Worker(settings).run()

    uvloop.run(run())


if __name__ == "__main__":
    sys.exit(main())

"""`python -m control_plane`: settings, run, exit code (64: bad settings, 70: internal error)."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from control_plane.log import set_up
from control_plane.settings import from_environment


def main() -> int:
    """Run one replica."""
    parser = argparse.ArgumentParser(
        prog="control_plane", description="Heddle's control plane; settings come from HEDDLE_*."
    )
    parser.add_argument("--kubeconfig", type=Path, help="talk to the API server with this file (development)")
    arguments = parser.parse_args()
    try:
        settings = from_environment(os.environ, arguments.kubeconfig)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 64
    set_up(settings.log_level)
    from control_plane.runtime.process import main as run  # a second of imports that bad settings need not wait for

    try:
        asyncio.run(run(settings, os.environ))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 64
    except Exception:
        logging.getLogger(__name__).exception("internal error")
        return 70
    return 0


if __name__ == "__main__":
    sys.exit(main())

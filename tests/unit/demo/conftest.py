"""The shop is a program of its own image, not of the distribution: its folder is put on the path."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "images" / "demo"))

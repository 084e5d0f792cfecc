"""Real programs, one known fault each, recorded: what the analyzer is measured against."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Tell the person who runs the bench."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()

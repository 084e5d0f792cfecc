"""Programs that can be interrupted, wherever the tests run."""

from __future__ import annotations

import signal


def heed_interrupts() -> None:
    """Undo what a shell does to jobs in the background: they and their children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)

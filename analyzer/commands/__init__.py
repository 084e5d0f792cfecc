"""One module per command of the command line, each with one function of the command's name.

A command parses its options, calls the library and prints; what it needs beyond typer it imports
when it runs, so that ``--help`` answers at once. ``cli.py`` hangs them into one program.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Final, cast

NAME: Final = "handshake-analyzer"
COMMANDS: Final = (
    "analyze",
    "baseline",
    "certs",
    "check",
    "compare",
    "datapower",
    "explain",
    "extract",
    "listen",
    "mustgather",
    "probe",
    "reproduce",
    "rules",
    "schema",
)


def standard_output() -> TextIOWrapper:
    """Standard output as the text stream that it is."""
    return cast("TextIOWrapper", sys.stdout)

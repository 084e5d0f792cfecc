"""One module per command of the command line, each with one function of the command's name.

A command parses its options, calls the library and prints; what it needs beyond typer it imports
when it runs, so that ``--help`` answers at once. ``cli.py`` hangs them into one program.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from io import TextIOWrapper
from pathlib import Path
from typing import Final, cast

from analyzer.errors import UsageError

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


def refuse_streams(names: Iterable[str]) -> None:
    """Refuse what can be read only once, where captures are read more often.

    Raises:
        UsageError: A name stands for standard input, or is that of a pipe.
    """
    for name in names:
        if name == "-" or Path(name).is_fifo():
            raise UsageError(
                f"{name}: a capture is read more than once here; write it to a file first"
            )


def refuse_to_overwrite(output: Path | None, inputs: Iterable[str | Path]) -> None:
    """Refuse an output that is one of the inputs: a capture of a failure cannot be taken again.

    Raises:
        UsageError: Both names lead to the same file; or the output is ``-``, which elsewhere means
            a stream and would here become a file of that name.
    """
    if output == Path("-"):
        raise UsageError("-: is no file; name one to write")
    if output is None or not output.is_file():  # a new file, or a device
        return
    for name in inputs:
        if Path(name).exists() and output.samefile(name):
            raise UsageError(f"{output}: is one of the inputs; name another output")


def standard_output() -> TextIOWrapper:
    """Standard output as the text stream that it is."""
    return cast("TextIOWrapper", sys.stdout)

"""The options by which a gateway's papers are given, alike in every command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Export: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--dp-export",
        help="A DataPower export (zip, xml, xcfg, cfg): findings then name the object to change; "
        "repeatable.",
    ),
]
Certificates: TypeAlias = Annotated[
    Path | None, typer.Option("--cert-dir", help="Certificate files that the export names.")
]
Address: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--dp-address",
        help="An address of the gateway, where the export tells none; repeatable.",
    ),
]
LogFiles: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--dp-log",
        help="A DataPower log (text, XML, CSV, packed or not) or error report: its lines are "
        "joined with connections; repeatable.",
    ),
]
ClockOffset: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--dp-clock-offset",
        metavar="SECONDS",
        help="By how much the log's clock is ahead of the capture's, where it is not found.",
    ),
]

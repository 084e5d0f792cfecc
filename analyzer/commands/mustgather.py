"""``mustgather``: what IBM support asks for, collected into one file."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from analyzer.commands import papers, refuse_streams, refuse_to_overwrite, standard_output
from analyzer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analyzer.mustgather.bundle import Bundle

_OUTPUT_MOST: Final = 4 << 20  # bytes of one file of openssl's output


def mustgather(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE]", help="Captures (pcap, pcapng), or an error report."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="CASE.zip", help="The file to write.")
    ] = Path("case.zip"),
    dp_log: papers.LogFiles = None,
    dp_export: papers.Export = None,
    cert_dir: papers.Certificates = None,
    dp_address: papers.Address = None,
    dp_clock_offset: papers.ClockOffset = None,
    openssl: Annotated[
        list[Path] | None,
        typer.Option(
            "--openssl",
            metavar="FILE",
            help="Output of openssl s_client, s_server or verify; repeatable.",
        ),
    ] = None,
) -> None:
    """Collect what IBM support asks for, without secrets, and say what is missing."""
    given = (files, dp_log, dp_export, openssl)
    if not any(given):
        raise UsageError("nothing to collect; give a capture, --dp-log or --dp-export")
    refuse_streams(files or ())
    refuse_to_overwrite(out, chain.from_iterable(filter(None, given)))
    from analyzer.datapower.load import load_case  # noqa: PLC0415 - not for --help
    from analyzer.mustgather.bundle import bundle  # noqa: PLC0415 - as above
    from analyzer.mustgather.material import gather  # noqa: PLC0415 - as above
    from analyzer.report.progress import ProgressBar  # noqa: PLC0415 - as above
    from analyzer.report.sink import write_all, written_beside  # noqa: PLC0415 - as above

    case = load_case(files or [], dp_export, cert_dir, dp_address or (), dp_log)
    if dp_clock_offset is not None and case.log is None:
        raise UsageError("--dp-clock-offset belongs to a log; give --dp-log as well")
    bar = ProgressBar(sys.stderr) if sys.stderr.isatty() else None
    notes = _outputs(openssl or ())
    if bar is None:
        material = gather(case, notes, clock_offset=dp_clock_offset)
    else:
        with bar:
            material = gather(case, notes, clock_offset=dp_clock_offset, progress=bar)
    made = bundle(material)
    with written_beside(out, private=True) as sink:
        write_all(sink, made.zipped())
    standard_output().write(_told(made, out))
    sys.stderr.writelines(f"{line}\n" for line in material.complaints)


def _outputs(paths: Sequence[Path]) -> Mapping[str, str]:
    """What openssl printed, by file name, without keys and secrets."""
    from analyzer.mustgather.masking import masked_output, text_of  # noqa: PLC0415 - not for --help

    found: dict[str, str] = {}
    for path in paths:
        with path.open("rb") as file:
            text = text_of(file.read(_OUTPUT_MOST))
        if text is None:
            raise UsageError(f"{path}: is no text; --openssl takes what openssl printed")
        name = path.name
        while name in found:
            name = f"_{name}"
        found[name] = masked_output(text)
    return found


def _told(made: Bundle, out: Path) -> str:
    """What is in, what is missing, what to do next."""
    from analyzer.report.escape import printable  # noqa: PLC0415 - not for --help

    lines = [f"{out}: {len(made.members)} files"]
    width = max(len(item.title) for item in made.items)
    for item in made.items:
        first = item.found[0] if item.found else ""
        lines.append(f"  {item.title:<{width}}  {item.state:<8}{first}".rstrip())
    lacking = [item for item in made.items if item.steps]
    if lacking:
        lines.append(f"Next: {lacking[0].title}: {lacking[0].steps[0]}")
    lines.append("checklist.md in it says how to get the rest, and has lines to fill in.")
    return "".join(f"{printable(line)}\n" for line in lines)

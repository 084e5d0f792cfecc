"""``extract``: the least of a capture that tells the same, to hand over."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from analyzer.commands import refuse_streams, refuse_to_overwrite, standard_output
from analyzer.errors import UsageError
from analyzer.report.words import counted

if TYPE_CHECKING:
    from analyzer.extract.extracting import Carried, Extract
    from analyzer.report.progress import ProgressBar

_PCAPNG: Final = (".pcapng", ".ntar")


def extract(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Captures; several files are one capture in parts."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The capture to write (pcap, or *.pcapng).")
    ],
    stream: Annotated[
        list[int] | None,
        typer.Option(
            "--stream",
            min=0,
            help="This connection (tcp.stream), not those that failed; repeatable.",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All connections.")] = False,
    anonymise: Annotated[
        bool,
        typer.Option("--anonymise", help="Put other addresses and host names in their place."),
    ] = False,
    mapping: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to keep what stands for what, or the mapping of an earlier extract to go on "
            "with; by default beside the output.",
        ),
    ] = None,
    with_secrets: Annotated[
        bool,
        typer.Option(
            "--with-secrets",
            help="Also the TLS secrets of the chosen connections, and their sealed handshakes.",
        ),
    ] = False,
    keylog: Annotated[
        list[str] | None,
        typer.Option("--keylog", metavar="FILE", help="Secrets (NSS key log); repeatable."),
    ] = None,
) -> None:
    """Write the handshakes of failed connections into a small capture, without application data."""
    refuse_streams(files)
    if stream and everything:
        raise UsageError("--all and --stream: say one of them")
    pcapng = output.suffix.lower() in _PCAPNG
    if with_secrets and not pcapng:
        raise UsageError(f"{output}: secrets need pcapng; name the output *.pcapng")
    if mapping is not None and not anonymise:
        raise UsageError("--mapping belongs to --anonymise")
    refuse_to_overwrite(output, (*files, *(keylog or ())))
    from analyzer.extract import mapping as mappings  # noqa: PLC0415 - not for --help
    from analyzer.extract.extracting import Wish, extract  # noqa: PLC0415 - loads numpy and more
    from analyzer.keys import read_secrets  # noqa: PLC0415 - not for --help
    from analyzer.report.sink import write_all, written_beside  # noqa: PLC0415 - not for --help

    place = mapping or output.with_name(f"{output.name}.mapping.json")
    wish = Wish(
        streams=frozenset(stream) if stream else None,
        everything=everything,
        key=mappings.key_of(place) if anonymise else None,
        secrets=with_secrets,
        pcapng=pcapng,
    )
    with _bar() as progress:
        made = extract(files, wish, secrets=read_secrets(keylog or ()), progress=progress)
    if wish.key is not None and made.disguise is not None:
        mappings.write_mapping(place, wish.key, made.disguise)
    with written_beside(output) as sink:
        write_all(sink, made.data)
    standard_output().write(_told(made, output, place if anonymise else None))


def _bar() -> ProgressBar:
    from analyzer.report.progress import ProgressBar  # noqa: PLC0415 - not for --help

    return ProgressBar(sys.stderr)


def _told(made: Extract, output: Path, mapping: Path | None) -> str:
    """What was written, and what it tells."""
    from analyzer.report.escape import printable  # noqa: PLC0415 - not for --help

    count = len(made.chosen)
    lines = [f"{output}: {counted(count, 'connection')}, {counted(made.packets, 'packet')}"]
    lines += [f"  {_line(one)}" for one in made.chosen[:_LISTED]]
    if count > _LISTED:
        lines.append(f"  and {count - _LISTED} more")
    same = sum(one.same for one in made.chosen)
    lines.append(f"The extract was analysed: {same} of {count} are told as before.")
    if made.witnesses:
        beside = counted(made.witnesses, "connection")
        lines.append(f"{beside} of the same clients and servers went in, too: they tell of these.")
    if made.left_out:
        lines.append(
            f"{counted(made.left_out, 'connection')} more did not fit; name some: --stream."
        )
    if mapping is not None and made.disguise is not None:
        lines.append(f"{mapping}: what stands for what; keep it to yourself")
        if kept := sorted(made.disguise.kept):
            shown = ", ".join(kept[:_LISTED])
            lines.append(f"Not disguised, as certificates in the extract tell it: {shown}")
    return "".join(f"{printable(line)}\n" for line in lines)


_LISTED: Final = 20


def _line(one: Carried) -> str:
    number = f"tcp.stream {one.stream} is {one.there} there"
    told = one.title or one.before.outcome
    if one.same:
        return f"{number}: {told}"
    there = one.after.cause or one.after.outcome if one.after else "nothing"
    return f"{number}: {told}; BUT the extract tells {there}"

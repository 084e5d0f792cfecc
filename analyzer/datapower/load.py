"""From files to graph and log: what the commands do with ``--dp-export``, ``--dp-log`` and the like."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from analyzer.datapower.beginnings import may_be_report
from analyzer.datapower.case import Case, Source
from analyzer.datapower.export.certificates import read_folder
from analyzer.datapower.export.container import read_bytes, read_export
from analyzer.datapower.export.objects import Export, one_form
from analyzer.datapower.graph import Graph, build_graph, is_address
from analyzer.datapower.log.load import Log, is_report, read_logs
from analyzer.datapower.misplaced import refuse_papers
from analyzer.errors import CaptureError, UsageError
from analyzer.limits import DEFAULT, Limits


def load_case(
    files: Sequence[str],
    exports: Iterable[Path] | None = None,
    folder: Path | None = None,
    addresses: Iterable[str] = (),
    logs: Iterable[Path] | None = None,
    limits: Limits = DEFAULT,
) -> Case:
    """Read what was given beside captures; an error report brings log, configuration and capture.

    Raises:
        CaptureError: A file is not what it was given for.
        UsageError: An option is given without what it belongs to.
    """
    reports = [name for name in files if name != "-" and is_report(Path(name), limits)]
    for name in files:
        if name not in reports and name != "-" and may_be_report(name):
            refuse_papers(Path(name), limits)
    papers = [*map(Path, reports), *(logs or ())]
    log = read_logs(dict.fromkeys(papers), limits) if papers else None
    held = tuple(_configurations(log, limits)) if log is not None and not exports else ()
    return Case(
        sources=_sources(files, reports, log),
        graph=load_graph(exports, folder, limits, addresses, held),
        log=log,
    )


class _Embedded(io.BytesIO):
    """A capture within an error report, with a name for messages."""

    def __init__(self, name: str, data: bytes) -> None:
        super().__init__(data)
        self.name = name


def _sources(files: Sequence[str], reports: Sequence[str], log: Log | None) -> Sequence[Source]:
    """The captures to read: for an error report the one that it holds."""
    if not reports or log is None:
        return files
    held = [_Embedded(one.name, one.data) for one in log.captures]
    others = [name for name in files if name not in reports]
    if not held and not others:
        raise CaptureError(
            "an error report without a capture",
            path=reports[0],
            hint="give a capture, and the report with --dp-log",
        )
    if others:
        return others
    if len(held) > 1:
        raise UsageError(f"{reports[0]}: holds {len(held)} captures; give one of them by itself")
    return held


def _configurations(log: Log, limits: Limits) -> Iterable[Export]:
    """The configuration in error reports; what cannot be read there is left out."""
    for section in log.configurations:
        domain = section.name.rpartition(": ")[2].removesuffix("-config")
        try:
            yield read_bytes(section.data, f"{domain}.cfg", limits)
        except CaptureError:
            continue


def load_graph(
    exports: Iterable[Path] | None,
    folder: Path | None = None,
    limits: Limits = DEFAULT,
    addresses: Iterable[str] = (),
    held: Sequence[Export] = (),
) -> Graph | None:
    """Read exports and the certificate files that they name; None where no export is given.

    ``addresses`` are the appliance's own, beside those that the exports tell; ``held`` are exports
    that were read already.

    Raises:
        CaptureError: A file is no export.
        UsageError: A folder of certificates or an address is given alone, or is none.
    """
    paths, own = list(exports or ()), list(addresses)
    if not paths and not held:
        if folder is not None or own:
            option = "--cert-dir" if folder is not None else "--dp-address"
            raise UsageError(f"{option} belongs to an export; give --dp-export as well")
        return None
    for address in own:
        if not is_address(address):
            raise UsageError(
                f"{address}: no IP address; --dp-address takes one of the gateway's own"
            )
    found = read_folder(folder, limits) if folder else None
    graph = build_graph((*_exports(paths, limits), *held), found)
    return replace(graph, addresses=graph.addresses | frozenset(map(one_form, own)))


def _exports(paths: Iterable[Path], limits: Limits) -> Iterable[Export]:
    """Exports as they were given; of an error report the configuration that it holds."""
    for path in paths:
        if not is_report(path, limits):
            yield read_export(path, limits)
            continue
        held: tuple[Export, ...] = ()
        with contextlib.suppress(CaptureError):  # it holds no log either
            held = tuple(_configurations(read_logs([path], limits), limits))
        if not held:
            problem = "an error report without configuration"
            raise CaptureError(problem, path=str(path), hint="export the domain, and give that")
        yield from held

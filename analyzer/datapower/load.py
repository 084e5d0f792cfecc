"""From files to graph: what the commands do with ``--dp-export`` and ``--cert-dir``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from analyzer.datapower.certificates import read_folder
from analyzer.datapower.export import read_exports
from analyzer.datapower.graph import Graph, build_graph, is_address
from analyzer.errors import UsageError
from analyzer.limits import DEFAULT, Limits


def load_graph(
    exports: Iterable[Path] | None,
    folder: Path | None = None,
    limits: Limits = DEFAULT,
    addresses: Iterable[str] = (),
) -> Graph | None:
    """Read exports and the certificate files that they name; None where no export is given.

    ``addresses`` are the appliance's own, beside those that the exports tell.

    Raises:
        CaptureError: A file is no export.
        UsageError: A folder of certificates or an address is given alone, or is none.
    """
    paths, own = list(exports or ()), list(addresses)
    if not paths:
        if folder is not None or own:
            option = "--cert-dir" if folder is not None else "--dp-address"
            raise UsageError(f"{option} belongs to an export; give --dp-export as well")
        return None
    for address in own:
        if not is_address(address):
            raise UsageError(
                f"{address}: no IP address; --dp-address takes one of the gateway's own"
            )
    held = read_folder(folder, limits) if folder else None
    graph = build_graph(read_exports(paths, limits), held)
    return replace(graph, addresses=graph.addresses | frozenset(own))

"""From files to graph: what the commands do with ``--dp-export`` and ``--cert-dir``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from analyzer.datapower.certificates import read_folder
from analyzer.datapower.export import read_exports
from analyzer.datapower.graph import Graph, build_graph
from analyzer.errors import UsageError
from analyzer.limits import DEFAULT, Limits


def load_graph(
    exports: Iterable[Path] | None, folder: Path | None = None, limits: Limits = DEFAULT
) -> Graph | None:
    """Read exports and the certificate files that they name; None where no export is given.

    Raises:
        CaptureError: A file is no export.
        UsageError: A folder of certificates is given alone, or is none.
    """
    paths = list(exports or ())
    if not paths:
        if folder is not None:
            raise UsageError("--cert-dir belongs to an export; give --dp-export as well")
        return None
    return build_graph(read_exports(paths, limits), read_folder(folder, limits) if folder else None)

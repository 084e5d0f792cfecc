"""What connections are judged by, as commands are given it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyzer.handbook import Handbook


def handbook(folder: Path | None, products: Sequence[str] = ()) -> Handbook:
    """The catalogue with the rules of a folder; what had to be left out is told at once."""
    from analyzer.advice import read_products  # noqa: PLC0415 - loads every product
    from analyzer.handbook import Handbook  # noqa: PLC0415 - loads every rule
    from analyzer.report.escape import printable  # noqa: PLC0415 - not for --help

    book = Handbook(None if folder is None else str(folder), read_products(products))
    sys.stderr.writelines(f"{printable(complaint)}\n" for complaint in book.complaints())
    return book

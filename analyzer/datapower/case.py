"""What was given of one case; a light module, since most captures come without any papers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

if TYPE_CHECKING:
    from analyzer.datapower.graph import Graph
    from analyzer.datapower.log.load import Log

Source: TypeAlias = "str | BinaryIO"


@dataclass(frozen=True, slots=True)
class Case:
    """All that was given of one case: captures, configuration, log."""

    sources: Sequence[Source]
    graph: Graph | None = None
    log: Log | None = None

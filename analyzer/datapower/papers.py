"""A gateway's own papers: its configuration and its log, laid beside every connection."""

from __future__ import annotations

from dataclasses import replace

from analyzer.datapower.graph import Graph
from analyzer.datapower.log.joining import Joiner
from analyzer.datapower.log.load import Log
from analyzer.datapower.log.naming import with_named
from analyzer.datapower.view import with_objects
from analyzer.limits import DEFAULT, Limits
from analyzer.tls.story import Story


class Papers:
    """What is known of a gateway beside the capture; for one reading of it.

    Connections are met as they are heard, and placed when they are judged.
    """

    def __init__(
        self,
        graph: Graph | None = None,
        log: Log | None = None,
        offset_s: float | None = None,
        limits: Limits = DEFAULT,
    ) -> None:
        self._graph = graph
        self._joiner = Joiner(log, offset_s, limits) if log is not None else None

    def meet(self, story: Story) -> None:
        """Take note of a connection before any is placed."""
        if self._joiner is not None:
            self._joiner.meet(story)

    def place(self, story: Story) -> Story:
        """Give a story the objects and the lines of the log that belong to it."""
        told = story if self._graph is None else with_objects(self._graph, story)
        if self._joiner is None:
            return told
        told = replace(told, log=self._joiner.join(told))
        return told if self._graph is None else with_named(self._graph, told)

    def caveats(self) -> tuple[str, ...]:
        """What is to be said of the papers as a whole, a sentence each."""
        return self._joiner.caveats() if self._joiner is not None else ()

"""A page of text for a terminal, a pipe or a file: wrapping, indentation, colour, glyphs.

Everything printed passes :meth:`Page.text`, which escapes what a capture may smuggle in; nothing
is ever read as markup. Signs that the stream's encoding lacks are written in ASCII.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

from analyzer.report.escape import fits, printable, simplify
from analyzer.report.times import clock

WIDEST: Final = 100  # longer lines are hard to read
NARROWEST: Final = 40


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Signs of the report."""

    bad: str
    good: str
    open: str
    line: str
    right: str
    left: str
    dot: str
    times: str
    dash: str
    cut: str


FANCY = Glyphs("✗", "✓", "○", "─", "▶", "◀", "·", "×", "–", "…")
PLAIN = Glyphs("x", "+", "o", "-", ">", "<", "-", "x", "-", "..")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the caller, instead of ending the program."""
        raise BrokenPipeError


class Page:
    """Writes paragraphs to a stream; knows its width, encoding and whether it has colour."""

    def __init__(
        self,
        stream: TextIO,
        *,
        colour: bool | None = None,
        width: int | None = None,
        local: bool = False,
    ) -> None:
        """Make a page. ``colour`` and ``width`` of None mean: what suits the stream."""
        self._local = local
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self.console = _Console(
            file=stream,
            no_color=True if colour is False else None,
            force_terminal=colour,
            width=width,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self.width = max(NARROWEST, min(self.console.width, WIDEST))
        self.glyphs = FANCY if fits("".join(_signs(FANCY)), self._encoding) else PLAIN

    def text(self, words: str, style: str = "") -> Text:
        """Make text safe and fit for the stream."""
        return Text(simplify(printable(words), self._encoding), style=style)

    def clock(self, time: str) -> str:
        """Write a time of the report, in the zone that was asked for."""
        return clock(time, local=self._local)

    def blank(self) -> None:
        """Leave a line free."""
        self.console.print()

    def say(
        self, words: str | Text, *, lead: str | Text = "", indent: int = 0, style: str = ""
    ) -> None:
        """Print a paragraph. Lines after the first hang under the text, not under the lead."""
        first = lead if isinstance(lead, Text) else self.text(lead)
        body = words if isinstance(words, Text) else self.text(words, style)
        hang = indent + first.cell_len
        lines = body.wrap(self.console, max(20, self.width - hang)) or [Text()]
        for index, line in enumerate(lines):
            line.rstrip()
            margin = Text(" " * hang) if index else Text.assemble(" " * indent, first)
            self._print(margin + line)

    def heading(self, words: str, *, indent: int = 2) -> None:
        """Print the name of a section, after a free line."""
        self.blank()
        self.say(words, indent=indent, style="bold")

    def fact(self, label: str, words: str) -> None:
        """A labelled line."""
        self.say(words, lead=self.text(f"{label:<11}", "dim"), indent=2)

    def _print(self, line: Text) -> None:
        line.rstrip()
        self.console.print(line, soft_wrap=True)


def _signs(glyphs: Glyphs) -> list[str]:
    return [getattr(glyphs, name) for name in Glyphs.__slots__]

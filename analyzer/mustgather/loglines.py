"""The lines of a gateway's log around each failure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from analyzer.datapower.log.codes import says_something
from analyzer.mustgather.material import Material
from analyzer.report.escape import printable
from analyzer.report.times import rfc3339
from analyzer.tls.loglines import LogLine
from analyzer.tls.story import Story

_AROUND: Final = 2_000_000_000  # ns before and after a connection
_MOST: Final = 500  # lines around one failure
_ALL_MOST: Final = 5_000  # lines where no connection is at hand


def members(material: Material) -> Iterator[tuple[str, str]]:
    """One file for each failed connection; without a trace, all lines that speak of TLS."""
    if material.log is None:
        return
    lines = material.log.lines
    if material.trace is None:
        told = [line for line in lines if says_something(line)]
        yield "log/tls.txt", _file("Lines that speak of TLS", told[:_ALL_MOST], len(told))
        return
    times = [line.time if line.time is not None else -1 for line in lines]
    for judged in material.trace.failed:
        story = judged.story
        around = _around(story, lines, times)
        title = f"tcp.stream {story.stream}: {story.client} to {story.server}"
        offset = story.log.offset_ns / 1e9 if story.log is not None else 0.0
        title += f", the log's clock {offset:+.3f} s"
        yield f"log/stream-{story.stream}.txt", _file(title, around[:_MOST], len(around))


def _around(story: Story, lines: Sequence[LogLine], times: Sequence[int]) -> list[LogLine]:
    """Lines of the time of a connection, and those that were joined with it."""
    view = story.log
    offset = view.offset_ns if view is not None else 0
    first = bisect_left(times, story.start + offset - _AROUND)
    last = bisect_right(times, story.end + offset + _AROUND)
    own = (*view.state, *view.lines) if view is not None else ()
    within = {id(line) for line in lines[first:last]}
    return [*(line for line in own if id(line) not in within), *lines[first:last]]


def _file(title: str, lines: Sequence[LogLine], count: int) -> str:
    more = f"\n# {count - len(lines)} more lines are left out" if count > len(lines) else ""
    body = "".join(f"{_line(line)}\n" for line in lines) or "# no line of that time\n"
    return f"# {printable(title)}{more}\n{body}"


def _line(line: LogLine) -> str:
    """An entry in the product's text form, what may be a secret left out."""
    tags = (line.domain, line.code_text, line.category, line.severity and line.severity.label)
    head = "".join(f"[{tag}]" for tag in tags if tag)
    ids = [f"tid({line.transaction})" if line.transaction is not None else ""]
    ids += [f"[{line.client}]" if line.client else ""]
    time = "-" if line.time is None else rfc3339(line.time)
    said = f"{time} {head} {line.object_text}: {''.join(ids)} {line.text}  ({line.place})"
    return printable(" ".join(said.split()))

"""What is to be said of a log as a whole: its clock, and why it may have been of no use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.datapower.log.clock import Clock
from analyzer.datapower.log.load import Log
from analyzer.datapower.log.times import SECOND


def on_clock(clock: Clock | None) -> Iterator[str]:
    """By how much the clocks differ, where that was found."""
    if clock is not None and clock.offset:
        yield (
            f"the gateway's log is {clock.seconds:+.3f} s ahead of the capture ({clock.text}); "
            "--dp-clock-offset tells it otherwise"
        )


def on_use(log: Log, offset: int, failed: Sequence[int]) -> Iterator[str]:
    """Why no line was joined with connections that did not complete, which ended at these times."""
    if not failed:
        return
    count = f"{len(failed)} connection{'s' if len(failed) > 1 else ''} that did not complete"
    times = [one.time - offset for one in log.lines if one.time and one.year_known]
    if not any(one.time for one in log.lines):
        yield f"no line of the gateway's log is joined with {count}: its lines have no time"
    elif times and (min(failed) > max(times) + SECOND or max(failed) < min(times) - SECOND):
        yield (
            f"the gateway's log does not cover the time of {count}; give the log of that time, or "
            "--dp-clock-offset if its clock is another"
        )
    else:
        yield (
            f"the gateway's log covers the time and has no line on {count}: it may be another "
            "domain's, its level may be above debug, or a limit on its rate left lines out"
        )


def on_limit(left_out: int, most: int) -> Iterator[str]:
    """How many connections were not joined for their number."""
    if left_out:
        yield (
            f"{left_out} connections after the first {most} are not joined with the gateway's log"
        )

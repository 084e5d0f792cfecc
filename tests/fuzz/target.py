"""What must hold for any bytes: a report in every form or one CaptureError, in time and memory."""

from __future__ import annotations

import io
import time
from typing import Final

from analyzer.errors import CaptureError
from analyzer.pipeline import Analysis
from analyzer.report.formats import Format, Style, renderer
from analyzer.report.schema import Report

SECONDS_PER_MB: Final = 5.0
LEAST_SECONDS: Final = 5.0  # of the processor, whatever the size: others may use the machine, too
MOST_MIB: Final = 300
_VERBOSE: Final = Style(verbose=True, colour=False)


def consume(data: bytes) -> Report | None:
    """Analyse bytes as a capture and write the report in every form; None where it is refused.

    Raises:
        AssertionError: It took too long.
        Exception: Whatever else comes out is a mistake of ours.
    """
    begin = time.process_time()
    report = _report(data)
    if report is not None:
        for form in Format:
            sink = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
            renderer(form)(report, sink, _VERBOSE)
            sink.flush()
    taken = time.process_time() - begin
    assert taken < max(LEAST_SECONDS, SECONDS_PER_MB * len(data) / 1e6), f"{taken:.1f} s"
    return report


def _report(data: bytes) -> Report | None:
    try:
        report = Analysis([io.BytesIO(data)]).report()
    except CaptureError:
        return None
    broken = [f.title for c in report.connections for f in c.findings if f.rule == "TLS-TOOL-001"]
    assert not broken, broken
    return report

"""Who sent what, as a ladder: the client on the left, the server on the right."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from rich.text import Text

from analyzer.report.page import Page
from analyzer.report.schema import Alert, Connection, Endpoint, FileFrame, Frame, Message, Prelude

_ROWS_MOST: Final = 16  # a longer ladder shows its beginning and its end
_ROWS_LAST: Final = 5
_NOT_ON_THE_LADDER: Final = frozenset({"alert"})  # told by its own row, with its description


@dataclass(frozen=True, slots=True)
class Rung:
    """One row. ``sender`` is None where nobody spoke."""

    sender: str | None
    frame: Frame | None
    seconds: float | None  # since the connection began
    words: str
    broken: bool = False
    repeats: int = 1


def draw_ladder(page: Page, connection: Connection) -> None:
    """Print the ladder of a connection."""
    rungs = ladder(connection)
    width = max([5, *(len(frame_text(r.frame)) for r in rungs)])
    margin = f"{'frame':>{width}} {'time':>9}  "
    lane = page.width - 4 - len(margin)
    for header in _headers(connection, lane):
        page.say(page.text(header, "dim"), lead=page.text(margin, "dim"), indent=4)
        margin = " " * len(margin)
    for rung in spread(_shorten(rungs), lane - 4):
        clock = "" if rung.seconds is None else f"{rung.seconds:+.3f}"
        prefix = page.text(f"{frame_text(rung.frame):>{width}} {clock:>9}  ", "dim")
        page.say(_lane(page, rung, lane), lead=prefix, indent=4)


def ladder(connection: Connection) -> list[Rung]:
    """List the rows: messages sent together share one, alerts and the end have their own."""
    began = seconds_of(connection.start)
    rungs = [_message(m, connection, began) for m in connection.handshake.messages]
    rungs = [rung for rung in rungs if rung.words]
    rungs += [_alert(a, began) for a in connection.handshake.alerts]
    rungs.sort(key=lambda rung: rung.seconds or 0.0)  # stable: order of arrival within a packet
    rows = _with_end(_join(rungs) or _opening(connection), _end(connection, began))
    return _mark_break(rows, connection)


def spread(rungs: list[Rung], room: int) -> list[Rung]:
    """Spread a long flight of messages over several rows."""
    rows: list[Rung] = []
    for rung in rungs:
        row = ""
        for word in rung.words.split(", "):
            if row and len(row) + 2 + len(word) + 2 * rung.broken > room:
                rows.append(replace(rung, words=f"{row},", broken=False))
                rung = replace(rung, frame=None, seconds=None)  # noqa: PLW2901 - the rest of it
                row = word
            else:
                row = f"{row}, {word}" if row else word
        rows.append(replace(rung, words=row))
    return rows


def seconds_of(time: str) -> float:
    """Seconds since the epoch of a time of the report."""
    whole, _, fraction = time.removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(whole + "+00:00")
    return moment.timestamp() + float(f"0.{fraction}")


def frame_text(frame: Frame | None) -> str:
    """Write a frame as people do: 12, or 0:12 where there are several files."""
    if frame is None:
        return ""
    return f"{frame.file}:{frame.frame}" if isinstance(frame, FileFrame) else str(frame)


def before_tls(prelude: Prelude) -> str:
    """What was said before TLS: ``smtp, agreed in frame 9: 220 go ahead``."""
    target = f" to {prelude.target}" if prelude.target else ""
    end = prelude.end.replace("_", " ")
    return f"{prelude.protocol}{target}, {end} in frame {frame_text(prelude.frame)}: {prelude.text}"


def endpoint_text(endpoint: Endpoint) -> str:
    """Write an address and a port; brackets keep IPv6 apart from the port (RFC 3986)."""
    ip = f"[{endpoint.ip}]" if ":" in endpoint.ip else endpoint.ip
    return f"{ip}:{endpoint.port}"


def _message(message: Message, connection: Connection, began: float) -> Rung:
    words = (
        "" if message.name in _NOT_ON_THE_LADDER else message.name + _detail(message, connection)
    )
    return Rung(
        sender=message.sender,
        frame=message.frame,
        seconds=seconds_of(message.time) - began,
        words=f"({words})" if message.inferred and words else words,
    )


def _detail(message: Message, connection: Connection) -> str:
    """What one wants to know of a hello at first sight."""
    tls = connection.tls
    if message.name == "client_hello" and tls.sni:
        return f" {tls.sni}"
    choice = tls.server_choice
    if message.name == "server_hello" and choice and choice.frame == message.frame and tls.version:
        return f" {tls.version}"
    return ""


def _alert(alert: Alert, began: float) -> Rung:
    if alert.visible:
        words = f"alert {alert.description or alert.code}" + (
            f" ({alert.level})" if alert.level else ""
        )
    else:
        words = "(alert, encrypted)"
    return Rung(alert.sender, alert.frame, seconds_of(alert.time) - began, words)


def _join(rungs: list[Rung]) -> list[Rung]:
    """Put what one side sent in one packet on one row, and count repetitions."""
    joined: list[Rung] = []
    for rung in rungs:
        before = joined[-1] if joined else None
        if before is None or before.sender != rung.sender:
            joined.append(rung)
        elif before.frame == rung.frame and "alert" not in before.words + rung.words:
            joined[-1] = replace(before, words=f"{before.words}, {rung.words}")
        elif before.words == rung.words:
            joined[-1] = replace(before, repeats=before.repeats + 1)
        else:
            joined.append(rung)
    return joined


_ENDS: Final = {
    "fin": "closes the connection (FIN)",
    "rst": "resets the connection (RST)",
    "refused": "refuses the connection (RST)",
}


def _opening(connection: Connection) -> list[Rung]:
    """TCP's own handshake: told only where there is nothing else."""
    tcp = connection.tcp
    rungs = []
    if tcp.syn_frame is not None:
        rungs.append(Rung("client", tcp.syn_frame, 0.0, "SYN", repeats=max(tcp.syns, 1)))
    if tcp.syn_ack_frame is not None:
        rungs.append(Rung("server", tcp.syn_ack_frame, tcp.rtt, "SYN-ACK"))
    return rungs


def _with_end(rungs: list[Rung], end: Rung) -> list[Rung]:
    """Put the end where it came: the other side may have gone on."""
    if end.seconds is None:
        return [*rungs, end]
    # An end that was not captured has the time of what acknowledges it.
    least = end.seconds if end.frame is None else math.nextafter(end.seconds, math.inf)
    later = [rung for rung in rungs if (rung.seconds or 0.0) >= least]
    return [*rungs[: len(rungs) - len(later)], end, *later]


def _end(connection: Connection, began: float) -> Rung:
    """The row that tells how the connection ended."""
    tcp = connection.tcp
    seconds = None if tcp.end_time is None else seconds_of(tcp.end_time) - began
    if tcp.end == "open":
        return Rung(None, None, None, "the capture ends here")
    if tcp.end == "unanswered":
        return Rung(None, tcp.end_frame, None, "no answer to the client's SYN", broken=True)
    if tcp.end == "timeout":
        return Rung(None, None, None, "silence until the capture ends")
    return Rung(tcp.end_by, tcp.end_frame, seconds, _ENDS[tcp.end])


def _mark_break(rungs: list[Rung], connection: Connection) -> list[Rung]:
    """Mark the row in which the failing side gave up; the last row if it has none."""
    if connection.outcome != "failed" or connection.diagnosis is None or not rungs:
        return rungs
    side = connection.diagnosis.failing_side
    gave_up = [
        index
        for index, rung in enumerate(rungs)
        if rung.sender == side
        and ("alert" in rung.words or rung.words in _ENDS.values() or index == len(rungs) - 1)
    ]
    at = gave_up[0] if gave_up else len(rungs) - 1
    return [replace(r, broken=index == at) for index, r in enumerate(rungs)]


def _shorten(rungs: list[Rung]) -> list[Rung]:
    if len(rungs) <= _ROWS_MOST:
        return rungs
    kept = _ROWS_MOST - _ROWS_LAST - 1
    left_out = len(rungs) - kept - _ROWS_LAST
    gap = Rung(None, None, None, f"{left_out} more")
    return [*rungs[:kept], gap, *rungs[-_ROWS_LAST:]]


def _headers(connection: Connection, lane: int) -> list[str]:
    """Name both ends over their side of the lane; on two lines where one is too short."""
    left, right = endpoint_text(connection.client), endpoint_text(connection.server)
    if len(left) + len(right) + 2 > lane:
        return [left, f"{right:>{lane}}"]
    return [left + " " * (lane - len(left) - len(right)) + right]


def _lane(page: Page, rung: Rung, width: int) -> Text:
    """Draw the words and the arrow of a row."""
    signs = page.glyphs
    words = rung.words + (f" {signs.times}{rung.repeats}" if rung.repeats > 1 else "")
    mark = f" {signs.bad}" if rung.broken else ""
    text = page.text(words, "bold red" if rung.broken else "")
    room = width - 4 - len(mark)
    if text.cell_len > room:
        text.truncate(room - len(signs.cut))
        text.append(signs.cut)
    if rung.sender is None:
        return Text.assemble(f"{signs.dot} ", text, (mark, "bold red"))
    shaft = signs.line * max(1, width - text.cell_len - len(mark) - 2)
    if rung.sender == "client":
        return Text.assemble(text, (mark, "bold red"), " ", (shaft + signs.right, "dim"))
    return Text.assemble((signs.left + shaft, "dim"), " ", text, (mark, "bold red"))

"""Markdown: what one pastes into a ticket. Short, complete, with the evidence and the commands.

Text from a capture is written so that no Markdown reader takes it for markup: signs are escaped,
and words that a forge would turn into links, mentions or references go into code spans.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from typing import Final

from analyzer.report.detail import counted_in, few, to_do, unfinished, wireshark_filter
from analyzer.report.escape import printable
from analyzer.report.formats import Style
from analyzer.report.ladder import before_tls, endpoint_text, frame_text
from analyzer.report.schema import Connection, Endpoint, Finding, Group, Report
from analyzer.report.times import clock
from analyzer.report.words import CHANGE, GAVE_UP, NEXT, OUTCOME, STEP, SURE

_TOLD: Final = 5  # kinds of failure told in full; --verbose tells all
_LISTED: Final = 20

# Mentions, references to issues and commits, addresses: forges act on them wherever they stand.
_ACTED_ON: Final = re.compile(r"@|://|www\.|#\d|\bGH-\d|!\d|\b[0-9a-f]{7,40}\b", re.IGNORECASE)
_MARKUP: Final = re.compile(r"[\\`*\[\]~$]|(?<![^\W_])_|_(?![^\W_])")  # "_" within words is none
_OPENING: Final = re.compile(r"^([-+=#]|\d+(?=[.)]$))")  # of a list, a heading, a line
_COMMAND: Final = re.compile(r": (?=openssl [a-z])")
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def write_markdown(report: Report, sink: TextIOWrapper, style: Style) -> None:
    """Write the report as Markdown (GitHub's dialect, for its tables)."""
    sink.writelines(f"{line}\n" for line in lines(report, style))


def lines(report: Report, style: Style) -> Iterator[str]:
    """Give the report as lines of Markdown."""
    if style.chosen:
        for connection in report.connections:
            yield from _connection(report, connection, style)
    else:
        yield from _answer(report)
        yield from _groups(report, style)
        yield from _incomplete(report)
    yield from _files(report, style)


def inline(text: str) -> str:
    r"""Write text so that Markdown shows it as it is, on one line.

    >>> print(inline("CN=*.example <b> see @root"))
    CN=\*.example &lt;b&gt; see `@root`
    """
    words = [word for word in printable(text).split(" ") if word]
    escaped = [code(word) if _ACTED_ON.search(word) else _escaped(word) for word in words]
    return " ".join([*(_opened(word) for word in escaped[:1]), *escaped[1:]])


def code(text: str) -> str:
    """Write text as a code span; the fence is longer than any run of backticks in it."""
    plain = printable(text)
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest or plain[:1] == plain[-1:] == " " else ""  # a reader takes one off
    return f"{fence}{pad}{plain}{pad}{fence}"


def _escaped(word: str) -> str:
    word = _MARKUP.sub(lambda sign: f"\\{sign[0]}", word)
    return re.sub("[&<>]", lambda sign: _ENTITIES[sign[0]], word)


def _opened(word: str) -> str:
    """Escape what begins a list or a heading at the head of a line."""
    return _OPENING.sub(lambda m: f"{m[1]}\\" if m[1].isdecimal() else f"\\{m[1]}", word)


def _answer(report: Report) -> Iterator[str]:
    """How many failed, and in which ways."""
    counts = report.summary
    if len(report.groups) != 1:
        tls = counts.connections - counts.not_tls
        yield f"**{counts.failed:,} of {tls:,} TLS connections failed.**"
        yield ""
    if len(report.groups) > 1:
        by_stream = {connection.stream: connection for connection in report.connections}
        rows = [_listed(g, by_stream.get(g.example_stream)) for g in report.groups[:_LISTED]]
        yield from _table(("times", "what", "to do", "cause"), rows)
        if len(report.groups) > _LISTED:
            yield f"and {len(report.groups) - _LISTED} more kinds of failure"
            yield ""


def _listed(group: Group, example: Connection | None) -> tuple[str, ...]:
    return counted_in(group), inline(group.title), to_do(example), code(group.cause)


def _groups(report: Report, style: Style) -> Iterator[str]:
    by_stream = {connection.stream: connection for connection in report.connections}
    told = report.groups if style.verbose else report.groups[:_TOLD]
    for group in told:
        if group.example_stream in by_stream:
            yield from _connection(report, by_stream[group.example_stream], style, group)


def _incomplete(report: Report) -> Iterator[str]:
    count = report.summary.incomplete
    if count:
        noun = "connection" if count == 1 else "connections"
        reasons = [
            f"{code(cause)}: {inline(words)}" if cause else inline(words)
            for cause, words in unfinished(report)
        ]
        yield from _bullets(f"The capture does not show how {count:,} {noun} ended", reasons)


def _connection(
    report: Report, connection: Connection, style: Style, group: Group | None = None
) -> Iterator[str]:
    finding = connection.diagnosis
    yield f"### {inline(finding.title if finding else OUTCOME[connection.outcome])}"
    yield ""
    facts = [*_facts(connection, style, group)]
    facts.append(("Wireshark", code(wireshark_filter(connection, len(report.captures)))))
    yield from _table(("", ""), facts)
    if finding:
        yield from _finding(finding)
    yield from _paragraphs("What the capture hides", connection.caveats)
    yield "**Look for yourself**"
    yield ""
    yield "```sh"
    yield from _commands(report, connection)
    yield "```"
    yield ""


def _facts(connection: Connection, style: Style, group: Group | None) -> Iterator[tuple[str, str]]:
    finding = connection.diagnosis
    if finding and connection.outcome == "failed":
        step = f"{GAVE_UP[finding.failing_side]}, {STEP[finding.phase]}".rstrip(", ")
        yield "gave up", f"{step} ({code(finding.phase)})"
        yield "to do", NEXT[finding.remedy_side]
    if finding:
        yield "how sure", SURE[finding.confidence]
        yield "cause", f"{code(finding.cause)}, rule {code(finding.rule)}"
    yield from _parties(connection, style, group)
    if connection.handshake.prelude is not None:
        yield "before TLS", inline(before_tls(connection.handshake.prelude))
    agreed = (connection.tls.version, connection.tls.cipher_suite, connection.tls.alpn)
    if any(agreed):
        yield "agreed", ", ".join(inline(part) for part in agreed if part)


def _parties(
    connection: Connection, style: Style, group: Group | None
) -> Iterator[tuple[str, str]]:
    when = clock(connection.start, local=style.local)
    ends = f"{_end(connection.client)} to {_end(connection.server)}"
    name = f", {code(connection.tls.sni)}" if connection.tls.sni else ""
    if group is None or group.count == 1:
        yield "between", ends + name
        yield "when", when
        return
    yield "how often", str(group.count)
    yield "clients", inline(few(group.clients, group.clients_total))
    yield "servers", inline(few(group.servers, group.servers_total))
    if group.sni:
        yield "names", inline(few(group.sni, group.sni_total))
    first, last = (clock(time, local=style.local) for time in (group.first, group.last))
    yield "when", f"{first} to {last}"
    yield "example", f"{ends}{name}, {when}"


def _end(endpoint: Endpoint) -> str:
    return code(endpoint_text(endpoint))


def _finding(finding: Finding) -> Iterator[str]:
    yield inline(finding.explanation)
    yield ""
    rows = [(frame_text(e.frame), inline(e.text)) for e in finding.evidence]
    if rows:
        yield from _table(("frame", "evidence"), rows)
    if finding.remedy:
        yield f"**{CHANGE[finding.remedy_side]}**"
        yield ""
        for number, step in enumerate(finding.remedy, start=1):
            yield f"{number}. {_step(step)}"
        yield ""
    others = [f"{code(a.cause)}: {inline(a.would_decide)}" for a in finding.alternatives]
    yield from _bullets("Not excluded, and what would decide", others)


def _step(step: str) -> str:
    """A step of a remedy; its command, which stands behind a colon, is code."""
    words, *command = _COMMAND.split(step, 1)
    return f"{inline(words)}: {code(command[0])}" if command else inline(step)


def _paragraphs(title: str, texts: Iterable[str]) -> Iterator[str]:
    yield from _bullets(title, [inline(text) for text in texts])


def _bullets(title: str, items: Sequence[str]) -> Iterator[str]:
    if not items:
        return
    yield f"**{title}**"
    yield ""
    yield from (f"* {item}" for item in items)
    yield ""


def _commands(report: Report, connection: Connection) -> Iterator[str]:
    """Commands that show the connection again; file names are quoted for a shell."""
    files = [printable(capture.path) for capture in report.captures if capture.path != "-"]
    quoted = " ".join(_quoted(path) for path in files) or "trace.pcap"
    yield f"handshake-analyzer {quoted} --stream {connection.stream}"
    if len(files) < 2:  # the numbers of one file are those of Wireshark in that file
        if connection.tls.client_offers is not None:
            yield f"handshake-analyzer reproduce {quoted} --stream {connection.stream}"
        yield f"tshark -r {quoted} -Y 'tcp.stream eq {connection.stream}'"
    if connection.diagnosis:
        yield f"handshake-analyzer explain {connection.diagnosis.rule}"


def _quoted(path: str) -> str:
    """Quote a path; a code block ends at a line that begins with its fence, which none can."""
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def _files(report: Report, style: Style) -> Iterator[str]:
    for number, capture in enumerate(report.captures):
        lead = f"{number}: " if len(report.captures) > 1 else ""  # frames are named by it
        parts = [lead + code(capture.path), f"{capture.packets:,} packets"]
        if capture.first_packet and capture.last_packet:
            first = clock(capture.first_packet, local=style.local)
            parts.append(f"{first} to {clock(capture.last_packet, local=style.local)}")
        yield " · ".join(parts)
        yield ""
        yield from _bullets("", [inline(c) for c in capture.caveats]) if capture.caveats else ()
    yield f"{report.tool.name} {report.tool.version}"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(cell(text) for text in row)} |"
    yield ""


def cell(text: str) -> str:
    """Keep Markdown within its cell: a bar ends it, even within code."""
    return text.replace("|", "\\|")

"""``certs`` on a terminal: chains first, since they were asked about, then the certificates.

A few certificates are told in full; many are a table, one line each, that ``grep`` can read: on a
terminal its columns are cut to the width, in a pipe or file nothing is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final, TextIO

from rich.cells import cell_len
from rich.text import Text

from analyzer.report.detail import few
from analyzer.report.holdings.chains import tell_chains
from analyzer.report.holdings.schema import CertificateReport, Holding, Place
from analyzer.report.holdings.words import moment, place_text
from analyzer.report.page import Page
from analyzer.report.words import counted

_TOLD: Final = 6  # certificates that are told in full without --verbose
_PLACES: Final = 5
_SOON: Final = 30 * 86_400  # seconds


def render_holdings(
    report: CertificateReport,
    stream: TextIO,
    *,
    verbose: bool = False,
    colour: bool | None = None,
    width: int | None = None,
) -> None:
    """Write the document of ``certs`` as text; the arguments are those of ``render_console``."""
    page = Page(stream, colour=colour, width=width)
    if report.verifications:
        tell_chains(page, report, verbose=verbose)
    if report.keys:
        _keys(page, report)
    _certificates(page, report, verbose=verbose)
    for note in report.notes:
        page.say(note, lead=page.text(f"{page.glyphs.dot} "), style="dim")


def _keys(page: Page, report: CertificateReport) -> None:
    names = {h.certificate.fingerprint_sha256: name_of(h) for h in report.certificates}
    for key in report.keys:
        owners = [names[digest] for digest in key.belongs_to if digest in names]
        good = page.text(f"{page.glyphs.good} ", "bold green")
        bad = page.text(f"{page.glyphs.bad} ", "bold red")
        words = f"belongs to {few(owners, len(owners))}" if owners else "belongs to none of them"
        page.say(f"the key in {key.path} {words}", lead=good if owners else bad, style="bold")
    page.blank()


def _certificates(page: Page, report: CertificateReport, *, verbose: bool) -> None:
    shown = report.certificates
    places = f"seen {counted(report.sightings, 'time')} in {counted(report.sources, 'file')}"
    if not report.distinct:
        page.say(f"No certificate in {counted(report.sources, 'file')}.", style="bold")
        return
    words = counted(report.distinct, "certificate")
    if len(shown) != report.distinct:
        words = f"{len(shown)} of {words}"
    page.say(f"{words}, {places}", style="bold")
    full = verbose or (len(shown) <= _TOLD and not report.verifications)
    if full:
        for holding in shown:
            page.blank()
            _card(page, holding)
    elif shown:
        _table(page, shown)
        page.say("In full with --verbose.", style="dim")


def _card(page: Page, holding: Holding) -> None:
    certificate = holding.certificate
    page.say(f"{name_of(holding)}: {left_text(holding)}", lead=mark_of(page, holding), style="bold")
    page.fact("subject", certificate.subject or "(empty)")
    own = " (itself)" if certificate.self_issued else ""
    page.fact("issuer", f"{certificate.issuer or '(empty)'}{own}")
    page.fact("serial", certificate.serial)
    page.fact("valid", f"{moment(certificate.not_before)} to {moment(certificate.not_after)}")
    if certificate.sans:
        page.fact("names", few(certificate.sans, len(certificate.sans), most=12))
    paths = holding.private_key_in
    own = f", its private key is in {few(paths, len(paths))}" if paths else ""
    page.fact("key", key_text(holding) + own)
    page.fact("signature", certificate.signature_algorithm or "unknown")
    page.fact("use", _use(holding))
    page.fact("sha256", certificate.fingerprint_sha256)
    if certificate.defect:
        page.fact("damaged", certificate.defect)
    for number, place in enumerate(holding.seen[:_PLACES]):
        page.fact("" if number else "seen", place_text(place))
    if holding.times_seen > _PLACES:
        page.fact("", f"and {counted(holding.times_seen - _PLACES, 'more place')}")


def _use(holding: Holding) -> str:
    certificate = holding.certificate
    constraints = certificate.basic_constraints
    authority = []
    if constraints is not None and constraints.ca:
        depth = constraints.path_length
        authority = ["authority" if depth is None else f"authority (path length {depth})"]
    usages = [*(certificate.extended_key_usage or ()), *(certificate.key_usage or ())]
    return ", ".join(authority + usages) or "not limited"


_COLUMNS: Final = ("", "ends", "left", "name", "issuer", "key", "seen", "serial")
_FLEXIBLE: Final = {3: 14, 4: 10, 6: 12}  # columns that may be cut, and how narrow
_ALIGNED: Final = 40
_ROOM_FOR_SERIALS: Final = 120  # columns of a terminal


def _table(page: Page, shown: Sequence[Holding]) -> None:
    """One line each; a terminal gets file names without folders, and serials where it is wide."""
    room = page.console.width if page.console.is_terminal else None
    count = len(_COLUMNS) - (room is not None and room < _ROOM_FOR_SERIALS)
    rows = [_row(page, holding, bare=room is not None)[:count] for holding in shown]
    widths = [max(cell_len(row[i]) for row in (_COLUMNS, *rows)) for i in range(count)]
    if room is not None:
        _narrow(widths, room)
    else:  # aligned as far as most go; nothing is cut
        widths = [min(width, _ALIGNED) for width in widths]
    page.console.print(page.text(_line(page, _COLUMNS[:count], widths), "dim"), soft_wrap=True)
    for row, holding in zip(rows, shown, strict=True):
        style = {-1: "red", 0: "yellow", 1: ""}[_health(holding)]
        page.console.print(page.text(_line(page, row, widths), style), soft_wrap=True)


def _row(page: Page, holding: Holding, *, bare: bool) -> tuple[str, ...]:
    certificate = holding.certificate
    first, more = holding.seen[0], holding.times_seen - 1
    return (
        mark_of(page, holding).plain.strip(),
        (certificate.not_after or "unknown")[:10],
        _short_left(holding),
        page.text(name_of(holding)).plain,
        page.text(_common(certificate.issuer)).plain,
        key_text(holding).removesuffix(" bits"),
        page.text(_place(first, bare=bare) + (f" +{more}" if more else "")).plain,
        certificate.serial,
    )


def _narrow(widths: list[int], room: int) -> None:
    """Take from the widest column that may be cut until the line fits."""
    while sum(widths) + len(widths) - 1 > room:
        able = [i for i, least in _FLEXIBLE.items() if widths[i] > least]
        if not able:
            return
        widths[max(able, key=lambda i: widths[i] - _FLEXIBLE[i])] -= 1


def _line(page: Page, row: Sequence[str], widths: Sequence[int]) -> str:
    cut = page.console.is_terminal
    cells = (_fit(page, cell, width, cut=cut) for cell, width in zip(row, widths, strict=True))
    return " ".join(cells).rstrip()


def _fit(page: Page, words: str, width: int, *, cut: bool) -> str:
    """Pad to a width in cells, or cut where that is wanted."""
    text = Text(words)
    if cut and cell_len(words) > width:
        end = page.glyphs.cut
        text.truncate(max(0, width - len(end)))
        text.append(end)
    text.pad_right(max(0, width - text.cell_len))
    return text.plain


def _common(name: str) -> str:
    """The common name of a distinguished name, else all of it."""
    found = [part[3:] for part in name.split(",") if part.startswith("CN=")]
    return found[0] if found else name


def name_of(holding: Holding) -> str:
    """A certificate's name in a list: common name, else first host, else subject."""
    certificate = holding.certificate
    common = _common(certificate.subject)
    if common != certificate.subject or not certificate.sans:
        return common or "(no name)"
    return certificate.sans[0]


def mark_of(page: Page, holding: Holding) -> Text:
    """A sign for how long a certificate is still good."""
    signs = page.glyphs
    mark, style = {
        -1: (signs.bad, "bold red"),
        0: (signs.open, "bold yellow"),
        1: (signs.good, "bold green"),
    }[_health(holding)]
    return page.text(f"{mark} ", style)


def _health(holding: Holding) -> int:
    """-1 expired or damaged, 0 soon to expire, 1 good."""
    left = holding.seconds_left
    if left is None or left < 0 or holding.certificate.defect:
        return -1
    return 0 if left < _SOON else 1


def left_text(holding: Holding) -> str:
    """How long a certificate is still good, in words."""
    left = holding.seconds_left
    if left is None:
        return "its dates cannot be read"
    days = abs(left) // 86_400
    span = counted(days, "day") if days else counted(abs(left) // 3600, "hour")
    return f"expired {span} ago" if left < 0 else f"{span} left"


def _short_left(holding: Holding) -> str:
    left = holding.seconds_left
    return "?" if left is None else f"{int(left / 86_400)}d"


def key_text(holding: Holding) -> str:
    """The key in words."""
    key = holding.certificate.key
    if key.curve:
        return f"{key.kind} {key.curve}"
    return f"{key.kind or 'unknown'}{f' {key.bits} bits' if key.bits else ''}"


def _place(place: Place, *, bare: bool) -> str:
    """A place in the table: file, stream, frame, sender; or file and alias."""
    name = PurePath(place.source).name if bare else place.source
    if place.stream is None:
        return f"{name} {place.label}" if place.label else name
    return f"{name} {place.stream}/{place.frame} {place.sender}"

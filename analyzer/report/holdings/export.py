"""Certificates as CSV for spreadsheets and as PEM for programs."""

from __future__ import annotations

import csv
import io
from typing import Final

from analyzer.report.escape import one_line, printable
from analyzer.report.holdings.schema import CertificateReport, Holding
from analyzer.report.holdings.text import key_text, name_of
from analyzer.report.holdings.words import place_text

_HEADER: Final = (
    *("name", "subject", "issuer", "serial", "not_before", "not_after", "days_left", "names"),
    *("key", "signature", "authority", "extended_key_usage", "sha256", "times_seen"),
    *("source", "stream", "frame", "sent_by", "address", "places"),
)


def render_csv(report: CertificateReport) -> str:
    """One line per certificate, under a header (RFC 4180); the last column holds all places."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_HEADER)
    for holding in report.certificates:
        writer.writerow([_cell(value) for value in _row(holding)])
    return out.getvalue()


def _row(holding: Holding) -> tuple[object, ...]:
    certificate, first = holding.certificate, holding.seen[0]
    constraints = certificate.basic_constraints
    left = holding.seconds_left
    return (
        name_of(holding),
        certificate.subject,
        certificate.issuer,
        certificate.serial,
        certificate.not_before or "",
        certificate.not_after or "",
        "" if left is None else int(left / 86_400),
        " ".join(certificate.sans),
        key_text(holding),
        certificate.signature_algorithm or "",
        "yes" if constraints is not None and constraints.ca else "no",
        " ".join(certificate.extended_key_usage or ()),
        certificate.fingerprint_sha256,
        holding.times_seen,
        first.source,
        "" if first.stream is None else first.stream,
        "" if first.frame is None else first.frame,
        first.sender or "",
        first.address or "",
        "; ".join(place_text(place) for place in holding.seen),
    )


def _cell(value: object) -> object:
    """Text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text


def render_pem(report: CertificateReport, pems: dict[str, str]) -> str:
    """All certificates, each below lines that say what it is; programs pass those over."""
    return "".join(
        f"# {one_line(holding.certificate.subject)}\n# {one_line(place_text(holding.seen[0]))}\n"
        f"{pems[holding.certificate.fingerprint_sha256]}"
        for holding in report.certificates
    )

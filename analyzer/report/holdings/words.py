"""The words that the parts of the text of ``certs`` share."""

from __future__ import annotations

from analyzer.report.holdings.schema import Place


def place_text(place: Place) -> str:
    """Where a certificate was seen, and by whom sent."""
    number = f", {place.index + 1} of {place.count}" if place.count > 1 else ""
    if place.stream is None:
        label = f" '{place.label}'" if place.label else ""
        return f"{place.source}{label} ({place.kind}{number})"
    name = f" (SNI {place.sni})" if place.sni and place.sender == "server" else ""
    at = f"{place.source} stream {place.stream} frame {place.frame}"
    return f"{at}: sent by the {place.sender} {place.address}{name}{number}"


def moment(time: str | None) -> str:
    """A time for people, to the second, UTC."""
    return f"{time[:10]} {time[11:19]} UTC" if time else "unknown"

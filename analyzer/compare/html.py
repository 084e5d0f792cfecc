"""A comparison as one HTML page: no script, nothing loaded from elsewhere, every text escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from typing import Final

from analyzer.compare.ranking import Comparison
from analyzer.compare.sides import Row, rows
from analyzer.report.escape import encodable, printable

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
li:first-child { font-weight: 600; } .unseen { font-style: italic; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-top: 1px solid #8886;
  overflow-wrap: anywhere; }
th { overflow-wrap: break-word; }
tr.differs td { background: #f5a62322; }
@media print { body { margin: 0; } }
"""


def render_html(found: Iterable[Comparison]) -> str:
    """The whole page."""
    body = "\n".join(line for comparison in found for line in _comparison(comparison))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<title>Handshakes compared</title>\n"
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _comparison(found: Comparison) -> Iterator[str]:
    headline = found.bad.diagnosis.headline
    yield f"<h1>{_safe(headline.title if headline else 'Two connections')}</h1>"
    yield f"<p>{_safe(found.departure)}</p>"
    yield "<h2>What differs, the best explanation first</h2>"
    if found.differences:
        yield "<ol>"
        for difference in found.differences:
            unseen = "" if difference.shown else ' class="unseen"'
            yield f"<li{unseen}>{_safe(difference.text)}</li>"
        yield "</ol>"
    else:
        yield "<p>Nothing that the two captures show.</p>"
    yield "<h2>Side by side</h2>"
    yield "<table><thead><tr>"
    yield from (f'<th scope="col">{name}</th>' for name in ("what", "good", "failing"))
    yield "</tr></thead><tbody>"
    yield from map(_row, rows(found.good, found.bad))
    yield "</tbody></table>"


def _row(row: Row) -> str:
    same = row.good == row.bad
    differs, sign = ("", "") if same else (' class="differs"', " ≠")  # paper has no background
    cells = f"<td>{_safe(row.good)}</td><td>{_safe(row.bad)}</td>"
    return f'<tr{differs}><th scope="row">{_safe(row.name)}{sign}</th>{cells}</tr>'


def _safe(text: str) -> str:
    return html.escape(printable(encodable(text)))

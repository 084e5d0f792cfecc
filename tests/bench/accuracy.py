"""Write ``docs/accuracy.md``: how often the analyzer is right, without and with keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.bench.score import FIELDS, GROUPINGS, Row, groups, rows, share

PAGE: Final = Path(__file__).parents[2] / "docs" / "accuracy.md"
# What each word of confidence promises: right at least so often, in per cent.
PROMISES: Final = {"seen": 99.0, "inferred": 95.0, "suspected": 75.0}
_TITLES: Final = {"fault": "What was wrong", "confidence": "How sure"}
_HEAD: Final = """\
# Accuracy

Real programs, one known fault each, recorded between two hosts: the captures, the truth and the keys are in `tests/bench/recorded`, the scenarios
that made them in `tests/bench`. `make accuracy` analyses them and writes this page; `make accuracy RECORD=1` records them anew first,
with the stacks that are installed (as root, on Linux).

An answer counts as right when it equals the truth. Where encryption hides which of several causes it was, the family of causes
is the right answer without keys. With keys it is not: there the exact cause is asked for, also where no packet holds it, as when a
server hangs up without a word. Rules see packets, never which program sent them; but they were written with these captures at hand,
so expect less of programs that are not here.

Every recording is also analysed as a worse capture would have it: begun late, ended early, one direction only or late, doubled, cut by a snap length, with
holes. A test holds that no failure is then called established, nothing established a failure, and that what is called seen stays right.
"""


def write(folder: Path, page: Path = PAGE) -> str:
    """Write the page, and give it."""
    text = render(folder)
    page.write_text(text, encoding="utf-8")
    return text


def render(folder: Path) -> str:
    """The page for the captures of a folder."""
    return "\n".join([_HEAD, *_part("Without keys", list(rows(folder))), *_keyed(folder)])


def _keyed(folder: Path) -> Iterator[str]:
    found = list(rows(folder, keys=True))
    yield from _part("With keys", found, " of which a program logged keys") if found else ()


def _part(title: str, found: Sequence[Row], of: str = "") -> Iterator[str]:
    clients = len({row.scenario["client"] for row in found})
    servers = len({row.scenario["server"] for row in found})
    yield f"## {title}\n"
    yield (
        f"{len(found):,} connections{of}, {clients} clients, {servers} servers. "
        f"Outcome right in {share(found, 'outcome'):.1f} %, cause in {share(found, 'cause'):.1f} %; "
        f"{_missed(found)} called established.\n"
    )
    yield from _promises(found)
    for name, key in GROUPINGS:
        yield from _table(_TITLES.get(name, name.capitalize()), found, key)
    yield from _wrong(found)


def _missed(found: Sequence[Row]) -> str:
    """Refused handshakes that were taken for good ones: the worst of errors."""
    count = sum(
        row.truth["outcome"] == "failed" and row.told["outcome"] == "established"
        for row in found
        if not row.right["outcome"]
    )
    return f"{count or 'no'} refused handshake{'' if count == 1 else 's'}"


def _promises(found: Sequence[Row]) -> Iterator[str]:
    """Of what is said with a word of confidence, how much is right; a family counts as an answer."""
    yield "| confidence | promised | kept | diagnoses |\n|---|---:|---:|---:|"
    for word, least in PROMISES.items():
        told = [row for row in found if row.told["confidence"] == word]
        if told:
            kept = 100 * sum(row.kept for row in told) / len(told)
            yield f"| {word} | {least:.0f} % | {kept:.1f} % | {len(told)} |"
    yield ""


def _table(title: str, found: Sequence[Row], key: Callable[[Row], str]) -> Iterator[str]:
    """Shares per group, the worst first."""
    names = " | ".join(field.replace("_", " ") for field in FIELDS)
    yield f"| {title} | n | {names} |\n|---|---:|{'---:|' * len(FIELDS)}"
    for name, group in groups(found, key):
        cells = " | ".join(f"{share(group, field):.1f}" for field in FIELDS)
        yield f"| {name.replace('_', ' ')} | {len(group)} | {cells} |"
    yield ""


def _wrong(found: Sequence[Row]) -> Iterator[str]:
    wrong = [row for row in found if not all(row.right.values())]
    if not wrong:
        return
    yield "Told wrong:\n"
    for row in wrong:
        told = ", ".join(
            f"{field.replace('_', ' ')} `{row.told[field]}` instead of `{row.truth[field]}`"
            for field, right in row.right.items()
            if not right
        )
        yield f"* `{row.name}`: {told}"
    yield ""

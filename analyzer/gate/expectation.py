"""What one expects of a capture, as it stands in a file beside it.

An expectation speaks of as much as its author cares for: every key may be left out. It is closed,
so that a key with a slip of the pen is refused and not ignored. docs/ci.md describes it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from analyzer.diagnosis.causes import CAUSES
from analyzer.encodings import as_utf8
from analyzer.errors import UsageError
from analyzer.limits import DEFAULT
from analyzer.report.escape import one_line
from analyzer.report.schema import Confidence, FailingSide, Outcome, Phase, RemedySide

Word: TypeAlias = str | tuple[str, ...] | UnsetType | None


class Closed(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """A record of an expectation file."""


class Counts(Closed, frozen=True):
    """How many connections there are, by outcome."""

    connections: int | UnsetType = UNSET
    established: int | UnsetType = UNSET
    failed: int | UnsetType = UNSET
    incomplete: int | UnsetType = UNSET
    not_tls: int | UnsetType = UNSET


class Row(Closed, frozen=True):
    """Some connections, and what holds for each of them.

    ``stream``, ``client``, ``server`` and ``sni`` choose; without any the row is about all. A list
    means "one of these", null that there is none. ``confidence`` is a floor.
    """

    note: str | UnsetType = UNSET
    stream: int | UnsetType = UNSET
    client: str | UnsetType = UNSET
    server: str | UnsetType = UNSET
    sni: str | UnsetType | None = UNSET
    counts: Counts | UnsetType = UNSET
    outcome: Outcome | tuple[Outcome, ...] | UnsetType = UNSET
    cause: Word = UNSET
    phase: Phase | tuple[Phase, ...] | UnsetType | None = UNSET
    failing_side: FailingSide | tuple[FailingSide, ...] | UnsetType | None = UNSET
    remedy_side: RemedySide | tuple[RemedySide, ...] | UnsetType | None = UNSET
    confidence: Confidence | UnsetType | None = UNSET
    rule: Word = UNSET
    version: Word = UNSET
    cipher_suite: Word = UNSET
    alpn: Word = UNSET
    last_message: Word = UNSET
    alerts: tuple[str, ...] | UnsetType = UNSET


class Expectation(Closed, frozen=True):
    """All that is expected of one capture. ``others``: the connections that no row is about."""

    note: str | UnsetType = UNSET
    counts: Counts | UnsetType = UNSET
    others: Literal["any", "healthy", "none"] = "any"
    connections: tuple[Row, ...] = ()


class Folder(Closed, frozen=True):
    """One file for the captures of a folder: expectations by path within it."""

    captures: dict[str, Expectation]
    note: str | UnsetType = UNSET


SELECTORS: Final = ("stream", "client", "server", "sni")
NOT_FACTS: Final = frozenset({"note", "counts", *SELECTORS})
FACTS: Final = tuple(name for name in Row.__struct_fields__ if name not in NOT_FACTS)

_T = TypeVar("_T", Expectation, Folder)
_UNKNOWN: Final = re.compile(
    r"Object contains unknown field `(?P<key>.*?)`(?: - at `\$(?P<at>.*)`)?"
)
_PLACED: Final = re.compile(r"(?P<problem>.*?)(?: - at `\$(?P<at>.*)`)?", re.DOTALL)


def read_expectation(path: Path) -> Expectation:
    """Read the expectation of one capture.

    Raises:
        UsageError: It cannot be read, or holds what an expectation does not.
    """
    found = _decoded(path, Expectation)
    _check(found, str(path), "")
    return found


def read_folder(path: Path) -> Folder:
    """Read the expectations of the captures of a folder; raises as :func:`read_expectation`."""
    found = _decoded(path, Folder)
    for name, expectation in found.captures.items():
        _check(expectation, str(path), f"captures[{name!r}].")
    return found


def _decoded(path: Path, form: type[_T]) -> _T:
    if path.stat().st_size > DEFAULT.expectation_bytes:
        raise UsageError(f"{path}: too long for an expectation; split it")
    try:
        data = as_utf8(path.read_bytes())
        if path.suffix == ".toml":
            return msgspec.convert(tomllib.loads(data.decode()), form)
        return msgspec.json.decode(data, type=form)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise UsageError(f"{path}: {_explained(str(error))}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: not TOML: {one_line(str(error))}; correct it") from None


def _explained(problem: str) -> str:
    """Say a message of the decoder in words of the file."""
    unknown = _UNKNOWN.fullmatch(problem)
    if unknown:
        known = [*Row.__struct_fields__, *Expectation.__struct_fields__, *Counts.__struct_fields__]
        close = difflib.get_close_matches(unknown["key"], known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "docs/ci.md lists the keys"
        return f"unknown key {one_line(unknown['key'])!r}{_place(unknown['at'])}; {hint}"
    placed = _PLACED.fullmatch(problem)
    words, at = (placed["problem"], placed["at"]) if placed else (problem, None)
    return f"{one_line(words)}{_place(at)}; correct it"


def _place(at: str | None) -> str:
    return f" in {one_line(at.removeprefix('.'))}" if at else ""


def _check(expectation: Expectation, path: str, place: str) -> None:
    """Refuse what no connection can ever have: addresses and causes that are none."""
    for number, row in enumerate(expectation.connections):
        where = f"{path}: {place}connections[{number}]"
        for end in (row.client, row.server):
            if isinstance(end, str):
                try:
                    parted(end)
                except ValueError:
                    raise UsageError(
                        f"{where}: {one_line(end)}: not an address; write 192.0.2.1 or 192.0.2.1:443"
                    ) from None
        for cause in words(row.cause):
            if cause is not None and cause not in CAUSES:
                close = difflib.get_close_matches(cause, CAUSES, n=1)
                hint = f"did you mean {close[0]}?" if close else "docs/rules.md lists them"
                raise UsageError(f"{where}: {one_line(cause)}: no such cause; {hint}")


def words(value: Word) -> tuple[str | None, ...]:
    """The values that are as good: none where the key is left out."""
    if isinstance(value, UnsetType):
        return ()
    return value if isinstance(value, tuple) else (value,)


def parted(end: str) -> tuple[str, int | None]:
    """Part an address from its port, and write the address as reports do.

    >>> parted("[2001:DB8::0]:443"), parted("192.0.2.1"), parted("2001:db8::1")
    (('2001:db8::', 443), ('192.0.2.1', None), ('2001:db8::1', None))

    Raises:
        ValueError: It is no address, or no port.
    """
    bracketed = re.fullmatch(r"\[(.+)\](?::(\d{1,5}))?", end)
    plain = re.fullmatch(r"([^:]+)(?::(\d{1,5}))?", end)
    found = bracketed or plain
    address, port = (found[1], found[2]) if found else (end, None)
    return str(ip_address(address)), None if port is None else int(port)

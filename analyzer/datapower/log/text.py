"""The text form of a log line, in all its shapes.

::

    line   := [ingest] [time] tags [object] ":" [tid] [dir] [ip] [gtid] [":"] text
    tags   := [domain] [code] category severity      each in brackets; domain, code may be absent
    object := class "(" name ")"                     class may hold blanks
    tid    := "tid(" digits ")"   dir := "[request]" | "[response]" | "[error]"

What stands before the tags (a container's name, a syslog header) is passed over but for the time.
Every pattern here is anchored or bounded: time grows with the line's length and no faster.
"""

from __future__ import annotations

import functools
import ipaddress
import json
import re
from dataclasses import dataclass
from typing import Final

from analyzer.datapower.log.times import find_time
from analyzer.tls.loglines import SEVERITIES, LogLine

_STAMP: Final = re.compile(r"\d{8}T\d{6}")
_RUN: Final = re.compile(r"(?:\[[^\[\]\s]{1,128}\]){1,6}")
_TAG: Final = re.compile(r"\[([^\[\]]*)\]")
_CODE: Final = re.compile(r"0x[0-9a-fA-F]{8}\Z")
_CUT: Final = re.compile(r"\[[a-z]{0,6}\.{0,3}\Z|\[[a-z]{0,6}\.\.\.")  # "[mpgw][e..."
_OBJECT: Final = re.compile(
    r"\s*(?P<kind>[a-zA-Z][a-zA-Z0-9 ._-]{0,63})\((?P<name>[^()\[\]]{0,128})\)\s?:?(?=\s|\Z)"
)
_HEAD: Final = re.compile(
    r"\s*:?\s*(?:(?:tid|trans)\((?P<tid>\d{1,18})\))?"
    r"\s?(?:\[(?P<dir>request|response|error)\])?"
    r"\s?(?:\[(?P<ip>[0-9a-fA-F:.]{2,45}(?:%\w{1,16})?)\](?!\[))?"
    r"\s?(?:gtid\((?P<gtid>[0-9a-fA-F-]{1,64})\))?"
    r"(?:\[(?P<ip2>[0-9a-fA-F:.]{2,45})\](?=:))?\s*:?\s*"
)
_PREFIX_MOST: Final = 512  # bytes before the tags; more is no log line
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class _Tags:
    """The bracketed words of a line, and how long they are together."""

    length: int
    domain: str | None = None
    code: int | None = None
    category: str | None = None
    severity: str | None = None


def read_line(text: str, file: str = "", number: int = 0) -> LogLine | None:
    """Read one line of the text form; None where it is none."""
    text = _CONTROL.sub(" ", text).strip()
    text = _unwrapped(text) if text.startswith("{") else text
    found = _find_tags(text)
    if found is None:
        return None
    begin, end, tags = found
    moment, rest = find_time(text[:begin]), text[end:]
    named = _OBJECT.match(rest)
    rest = rest[named.end() :] if named else rest
    head = _HEAD.match(rest)
    assert head is not None  # every part may be absent
    client = address_of(head["ip"] or head["ip2"])
    said = rest[head.end() :] if head["ip"] is None or client is not None else rest.lstrip(": ")
    return LogLine(
        text=said.strip(),
        time=moment.time if moment else None,
        zone_known=moment is not None and moment.zone_known,
        year_known=moment is None or moment.year_known,
        domain=tags.domain,
        category=tags.category,
        code=tags.code,
        severity=SEVERITIES.get(tags.severity or ""),
        kind=named["kind"].strip() if named else None,
        name=named["name"] if named else None,
        transaction=int(head["tid"]) if head["tid"] else None,
        global_transaction=head["gtid"],
        direction=head["dir"],
        client=client,
        file=file,
        number=number,
    )


def begins_line(text: str) -> bool:
    """Whether a line begins a new entry, rather than going on with the one before."""
    if text[:1].isspace():  # as people indent what they paste; nothing goes on with a stamp
        return _STAMP.match(text.lstrip()) is not None
    return (
        text.startswith("[")
        or _STAMP.match(text) is not None
        or find_time(text[:64]) is not None
        or _find_tags(text) is not None
    )


def _find_tags(text: str) -> tuple[int, int, _Tags] | None:
    """The first run of bracketed words that are tags: where it begins, where it ends, what it says."""
    for run in _RUN.finditer(text[: _PREFIX_MOST + 512]):
        if run.start() > _PREFIX_MOST:
            break
        tags = _sort_out(run[0])
        if tags is not None:
            return run.start(), run.start() + tags.length, tags
        cut = _CUT.match(text, run.end())  # an excerpt that ends within the tags
        if cut or run.end() == len(text):
            tags = _tags(_TAG.findall(run[0]), None)
            if tags is not None and tags.code is not None:
                return run.start(), cut.end() if cut else run.end(), tags
    return None


@functools.lru_cache(maxsize=4096)
def _sort_out(run: str) -> _Tags | None:
    """Tell the words apart by shape; the last of them must be a severity.

    The transaction's client may follow without a blank, so that the run may be longer.
    """
    words = _TAG.findall(run)
    for size in range(len(words), 1, -1):
        if words[size - 1] in SEVERITIES:
            return _tags(words[: size - 1], words[size - 1])
    return None


def _tags(words: list[str], severity: str | None) -> _Tags | None:
    """Domain, code and category, by where the code stands."""
    length = sum(len(word) + 2 for word in (*words, *([severity] if severity else ())))
    codes = [index for index, word in enumerate(words) if _CODE.match(word)]
    at = codes[0] if codes else len(words) - 2
    code = int(words[codes[0]], 16) if codes else None
    above, below = words[: at + (not codes)], words[at + 1 :]
    if len(above) > 1 or len(below) > 1:
        return None
    domain = above[0] if above else None
    return _Tags(length, domain, code, below[0] if below else None, severity)


@functools.lru_cache(maxsize=4096)
def address_of(text: str | None) -> str | None:
    """An address in its usual writing; None for what is none."""
    if not text:
        return None
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def _unwrapped(text: str) -> str:
    """The line within a collector's JSON: ``{"log": "2018…", "stream": "stdout"}``.

    Where the line has no time of its own, the collector's is put before it.
    """
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(held, dict):
        return text
    line = _first_text(held, ("log", "message", "msg", "MESSAGE"))
    if line is None:
        return text
    found = _find_tags(line)
    if found is None or find_time(line[: found[0]]) is not None:
        return line
    return f"{_first_text(held, _TIMES) or ''} {line}".strip()


_TIMES: Final = ("time", "timestamp", "@timestamp", "ibm_datetime", "datetime")


def _first_text(held: dict[str, object], keys: tuple[str, ...]) -> str | None:
    """The first of these that is a text."""
    found = (held[key] for key in keys if key in held)
    return next((one.strip() for one in found if isinstance(one, str)), None)

"""The forms with named or counted fields: CSV, XML, and Common Base Events.

CSV, which error reports hold, too::

    1,time,domain,category,severity,class,object,tid[,gtid],client,0xcode,,,"text"

The column of the global transaction exists only on firmware that has one: columns are counted from
that of the code. XML entries stand one after the other without a root; each is read by itself, so
that a damaged one costs no other, and entities have no place to be defined in.
"""

from __future__ import annotations

import csv
import re
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from analyzer.datapower.log.text import address_of
from analyzer.datapower.log.times import find_time
from analyzer.tls.loglines import SEVERITIES, LogLine, Severity

_CSV: Final = re.compile(r"\d{1,3},[0-9TZ.:+-]{10,35},")
_CODE: Final = re.compile(r"0x[0-9a-fA-F]{8}\Z")
_HEAD_MOST: Final = 16  # columns before the text
OPENINGS: Final = ("<log-entry", "<CommonBaseEvent")
CLOSINGS: Final = ("</log-entry>", "</CommonBaseEvent>")


def is_csv(text: str) -> bool:
    """Whether a line begins as one of the CSV form."""
    return _CSV.match(text) is not None


def read_csv(text: str, file: str = "", number: int = 0) -> LogLine | None:
    """Read one line of CSV; None where it is none."""
    try:
        (columns,) = csv.reader([" ".join(part.strip() for part in text.splitlines())])
    except (csv.Error, ValueError):
        return None
    at = next((i for i, c in enumerate(columns[:_HEAD_MOST]) if _CODE.match(c)), None)
    if at is None or at < 8 or at > 10:
        return None
    moment = find_time(columns[1])
    ids = columns[7 : at - 1]  # tid, and gtid where the firmware has one
    return LogLine(
        text=",".join(columns[at + 3 :]).strip() if len(columns) > at + 3 else columns[-1].strip(),
        time=moment.time if moment else None,
        zone_known=moment is not None and moment.zone_known,
        domain=columns[2] or None,
        category=columns[3] or None,
        code=int(columns[at], 16),
        severity=SEVERITIES.get(columns[4]),
        kind=columns[5] or None,
        name=columns[6] or None,
        transaction=_number(ids[0]) if ids else None,
        global_transaction=(ids[1] or None) if len(ids) > 1 else None,
        client=address_of(columns[at - 1]),
        file=file,
        number=number,
    )


def is_open_csv(text: str) -> bool:
    """Whether a quoted text goes on in the next line."""
    return text.count('"') % 2 == 1


def read_xml(text: str, file: str = "", number: int = 0) -> LogLine | None:
    """Read one XML element; None where it is damaged or says nothing."""
    try:
        root = fromstring(text)
    except (ParseError, DefusedXmlException, ValueError):
        return None
    if _local(root) == "CommonBaseEvent":
        return _read_event(root, file, number)
    held = {_local(one): one for one in root}
    said = {name: (one.text or "").strip() or None for name, one in held.items()}
    time, zone_known, year_known = _time(held, said)
    code = said.get("code") or ""
    return LogLine(
        text=said.get("message") or "",
        time=time,
        zone_known=zone_known,
        year_known=year_known,
        domain=root.get("domain") or None,
        category=said.get("type"),
        code=int(code, 16) if _CODE.match(code) else None,
        severity=_severity(held, said),
        kind=said.get("class"),
        name=said.get("object"),
        transaction=_number(said.get("transaction")),
        global_transaction=said.get("global-transaction-id"),
        direction=said.get("transaction-type"),
        client=address_of(said.get("client")),
        file=file,
        number=number,
    )


def _time(held: dict[str, Element], said: dict[str, str | None]) -> tuple[int | None, bool, bool]:
    """``time/@utc`` counts milliseconds; ``date-time`` is in the appliance's zone."""
    utc = held["time"].get("utc", "") if "time" in held else ""
    if utc.isdecimal() and len(utc) <= 15:
        return int(utc) * 1_000_000, True, True
    moment = find_time(said.get("date-time") or f"{said.get('date')} {said.get('time')}")
    if moment is None:
        return None, False, True
    return moment.time, moment.zone_known, moment.year_known


def _severity(held: dict[str, Element], said: dict[str, str | None]) -> Severity | None:
    number = held["level"].get("num", "") if "level" in held else ""
    if number in {"0", "1", "2", "3", "4", "5", "6", "7"}:
        return Severity(int(number))
    return SEVERITIES.get(said.get("level") or "")


def _read_event(root: Element, file: str, number: int) -> LogLine:
    """A Common Base Event, as far as its attributes have a meaning for all products."""
    more = {str(one.get("name")): (one.findtext(".//{*}values") or "").strip() for one in root}
    moment = find_time(root.get("creationTime") or "")
    code = root.get("msgId") or more.get("code") or ""
    return LogLine(
        text=root.get("msg") or "",
        time=moment.time if moment else None,
        zone_known=moment is not None and moment.zone_known,
        domain=more.get("domain") or None,
        category=more.get("category") or more.get("type") or None,
        code=int(code, 16) if _CODE.match(code) else None,
        kind=more.get("class") or None,
        name=more.get("object") or None,
        transaction=_number(more.get("transaction")),
        client=address_of(more.get("client")),
        file=file,
        number=number,
    )


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) <= 18 else None

"""Logs of a gateway written from declared entries, in every form of the product.

The forms follow the product's documented grammar and share no table with the readers.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

NUMBERS = {"emerg": 0, "alert": 1, "critic": 2, "error": 3, "warn": 4, "notice": 5, "info": 6}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry, as the gateway means it. ``time`` is ns since the epoch."""

    time: int
    category: str
    severity: str
    text: str
    domain: str = ""
    code: str = ""
    kind: str = ""
    name: str = ""
    tid: int | None = None
    gtid: str = ""
    direction: str = ""
    client: str = ""

    @property
    def object(self) -> str:
        return f"{self.kind}({self.name})" if self.kind else ""


def stamp(time: int) -> str:
    """``20180815T125545.977Z``."""
    at = dt.datetime.fromtimestamp(time // 1_000_000_000, dt.UTC)
    return f"{at:%Y%m%dT%H%M%S}.{time // 1_000_000 % 1000:03d}Z"


def body(entry: Entry) -> str:
    """All that follows the time in the text form of 2014 and later."""
    domain = f"[{entry.domain}]" if entry.domain else ""
    code = f"[{entry.code}]" if entry.code else ""
    tid = f"tid({entry.tid})" if entry.tid is not None else ""
    direction = f"[{entry.direction}]" if entry.direction else ""
    client = f"[{entry.client}]" if entry.client else ""
    gtid = f" gtid({entry.gtid})" if entry.gtid else ""
    ids = f"{tid}{direction}{client}{gtid}"
    head = f"{entry.object}: {ids}{': ' if ids else ''}"
    return f"{domain}{code}[{entry.category}][{entry.severity}] {head}{entry.text}"


def as_new(entry: Entry) -> str:
    return f"{stamp(entry.time)} {body(entry)}"


def as_old(entry: Entry) -> str:
    at = dt.datetime.fromtimestamp(entry.time // 1_000_000_000, dt.UTC)
    return f"{at:%a %b %d %Y %H:%M:%S} {body(entry)}"


def as_container(entry: Entry) -> str:
    return f"datapower_1   | {as_new(entry)}"


def as_syslog(entry: Entry) -> str:
    at = dt.datetime.fromtimestamp(entry.time // 1_000_000_000, dt.UTC)
    return (
        f"<{8 + NUMBERS.get(entry.severity, 7)}>{at:%b} {at.day:>2} {at:%H:%M:%S} gw1 {body(entry)}"
    )


def as_syslog_5424(entry: Entry) -> str:
    at = dt.datetime.fromtimestamp(entry.time // 1_000_000_000, dt.UTC)
    return f"<14>1 {at:%Y-%m-%dT%H:%M:%S}.{entry.time // 1000 % 1_000_000:06d}Z gw1 dp - - - {body(entry)}"


def as_collected(entry: Entry) -> str:
    text = as_new(entry).replace("\\", "\\\\").replace('"', '\\"')
    return f'{{"log":"{text}\\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}}'


def as_wrapped(entry: Entry) -> str:
    """As a mail program breaks it: at a blank, the rest indented."""
    text = as_new(entry)
    at = text.rfind(" ", 0, 100)
    return f"{text[:at]}\n    {text[at + 1 :]}" if at > 60 else text


def as_xml(entry: Entry) -> str:
    at = dt.datetime.fromtimestamp(entry.time // 1_000_000_000, dt.UTC)
    held: list[tuple[str, Mapping[str, str], str]] = [
        ("date", {}, f"{at:%a %b %d %Y}"),
        ("time", {"utc": str(entry.time // 1_000_000)}, f"{at:%H:%M:%S}"),
        ("date-time", {}, f"{at:%Y-%m-%dT%H:%M:%S}"),
        ("type", {}, entry.category),
        ("class", {}, entry.kind),
        ("object", {}, entry.name),
        ("level", {"num": str(NUMBERS.get(entry.severity, 7))}, entry.severity),
        ("transaction-type", {}, entry.direction),
        ("transaction", {}, "" if entry.tid is None else str(entry.tid)),
        ("global-transaction-id", {}, entry.gtid),
        ("client", {}, entry.client),
        ("code", {}, entry.code),
        ("file", {}, ""),
        ("message", {}, entry.text),
    ]
    inner = "".join(
        f"<{tag}{''.join(f' {k}={quoteattr(v)}' for k, v in more.items())}>{escape(text)}</{tag}>"
        for tag, more, text in held
    )
    return f"<log-entry serial='1467' domain={quoteattr(entry.domain)}>\n{inner}</log-entry>"


def as_csv(entry: Entry, *, with_gtid: bool = True) -> str:
    tid = "" if entry.tid is None else str(entry.tid)
    text = entry.text.replace('"', '""')
    columns = ["1", stamp(entry.time), entry.domain, entry.category, entry.severity, entry.kind]
    columns += [entry.name, tid, *([entry.gtid] if with_gtid else []), entry.client, entry.code]
    return ",".join([*columns, "", "", f'"{text}"'])


def as_report(sections: Iterable[tuple[str, bytes]], boundary: str = "DP-1234") -> bytes:
    """An error report: MIME, every part in base64."""
    head = (
        'MIME-Version: 1.0\r\nSubject: Error report\r\nContent-Type: multipart/related;\r\n boundary="'
        f'{boundary}"\r\n\r\nThis is a message in several parts.\r\n'
    )
    parts = [
        (
            f"--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-ID: "
            f"<{name}@datapower.ibm.com>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        ).encode()
        + base64.encodebytes(data).replace(b"\n", b"\r\n")
        for name, data in sections
    ]
    return head.encode() + b"\r\n".join(parts) + f"--{boundary}--\r\n".encode()

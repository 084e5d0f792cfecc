"""The technote's list, item by item: what is at hand, what is missing, how to get it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from analyzer.datapower.export.objects import Device
from analyzer.datapower.log.load import Log
from analyzer.mustgather.certificates import absent
from analyzer.mustgather.material import Material, Trace
from analyzer.mustgather.runs import runs_of, told_by
from analyzer.mustgather.said import completed, what_openssl_said
from analyzer.report.escape import printable
from analyzer.report.times import clock, rfc3339
from analyzer.report.words import counted
from analyzer.tls.loglines import Severity


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that support asks for.

    ``found`` says what is at hand; ``steps`` how to get what is not. An item with steps is not
    complete.
    """

    title: str
    found: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """``here``, ``in part`` or ``missing``."""
        return "here" if not self.steps else "in part" if self.found else "missing"


def items(material: Material, certificates: int) -> list[Item]:
    """The list, in the order of the technote; ``certificates`` are at hand."""
    device = _device(material)
    return [
        _certificates(material, certificates),
        _export(material),
        _trace(material.trace),
        _log(material.log, material.trace),
        _openssl(material),
        _known("Serial number of the appliance", device.serial, _SHOW_SYSTEM),
        _known(
            "Firmware version", " ".join(filter(None, (device.firmware, device.build))), _VERSION
        ),
    ]


# What no file tells.
TO_FILL_IN = (
    "IBM customer number",
    "Severity (1 critical … 4 minimal, by IBM's table) and why",
    "Effect on the business",
    "Contact: name and telephone number",
    "Times for a remote session, with the time zone",
    "What was changed before it began to fail",
)

_SHOW_SYSTEM = (
    "WebGUI: Status > System > Version Information",
    "CLI: `show system`",
)
_VERSION = ("WebGUI: Status > System > Version Information", "CLI: `show version`")


def checklist(listed: Iterable[Item], members: Iterable[str]) -> str:
    """The page for the ticket."""
    lines = ["# Checklist for the case", ""]
    for item in listed:
        lines += [f"## {item.title}: {item.state}", ""]
        lines += [f"* {printable(text)}" for text in item.found]
        if item.steps:
            lines += ["", "To get it:", ""] if item.found else ["To get it:", ""]
            lines += [f"{number}. {step}" for number, step in enumerate(item.steps, start=1)]
        lines.append("")
    lines += ["## To fill in", "", *(f"* {what}: ____" for what in TO_FILL_IN), ""]
    lines += ["## In this file", "", *(f"* `{name}`" for name in members), ""]
    lines += ["## What was left out", "", *(f"* {text}" for text in _LEFT_OUT), ""]
    return "\n".join(lines)


_LEFT_OUT = (
    (
        "from the packets: application data, clear text that may hold secrets, all connections that did "
        "not fail (docs/extract.md)"
    ),
    "from the configuration: all that says nothing of TLS; passwords and keys are never read",
    (
        "from the log: all but the time around each failure; what is named a password, a token or a "
        "cookie, and long runs of letters and digits, are ***"
    ),
    "private keys, key stores, TLS secrets",
    "What is still in it: addresses, host names, names of objects and in certificates. Read it before you send it.",
)


def _device(material: Material) -> Device:
    exports = material.graph.exports if material.graph is not None else ()
    return next((e.device for e in exports if e.device != Device()), Device())


def _certificates(material: Material, count: int) -> Item:
    missing = absent(material.graph)
    found = [f"{counted(count, 'certificate')}: certificates/index.md"] if count else []
    steps: list[str] = []
    for name, users in missing:
        used = "; ".join(users) or "used by no object"
        steps.append(f"{printable(name)} ({printable(used)}): give the file with --cert-dir")
    if missing or not count:
        steps += [
            (
                "WebGUI: Objects > Crypto Configuration > Crypto Certificate > the object > details: "
                "serial number, subject, issuer, validity"
            ),
            (
                "WebGUI: which profile uses it: Crypto Identification or Validation Credentials, then "
                "TLS Server or Client Profile (or Crypto Profile, SSL Proxy Profile)"
            ),
        ]
    return Item("Certificate details", tuple(found), tuple(steps))


def _export(material: Material) -> Item:
    exports = material.graph.exports if material.graph is not None else ()
    found = tuple(
        f"{export.path}: domain {domain.name}, {counted(len(domain.objects), 'object')} of TLS"
        for export in exports
        for domain in export.domains
        if domain.objects
    )
    steps = (
        "Save the configuration first: what is not saved is not exported",
        (
            "WebGUI: Administration > Configuration > Export Configuration > 'Create a backup of one or "
            "more application domains', the domain of the service; or 'Export configuration and files from "
            "the current domain'"
        ),
        "Download the zip and give it with --dp-export",
    )
    return Item("Export of the domain", found, () if found else steps)


def _trace(trace: Trace | None) -> Item:
    title = "Packet trace at the time of the failure"
    steps = (
        (
            "WebGUI: in domain default, Troubleshooting > Packet Capture; a filter such as 'host ADDRESS and "
            "port PORT', maximum packet size 9000, and a size that outlasts the failure (10,000 KB is little)"
        ),
        (
            'CLI: in the interface\'s mode `packet-capture temporary:///capture.pcap 300 50000 "port PORT"`, '
            "and `no packet-capture temporary:///capture.pcap` to end it"
        ),
        (
            "Make it fail while the capture runs; wait 30 seconds after its end, then download it from "
            "temporary: (File Management)"
        ),
    )
    if trace is None:
        return Item(title, (), steps)
    found = []
    for facts in trace.extract.captures:
        span = "no packet"
        if facts.first_packet is not None and facts.last_packet is not None:
            begin, end = (clock(rfc3339(t)) for t in (facts.first_packet, facts.last_packet))
            span = f"{counted(facts.packets, 'packet')}, {begin} to {end}"
        found.append(f"{facts.path}: {span}")
        found += facts.caveats
    failed = len(trace.failed)
    found.append(
        f"{counted(trace.extract.connections, 'TCP connection')}; {failed} failed; those in trace.pcap: "
        f"{len(trace.extract.chosen)}"
    )
    return Item(title, tuple(found), () if failed else ("No connection in it failed.", *steps))


def _log(log: Log | None, trace: Trace | None) -> Item:
    title = "Log at level debug of the domain that runs the service"
    if log is None or not log.lines:
        return Item(title, (), _LOG_STEPS)
    times = [line.time for line in log.lines if line.time is not None]
    found = [counted(len(log.lines), "entry", "entries")]
    if times:
        begin, end = (clock(rfc3339(t)) for t in (times[0], times[-1]))
        found[0] += f", {begin} to {end}"
    found += log.caveats
    lacks = [] if any(line.severity is Severity.DEBUG for line in log.lines) else [_NO_DEBUG]
    if trace is not None and trace.failed:
        joined = sum(1 for one in trace.failed if one.story.log is not None and one.story.log.lines)
        found.append(f"{joined} of {counted(len(trace.failed), 'failure')} found in it")
        lacks += (
            [] if joined else ["No failure of the trace is found in it: another time or domain?"]
        )
    return Item(title, tuple(found), (*lacks, *_LOG_STEPS) if lacks else ())


_NO_DEBUG = (
    "No entry of level debug is in it: the level was not set, or the log target leaves it out"
)
_LOG_STEPS = (
    "WebGUI: in the domain of the service, Troubleshooting > Logging > Set Log Level: debug",
    'CLI: in the domain, `logging target default-log`, then `event "all" "debug"`',
    (
        "Make it fail, then download logtemp:///default-log and its rotations (File Management), or "
        "Troubleshooting > Generate Error Report; give them with --dp-log"
    ),
    "Set the level back: debug costs time",
)


def _openssl(material: Material) -> Item:
    found = [_output(material, name, text) for name, text in sorted(material.notes.items())]
    failed = material.trace is not None and bool(material.trace.failed)
    if failed and any(completed(text) for text in material.notes.values()):
        found.append(_WHERE_OTHERS_FAIL)
    steps = ("Run the commands of openssl.md and give their output with --openssl",)
    return Item("openssl s_client, s_server, verify", tuple(found), () if found else steps)


_WHERE_OTHERS_FAIL = (
    "openssl completed a handshake. If it was with the other side of a connection that failed, suspect "
    "what differs: what the real client offers, demands or trusts"
)


def _output(material: Material, name: str, text: str) -> str:
    said, joined = what_openssl_said(text), _joined(material, name, text)
    streams = ", ".join(str(stream) for stream in joined[:_STREAMS_MOST])
    more = f" and {len(joined) - _STREAMS_MOST} more" if len(joined) > _STREAMS_MOST else ""
    beside = f" (evidence of tcp.stream {streams}{more})" if joined else ""
    return f"output: openssl/{name}{beside}{': ' if said else ''}{' / '.join(said)}"


_STREAMS_MOST: Final = 5


def _joined(material: Material, name: str, text: str) -> list[int]:
    """The failed connections with whose other side, or on whose certificate, openssl was run."""
    if material.trace is None:
        return []
    runs, failed = runs_of({name: text}), {one.story.stream for one in material.trace.failed}
    connections = (c for c in material.trace.report.connections if c.stream in failed)
    return [connection.stream for connection in connections if told_by(runs, connection)]


def _known(title: str, value: str, steps: tuple[str, ...]) -> Item:
    return Item(title, (value,)) if value else Item(title, (), steps)

"""One connection in detail: facts, evidence, ladder, remedy, what else it may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from analyzer.report.ladder import before_tls, draw_ladder, endpoint_text, frame_text
from analyzer.report.page import Page
from analyzer.report.schema import (
    Certificate,
    Connection,
    Finding,
    GatewayLog,
    Group,
    Report,
    Tls,
    Vouchers,
)
from analyzer.report.words import CHANGE, GAVE_UP, NEXT, STEP, SURE

_CERTIFICATES_SHOWN: Final = 4
_LOG_LINES: Final = 6


def tell_facts(page: Page, connection: Connection, files: int, group: Group | None = None) -> None:
    """Who, where, how sure: the facts of a finding side by side. ``files`` are those of the report."""
    finding = connection.diagnosis
    if finding and connection.outcome == "failed":
        step = STEP[finding.phase]
        page.fact("gave up", f"{GAVE_UP[finding.failing_side]}, {step} ({finding.phase})")
        page.fact("to do", NEXT[finding.remedy_side])
    if finding:
        page.fact("how sure", SURE[finding.confidence])
        page.fact("cause", f"{finding.cause} {page.glyphs.dot} rule {finding.rule}")
    ends = f"{endpoint_text(connection.client)} to {endpoint_text(connection.server)}"
    name = f" ({connection.tls.sni})" if connection.tls.sni else ""
    if group is None or group.count == 1:
        page.fact("between", f"{ends}{name}")
        page.fact("when", page.clock(connection.start))
    else:
        page.fact("clients", few(group.clients, group.clients_total))
        page.fact("servers", few(group.servers, group.servers_total))
        if group.sni:
            page.fact("names", few(group.sni, group.sni_total))
        page.fact("when", f"{page.clock(group.first)} to {page.clock(group.last)}")
        page.fact("example", f"{ends}{name}, {page.clock(connection.start)}")
    if (held := connection.objects) is not None:
        with_ = " with ".join(part for part in (held.place, held.profile) if part)
        page.fact("gateway", f"{held.leg} side of domain {held.domain}: {with_}")
    elif connection.log is not None and connection.log.leg is not None:
        of = f" of domain {connection.log.domain}" if connection.log.domain else ""
        named = ", ".join(
            dict.fromkeys(line.object for line in connection.log.lines if line.object)
        )
        page.fact("gateway", f"{connection.log.leg} side{of}: {named or 'by its log'}")
    if connection.handshake.prelude is not None:
        page.fact("before TLS", before_tls(connection.handshake.prelude))
    page.fact("Wireshark", wireshark_filter(connection, files))


def wireshark_filter(connection: Connection, files: int) -> str:
    """A display filter; the stream numbers of several files together are those of none of them."""
    if files < 2:
        return f"tcp.stream eq {connection.stream}"
    ends = (
        f"{'ipv6' if ':' in end.ip else 'ip'}.addr eq {end.ip} and tcp.port eq {end.port}"
        for end in (connection.client, connection.server)
    )
    return " and ".join(ends)


def tell_connection(page: Page, connection: Connection, *, in_full: bool = False) -> None:
    """A connection in detail: why, evidence, ladder, remedy, what else it may be."""
    finding = connection.diagnosis
    if finding:
        page.blank()
        page.say(finding.explanation, indent=2)
        _evidence(page, finding)
    if connection.log is not None:
        _log(page, connection.log, in_full=in_full)
    page.heading("Who said what")
    draw_ladder(page, connection)
    if any(message.inferred for message in connection.handshake.messages):
        page.say("(in brackets: encrypted, known by its record only)", indent=4, style="dim")
    if finding:
        _remedy(page, finding)
    _also_seen(page, connection.findings)
    if in_full:
        _agreed(page, connection)
        _certificates(page, "Certificates of the server", connection.certificates.server)
        _vouchers(page, connection.certificates.vouchers)
        _certificates(page, "Certificates of the client", connection.certificates.client)
    if connection.caveats:
        page.heading("What the capture hides")
        bullets(page, connection.caveats)
    if finding:
        page.blank()
        cited = f"{'; '.join(finding.references)}. " if finding.references else ""
        more = f"{cited}More: handshake-analyzer explain {finding.rule}"
        page.say(more, indent=2, style="dim")


def _evidence(page: Page, finding: Finding) -> None:
    page.heading("Evidence")
    width = max(len(frame_text(e.frame)) for e in finding.evidence) if finding.evidence else 0
    for evidence in finding.evidence:
        lead = page.text(f"frame {frame_text(evidence.frame):>{width}}  ", "cyan")
        page.say(evidence.text, lead=lead, indent=4)


def _log(page: Page, log: GatewayLog, *, in_full: bool) -> None:
    """What the gateway wrote of the connection, companions of every failure only in full."""
    page.heading(f"In the gateway's log (joined by {log.found_by})")
    told = [line for line in log.lines if in_full or not line.companion]
    for line in told if in_full else told[:_LOG_LINES]:
        parts = (line.severity, line.object and f"{line.object}:", line.text)
        words = f"{' '.join(part for part in parts if part)} ({line.file}:{line.line})"
        lead = page.text(f"{page.clock(line.time)}  " if line.time else "", "cyan")
        page.say(words, lead=lead, indent=4)
    bullets(page, log.contradictions)


def _remedy(page: Page, finding: Finding) -> None:
    if finding.remedy:
        page.heading(CHANGE[finding.remedy_side])
        numbered = len(finding.remedy) > 1
        for number, step in enumerate(finding.remedy, start=1):
            page.say(step, lead=f"{number}. " if numbered else "", indent=4)
    if finding.alternatives:
        page.heading("Not excluded, and what would decide")
        for other in finding.alternatives:
            lead = page.text(f"{other.cause}: ", "yellow")
            page.say(f"{other.would_decide}", lead=lead, indent=4)


def _also_seen(page: Page, findings: Sequence[Finding]) -> None:
    if not findings:
        return
    page.heading("Also seen")
    bullets(page, [f"{finding.title} ({finding.rule})" for finding in findings])


def _agreed(page: Page, connection: Connection) -> None:
    """The offer beside the choice."""
    tls = connection.tls
    offer = tls.client_offers
    rows = [
        ("version", offer.versions if offer else (), tls.version),
        ("suite", offer.cipher_suites if offer else (), tls.cipher_suite),
        ("group", offer.groups if offer else (), tls.group),
        ("alpn", offer.alpn if offer else (), tls.alpn),
    ]
    if not any(offered or chosen for _, offered, chosen in rows):
        return
    page.heading("Offered and chosen")
    for name, offered, chosen in rows:
        if offered or chosen:
            listed = few(offered, len(offered), most=6) or "nothing"
            unused = name == "group" and _without_group(tls)
            words = f"{chosen or ('not used' if unused else 'nothing')}, out of: {listed}"
            page.say(words, lead=page.text(f"{name:<9}", "dim"), indent=4)


def _without_group(tls: Tls) -> bool:
    """Whether the suite that was chosen exchanges keys without a group, so that none is missing."""
    suite = tls.cipher_suite
    return suite is not None and tls.version != "TLSv1.3" and "DHE" not in suite


def _certificates(page: Page, title: str, certificates: Sequence[Certificate]) -> None:
    if not certificates:
        return
    page.heading(title)
    for depth, certificate in enumerate(certificates[:_CERTIFICATES_SHOWN]):
        page.say(certificate.subject or "(empty subject)", lead=f"{depth}: ", indent=4)
        page.say(f"issued by {certificate.issuer or '(empty issuer)'}", indent=7, style="dim")
        page.say(_validity(certificate), indent=7, style="dim")
        if depth == 0 and certificate.sans:
            names = few(certificate.sans, len(certificate.sans), most=6)
            page.say(f"for {names}", indent=7, style="dim")


def _vouchers(page: Page, vouchers: Vouchers | None) -> None:
    """What was sent along with the server's certificate."""
    if vouchers is not None:
        bullets(page, voucher_lines(vouchers))


def voucher_lines(vouchers: Vouchers) -> list[str]:
    """A sentence for each thing that vouches for a certificate."""
    lines = []
    if (staple := vouchers.staple) is not None:
        status = staple.certificate_status or f"no answer ({staple.response_status})"
        until = f", until {staple.next_update[:10]}" if staple.next_update else ""
        lines.append(
            f"OCSP staple: {status}, by {staple.responder or 'an unnamed responder'}{until}"
        )
    if vouchers.timestamps:
        count = len(vouchers.timestamps)
        lines.append(f"certificate transparency: {count} log timestamp{'s' if count > 1 else ''}")
    if (credential := vouchers.delegated_credential) is not None:
        until = credential.valid_until[:19] if credential.valid_until else "an unknown time"
        lines.append(f"delegated credential: {credential.scheme}, until {until}")
    return lines


def _validity(certificate: Certificate) -> str:
    key = certificate.key
    kind = " ".join(str(part) for part in (key.kind, key.curve or key.bits) if part)
    begin, end = certificate.not_before, certificate.not_after
    valid = f"valid {begin[:10]} to {end[:10]}" if begin and end else "validity unknown"
    return ", ".join(part for part in (valid, kind, certificate.signature_algorithm or "") if part)


def bullets(page: Page, lines: Iterable[str]) -> None:
    """Print a list."""
    for line in lines:
        page.say(line, lead=f"{page.glyphs.dot} ", indent=4)


def few(names: Sequence[str], total: int, *, most: int = 3) -> str:
    """Name the first few and count the rest; ``names`` may itself be the first of ``total``."""
    listed = names[:most]
    shown = ", ".join(listed)
    return f"{shown} and {total - len(listed)} more" if total > len(listed) else shown


def counted_in(group: Group) -> str:
    """How often a group failed, and of how many, where its title names but one of them."""
    kinds = (
        (group.clients_total, "clients"),
        (group.servers_total, "servers"),
        (group.sni_total, "names"),
    )
    several = ", ".join(f"{total:,} {kind}" for total, kind in kinds if total > 1)
    return f"{group.count:,}: {several}" if several else f"{group.count:,}"


def to_do(example: Connection | None) -> str:
    """On which side something has to change, by an example, and whether that is only suspected."""
    finding = example.diagnosis if example is not None else None
    if finding is None:
        return ""
    doubt = " (suspected)" if finding.confidence == "suspected" else ""
    return NEXT[finding.remedy_side] + doubt


def unfinished(report: Report) -> list[tuple[str, str]]:
    """Causes for which handshakes are incomplete, each with an example; the most frequent first."""
    reasons: dict[str, list[Connection]] = {}
    for connection in report.connections:
        if connection.outcome == "incomplete":
            cause = connection.diagnosis.cause if connection.diagnosis else ""
            reasons.setdefault(cause, []).append(connection)
    told = []
    for cause, members in sorted(reasons.items(), key=lambda item: -len(item[1])):
        first = members[0].diagnosis
        words = f"{first.title} (stream {members[0].stream})" if first else "no reason found"
        often = f" and {len(members) - 1} more like it" if len(members) > 1 else ""
        told.append((cause, words + often))
    return told

"""What a gateway's log adds to what the wire shows: the reason of a refusal, and hidden alerts.

Lines are evidence beside frames, and weaker: they name what the wire leaves open, and raise what the
wire only suspects to what follows from it. They never stand above what the wire states in clear, and
where both cannot be right the lines count for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from analyzer.datapower.log.codes import Kind, kind_of, verdict_of
from analyzer.datapower.log.reasons import reason_of
from analyzer.diagnosis.causes import PARENTS, Confidence, FailingSide, Phase, RemedySide
from analyzer.diagnosis.log.meanings import MEANINGS, verdict_causes
from analyzer.diagnosis.memo import once_per_story
from analyzer.diagnosis.model import Evidence, Finding
from analyzer.tcp.timeline import Side
from analyzer.tls.loglines import LogLine, LogView, Reason, Refuser
from analyzer.tls.objects import Leg
from analyzer.tls.registry.code_points import AlertDescription, AlertLevel
from analyzer.tls.story import Alert, Ending, Story, Visibility, Way


@dataclass(frozen=True, slots=True)
class Said:
    """What the lines of a connection say of its end."""

    lines: tuple[LogLine, ...]  # those that say it, the surest first
    refuser: Refuser
    gateway: Side
    text: str  # as the log has it
    words: str  # as a title has it
    cause: str | None = None
    fits: frozenset[str] = frozenset()  # causes of the wire that it confirms
    setting: str = ""
    alert: AlertDescription | None = None
    credential: str | None = None  # the CryptoValCred that refused
    subject: str = ""  # of the certificate that it refused
    definite: bool = False  # the verdict excludes what the alert seems to say

    @property
    def line(self) -> LogLine:
        """The line to cite first."""
        return self.lines[0]


@once_per_story
def read_log(story: Story) -> Said | None:
    """Find out what the log says of a connection's end; None where it says nothing to rely on."""
    view = story.log
    if view is None or view.leg is None or view.contradictions:
        return None
    gateway = Side.SERVER if view.leg is Leg.FRONT else Side.CLIENT
    return _of_validation(view, gateway) or _of_library(view, gateway)


def _of_validation(view: LogView, gateway: Side) -> Said | None:
    """A validation credential's verdict says more than the library's "verify failed"."""
    lines = tuple(line for line in view.lines if kind_of(line) is Kind.INVALID)
    told = [(line, verdict) for line in lines if (verdict := verdict_of(line)) is not None]
    if not told:
        return None
    line, (credential, why, _) = told[0]
    subject = next((who for _, (_, _, who) in told if who), "")
    meaning = MEANINGS[134]
    parent = meaning.server if gateway is Side.SERVER else meaning.client
    cause, also = verdict_causes(why, gateway)
    return Said(
        lines=(line, *(one for one in lines if one is not line)),
        refuser=Refuser.GATEWAY,
        gateway=gateway,
        text=why or line.text,
        words=why or meaning.words,
        cause=cause or parent,
        fits=also | ({cause} if cause else frozenset()),
        setting=meaning.setting,
        credential=credential,
        subject=subject,
        definite=cause is None and "crl" in why.lower(),
    )


def _of_library(view: LogView, gateway: Side) -> Said | None:
    """The first entry of the library that holds somebody to it."""
    for line in view.lines:
        reason = reason_of(line) if kind_of(line) is Kind.LIBRARY else None
        if reason is not None and reason.refuser is not Refuser.NOBODY:
            return _of_reason(line, reason, gateway)
    return None


def _of_reason(line: LogLine, reason: Reason, gateway: Side) -> Said:
    if reason.alert is not None:
        alert = AlertDescription(reason.alert)
        words = f"its peer sent alert {alert.label} ({reason.alert})"
        return Said((line,), Refuser.PEER, gateway, reason.text, words, alert=alert)
    meaning = MEANINGS.get(reason.reason) if reason.library == 20 else None
    text = reason.text or f"reason {reason.reason}"
    if meaning is None:
        return Said((line,), Refuser.GATEWAY, gateway, text, text)
    cause = meaning.server if gateway is Side.SERVER else meaning.client
    fits = meaning.also | ({cause} if cause else frozenset())
    return Said(
        (line,), Refuser.GATEWAY, gateway, text, meaning.words, cause, fits, meaning.setting
    )


def read_beside(story: Story, read: Callable[[Story], Finding | None]) -> Finding | None:
    """What the wire says by ``read``, with what the log adds to it."""
    said = read_log(story)
    if said is None:
        return read(story)
    heard = _heard(story, said)
    wire = read(heard)
    if wire is None or not wire.failure:
        return wire
    if heard is not story:
        wire = _capped(wire)
    elif said.refuser is Refuser.GATEWAY:
        wire = _refined(wire, said)
    return replace(wire, evidence=(*wire.evidence, *log_evidence(story, said.lines, wire)))


def log_evidence(
    story: Story, lines: Iterable[LogLine], wire: Finding | None = None
) -> tuple[Evidence, ...]:
    """Lines beside the frame that they speak of: that of the wire's last evidence, else the end."""
    frame = wire.evidence[-1].frame if wire is not None else story.ending.frame
    frame = frame or story.timeline.last_frame
    return tuple(Evidence(frame, log_phrase(line)) for line in list(lines)[:_CITED])


_CITED: Final = 3


def log_phrase(line: LogLine) -> str:
    """A line as evidence: ``gateway's log (default-log:12): [0x8120002f] ssl-server(front): …``."""
    code = f"[{line.code_text}] " if line.code is not None else ""
    named = f"{line.object_text}: " if line.object_text else ""
    return f"gateway's log ({line.place}): {code}{named}{line.text}"


def _heard(story: Story, said: Said) -> Story:
    """The story with the alert in it that encryption hides and the gateway read."""
    ending, peer = story.ending, said.gateway.peer
    if said.alert is None or ending.way is not Way.ENCRYPTED_ALERT or ending.side is not peer:
        return story
    alert = Alert(
        peer, ending.frame, ending.time, AlertLevel.FATAL, said.alert, Visibility.INFERRED
    )
    others = tuple(one for one in story.alerts if one.frame != ending.frame)
    end = Ending(Way.ALERT, peer, ending.frame, ending.time, alert, ending.waited_ns)
    return replace(story, ending=end, alerts=(*others, alert))


def _capped(wire: Finding) -> Finding:
    """A log is no more than what follows from the wire: it is not seen there."""
    sure = wire.confidence
    return replace(wire, confidence=Confidence.INFERRED if sure is Confidence.SEEN else sure)


def _refined(wire: Finding, said: Said) -> Finding:
    """The wire's finding with the reason that the gateway gives for its refusal."""
    if said.cause is None or not _is_gateways(wire, said.gateway):
        return wire
    if wire.cause in said.fits:
        return _surer(wire)
    if PARENTS.get(wire.cause) == said.cause and not said.definite:
        # The wire says more than the log.
        return _surer(wire) if wire.confidence is not Confidence.SUSPECTED else wire
    seen = wire.confidence is Confidence.SEEN and _is_child(wire.cause)
    if wire.cause != said.cause and seen and not said.definite:
        return wire
    cause = said.cause
    return replace(
        wire,
        cause=cause,
        phase=_PHASES.get(PARENTS.get(cause) or cause, wire.phase),
        failing_side=FailingSide.of(said.gateway),
        remedy_side=_remedy_side(wire, cause, said),
        confidence=wire.confidence
        if wire.cause == cause and wire.confidence is Confidence.SEEN
        else Confidence.INFERRED,
        alternatives=(),
    )


def _is_gateways(wire: Finding, gateway: Side) -> bool:
    """Whether it can have been the gateway that gave up."""
    return wire.failing_side is FailingSide.of(gateway) or (
        wire.confidence is Confidence.SUSPECTED or wire.failing_side is FailingSide.NONE
    )


def _surer(wire: Finding) -> Finding:
    if wire.confidence is Confidence.SUSPECTED:
        return replace(wire, confidence=Confidence.INFERRED, alternatives=())
    return wire


def _is_child(cause: str) -> bool:
    """Whether a cause is a definite one: that a side closed does not say why."""
    return PARENTS.get(cause) not in {None, "", "transport", "after_handshake"}


_PHASES: Final = {
    "client_certificate_rejected": Phase.CLIENT_CERTIFICATE,
    "server_certificate_rejected": Phase.SERVER_CERTIFICATE,
}


def _remedy_side(wire: Finding, cause: str, said: Said) -> RemedySide:
    """Who must change, where the log names another cause than the wire."""
    if PARENTS.get(cause) in {wire.cause, PARENTS.get(wire.cause)}:
        if cause in {"client_cert_expired", "client_cert_not_yet_valid", "client_cert_missing"}:
            return RemedySide.CLIENT
        if cause in {"cert_expired", "cert_not_yet_valid"}:
            return RemedySide.SERVER
        return wire.remedy_side
    return RemedySide.of(said.gateway.peer)

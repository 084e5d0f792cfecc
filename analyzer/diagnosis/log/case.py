"""A failure with lines of the gateway's log: what rules of the log see, and how they say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from analyzer.datapower.log.codes import label_of
from analyzer.diagnosis.causes import PARENTS, Confidence
from analyzer.diagnosis.log.reading import Said, log_evidence
from analyzer.diagnosis.model import Alternative, Finding, Rule
from analyzer.tcp.timeline import Side
from analyzer.tls.loglines import LogLine, LogView
from analyzer.tls.objects import Leg
from analyzer.tls.story import Story


@dataclass(frozen=True, slots=True)
class LogCase:
    """A failure of a connection with lines of the gateway's log: what the wire and the log say."""

    story: Story
    log: LogView
    wire: Finding  # with what the log adds
    alone: Finding | None  # without
    said: Said | None

    @property
    def gateway(self) -> Side:
        """Which side of the connection the gateway is, by its log."""
        return Side.CLIENT if self.log.leg is Leg.BACK else Side.SERVER

    @property
    def gateway_refused(self) -> bool:
        """Whether it was the gateway that gave up."""
        return self.wire.failing_side.value == self.gateway.value

    @property
    def peer(self) -> str:
        """The gateway's peer as titles name it."""
        return self.story.client.ip if self.gateway is Side.SERVER else str(self.story.server)

    @property
    def certificate(self) -> bool:
        """Whether the wire's cause is about the gateway's own certificate."""
        own = f"{self.gateway.value}_certificate_rejected"
        return own in {self.wire.cause, PARENTS.get(self.wire.cause)}

    @property
    def agrees(self) -> bool:
        """Whether the wire's cause is one that the log's reason stands for."""
        said, cause = self.said, self.wire.cause
        if said is None or said.cause is None:
            return said is not None
        return cause in said.fits | {said.cause} or PARENTS.get(cause) == said.cause

    @property
    def refined(self) -> bool:
        """Whether the log names another cause than the wire would."""
        return self.alone is None or self.alone.cause != self.wire.cause

    @property
    def readable(self) -> bool:
        """Whether the alert that the log reads can be read on the wire as well."""
        alert = self.said.alert if self.said is not None else None
        return any(one.description == alert for one in self.story.alerts)

    @property
    def profile(self) -> str | None:
        """The TLS profile that the lines name."""
        kinds = {"ssl-server", "ssl-client", "ssl-sni-server"}
        found = (label_of(line) for line in self.log.lines if line.kind in kinds)
        return next((label for label in found if label), None)

    @property
    def label(self) -> str | None:
        """The TLS profile that the lines name, else any object."""
        return self.profile or next(filter(None, map(label_of, self.log.lines)), None)

    def finding(
        self,
        rule: Rule,
        *,
        title: str,
        why: str,
        remedy: tuple[str, ...],
        lines: Iterable[LogLine] = (),
        confidence: Confidence | None = None,
        alternatives: tuple[Alternative, ...] | None = None,
    ) -> Finding:
        """Say what the lines add. Evidence, cause, step and sides are those of wire and log."""
        wire = self.wire
        own = log_evidence(self.story, lines, wire)
        domain = f" in domain {self.log.domain}" if self.log.domain else ""
        how = f" The lines{domain} belong here by {self.log.found_by}." if self.log.lines else ""
        return rule.finding(
            *dict.fromkeys((*wire.evidence, *own)),
            title=title,
            explanation=f"{why}{how} On the wire: {wire.title}.",
            remedy=tuple(dict.fromkeys(remedy)),
            failing_side=wire.failing_side,
            remedy_side=wire.remedy_side,
            confidence=confidence or wire.confidence,
            cause=wire.cause,
            phase=wire.phase,
            alternatives=wire.alternatives if alternatives is None else alternatives,
        )

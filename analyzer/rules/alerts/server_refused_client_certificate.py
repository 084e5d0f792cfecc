"""The server refused the client's certificate, and the wire does not say for which fault.

## What it looks like
The server asked for a certificate, the client answered, and the server gives up: by an alert that
does not say why, an encrypted alert, or a bare close. In TLS 1.3 that is a record of 19 bytes after
the client's Finished and no ticket or data.

## Why it happens
The server does not trust the issuer, the certificate has expired or is for another use, or its
holder is not let in.

## What it is not
An empty Certificate is TLS-CLCRT-001. Where the certificate is in clear and shows a fault, or the
alert names it, another rule says so.

## What to do
The server's log names the reason; or record the keys of the session together with the packets.

## Blind spots
In TLS 1.3 request, certificate and alert are encrypted. Two bytes of data before a close_notify look like two
alerts, as some stacks send them: the finding is suspected then. A server that completes the handshake and
refuses by an HTTP status is not seen at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.diagnosis.causes import Confidence, Phase, RemedySide
from analyzer.diagnosis.deciding import WOULD_DECIDE
from analyzer.diagnosis.evidence import chain_evidence, milestone_evidence
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.refusals.late import client_certificate_refused
from analyzer.diagnosis.refusals.refusal import Refusal
from analyzer.diagnosis.signs.alerts import CERTIFICATE_ALERTS
from analyzer.diagnosis.signs.passing import passed
from analyzer.diagnosis.topics import refusing
from analyzer.diagnosis.verdicts.verdict import least
from analyzer.diagnosis.wording import certificate_of, keys_would_tell, server_name, when
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Milestone, Story

RULE = Rule(
    id="TLS-ALERT-004",
    name="server-refused-client-certificate",
    cause="client_certificate_rejected",
    phase=Phase.CLIENT_CERTIFICATE,
    rank=Rank.STEP,
    title="The server refused the client's certificate",
    references=("RFC 8446 §4.4.2.4", "RFC 5246 §7.4.6"),
    topic=refusing,
    fallback=True,
)


def check(story: Story) -> Iterator[Finding]:
    """Yield for every refusal at the step where the client's certificate is judged."""
    refusal = client_certificate_refused(story)
    if refusal is None:
        return
    sent = passed(story, Milestone.CLIENT_CERTIFICATE)
    causes = ["client_cert_untrusted", "client_cert_expired", "client_cert_wrong_usage"]
    causes.append("client_cert_revoked")
    if not sent:
        causes.insert(0, "client_cert_missing")
    yield RULE.finding(
        *_evidence(story),
        refusal.evidence,
        title=(
            f"{server_name(story)} refused {certificate_of(story, Side.CLIENT)}: it {refusal.deed}"
        ),
        explanation=(
            "The server gave up where it had to judge the client's certificate. Its reason is not "
            "in clear."
        ),
        remedy=(
            f"Server: its log at {when(story.ending.time)} names the reason.",
            "Client: check issuer, dates and extended key usage of the certificate that it sends.",
            *keys_would_tell(story),
        ),
        failing_side=refusal.failing_side,
        remedy_side=RemedySide.CLIENT,
        confidence=least(_confidence(story, refusal), refusal.ceiling),
        alternatives=(
            *(Alternative(cause, WOULD_DECIDE[cause]) for cause in causes),
            *refusal.alternatives,
        ),
    )


def _evidence(story: Story) -> tuple[Evidence, ...]:
    asked = milestone_evidence(
        story, Milestone.CERTIFICATE_REQUEST, "server asked for a client certificate"
    )
    if story.client_chain is not None:
        return (*asked, chain_evidence(story.client_chain))
    sent = milestone_evidence(
        story, Milestone.CLIENT_CERTIFICATE, "client answered with a certificate"
    )
    done = milestone_evidence(story, Milestone.CLIENT_FINISHED, "client finished its side")
    return (*asked, *sent, *done)


def _confidence(story: Story, refusal: Refusal) -> Confidence:
    if refusal.alert in CERTIFICATE_ALERTS:
        return Confidence.SEEN
    if refusal.certain or (refusal.dark and passed(story, Milestone.CLIENT_CERTIFICATE)):
        return Confidence.INFERRED
    answered = passed(story, Milestone.CLIENT_FINISHED) or not story.tls13
    known = passed(story, Milestone.CERTIFICATE_REQUEST) and answered
    return Confidence.INFERRED if refusal.dark and known else Confidence.SUSPECTED

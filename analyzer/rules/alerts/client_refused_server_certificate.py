"""The client refused the server's certificate, and the wire does not say for which fault.

## What it looks like
The client gives up right after the server's flight: by an alert that does not say why (42, 46, 40),
an encrypted alert, or a bare close. In TLS 1.3 a record of 19 bytes in place of the client's
Finished is such an alert.

## Why it happens
Any fault of the certificate or its chain, the name, or the client's trust store.

## What it is not
Where the alert names the fault, or the certificate is in clear and shows one, another rule says so.

## What to do
Look at the certificate from the client's side, and at the client's log; or record the keys of the
session together with the packets.

## Blind spots
Some clients (NSS up to TLS 1.2) judge the certificate only when the handshake is done; their
encrypted alert is told from an orderly close by the server's not answering it. In TLS 1.3 the
certificate is encrypted. An encrypted alert at this step can also mean a signature
that did not verify; where the server asks for a certificate, that the client's own key can sign with nothing that
the server lists (BoringSSL says so of Ed25519 and P-521). The two look alike; only that the client uses other
connections with this server speaks for its own key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Confidence, Phase, RemedySide
from analyzer.diagnosis.deciding import WOULD_DECIDE
from analyzer.diagnosis.evidence import chain_evidence, message_evidence, milestone_evidence
from analyzer.diagnosis.model import Alternative, Evidence, Finding, Rank, Rule
from analyzer.diagnosis.reaching import reach_by_name
from analyzer.diagnosis.refusals.late import left_unused
from analyzer.diagnosis.refusals.refusal import Refusal, server_certificate_refused
from analyzer.diagnosis.signs.alerts import CERTIFICATE_ALERTS, VAGUE_ALERTS
from analyzer.diagnosis.signs.passing import accepted_otherwise
from analyzer.diagnosis.topics import refusing
from analyzer.diagnosis.verdicts.verdict import least
from analyzer.diagnosis.wording import client_name, keys_would_tell, presented, server_name, when
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Milestone, Story

RULE = Rule(
    id="TLS-ALERT-003",
    name="client-refused-server-certificate",
    cause="server_certificate_rejected",
    phase=Phase.SERVER_CERTIFICATE,
    rank=Rank.STEP,
    title="The client refused the server's certificate",
    references=("RFC 8446 §4.4.2.4", "RFC 5246 §7.4.2"),
    topic=refusing,
    fallback=True,
)

_CHILDREN = (
    *("untrusted_ca", "hostname_mismatch", "cert_expired", "incomplete_chain", "self_signed"),
    *("wrong_key_cert_usage", "cert_revoked"),
)


def check(story: Story) -> Iterator[Finding]:
    """Yield for every refusal at the step where the server's certificate is judged."""
    refusal = server_certificate_refused(story) or _refused_late(story)
    if refusal is None:
        return
    perhaps = _perhaps_asked_in_vain(story, refusal)
    foremost = _asked_in_vain(story, refusal) or (perhaps and accepted_otherwise(story))
    yield RULE.finding(
        *_evidence(story),
        refusal.evidence,
        title=(
            f"{client_name(story)} refused the certificate of {server_name(story)}"
            f"{presented(story)}: it {refusal.deed}"
        ),
        explanation=(
            "The client gave up where it had to judge the server's certificate. "
            + (
                "The certificate is encrypted, so its faults cannot be seen."
                if story.server_chain is None
                else "The alert does not say why, and nothing in the certificate stands out."
            )
        ),
        remedy=(
            (
                "See what the client sees: openssl s_client -connect "
                f"{reach_by_name(story)} -showcerts </dev/null"
            ),
            f"Client: its log at {when(story.ending.time)} names the fault.",
            *keys_would_tell(story),
        ),
        failing_side=refusal.failing_side,
        remedy_side=RemedySide.SERVER,
        confidence=least(_confidence(story, refusal), refusal.ceiling),
        alternatives=(
            *([_CANNOT_ANSWER] if foremost else []),
            *([_CLOCK] if _perhaps_too_early(story, refusal) else []),
            *(Alternative(cause, WOULD_DECIDE[cause]) for cause in _CHILDREN),
            *([_CANNOT_ANSWER] if perhaps and not foremost else []),
            *refusal.alternatives,
        ),
    )


_CANNOT_ANSWER: Final = Alternative(
    "no_shared_sigalg",
    "whether the client's key can sign with what the CertificateRequest lists; the client's log",
)

_CLOCK: Final = Alternative("cert_not_yet_valid", WOULD_DECIDE["cert_not_yet_valid"])


def _perhaps_too_early(story: Story, refusal: Refusal) -> bool:
    """Whether the client's clock may be slow: stacks call a certificate bad that begins later."""
    bad = refusal.alert is AlertDescription.BAD_CERTIFICATE
    return bad and story.server_chain is not None


def _asked_in_vain(story: Story, refusal: Refusal) -> bool:
    """Whether the client may mean the request for its own certificate: it came in the same flight."""
    return refusal.alert in VAGUE_ALERTS and story.certificate_request is not None


def _perhaps_asked_in_vain(story: Story, refusal: Refusal) -> bool:
    """Whether that cannot be excluded of an alert that nobody can read: rare beside refusals."""
    return refusal.dark and story.tls13 and story.reached(Milestone.CERTIFICATE_REQUEST)


def _refused_late(story: Story) -> Refusal | None:
    """An encrypted alert right after the handshake that the server did not answer as a close."""
    refusal = left_unused(story)
    return refusal if refusal is not None and refusal.dark and not refusal.orderly else None


def _evidence(story: Story) -> tuple[Evidence, ...]:
    if story.server_chain is not None:
        return (chain_evidence(story.server_chain),)
    flight = "server sent its certificate and finished its flight"
    told = milestone_evidence(story, Milestone.SERVER_FLIGHT, flight)
    if story.choice is None:
        return told
    hello = f"server chose {story.version}, {story.cipher_suite}"
    return (*message_evidence(story, Side.SERVER, "server_hello", hello), *told)


def _confidence(story: Story, refusal: Refusal) -> Confidence:
    """An alert that only speaks of certificates states the step; a close merely suggests it.

    So does another alert of a client that shows elsewhere that it likes the certificate.
    """
    if refusal.alert in CERTIFICATE_ALERTS:
        return Confidence.SEEN
    if _asked_in_vain(story, refusal) or accepted_otherwise(story):
        return Confidence.SUSPECTED
    if refusal.certain or refusal.dark:
        return Confidence.INFERRED
    return Confidence.SUSPECTED

"""A signature, a Finished message or a record did not verify: bytes changed, or keys do not match.

## What it looks like
decrypt_error (51) where a signature or Finished is checked, bad_record_mac (20) at the first
encrypted record, or illegal_parameter (47) at a ServerHello whose random carries the mark of a
downgrade that the client did not ask for.

## Why it happens
A device in the path rewrites handshake bytes; a certificate is served with another one's private
key; memory or offload hardware is faulty; or a stack has a bug.

## What it is not
Where a pre-shared key was used, a wrong key is more likely: TLS-CRY-002.

## What to do
Check that key and certificate belong together, then compare captures from both sides of whatever
lies in the path.

## Blind spots
Without keys one capture cannot show which bytes were changed on the way; with keys it shows the
record that does not verify while those beside it do, and in TLS 1.3 a CertificateVerify that does
not fit what was sent before it. In TLS 1.3 such alerts are mostly
encrypted, and after the server's flight they look like a refused certificate.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.causes import Confidence, Phase, RemedySide
from analyzer.diagnosis.flaws.chains import signature_flaw
from analyzer.diagnosis.model import Evidence, Finding, Rank, Rule
from analyzer.diagnosis.refusals.refusal import Refusal, read_refusal
from analyzer.diagnosis.signs.alerts import CRYPTO_ALERTS
from analyzer.diagnosis.signs.certificate_messages import weakly_signed
from analyzer.diagnosis.signs.hellos import psk_offered
from analyzer.diagnosis.topics import refusing
from analyzer.diagnosis.verdicts.disagreement import negotiation_evidence
from analyzer.diagnosis.wording import party
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription, ProtocolVersion
from analyzer.tls.story import Milestone, Story
from analyzer.tls.telling.proof import key_exchange_frame, key_exchange_proven, possession

RULE = Rule(
    id="TLS-CRY-001",
    name="tampered",
    cause="tampered",
    phase=Phase.FINISHED,
    rank=Rank.ALERT,
    title="A signature, a Finished message or a record did not verify",
    references=("RFC 8446 §6.2", "RFC 5246 §7.4.9"),
    topic=refusing,
)

_CHECKED: Final = {
    Phase.KEY_EXCHANGE: "the signature of the key exchange",
    Phase.CLIENT_CERTIFICATE: "the signature of CertificateVerify",
    Phase.FINISHED: "the first encrypted message",
    Phase.SERVER_CERTIFICATE: "a signature in the chain",
    Phase.SERVER_HELLO: "the ServerHello",
    Phase.CLIENT_HELLO: "the ClientHello",
}

# Alerts that say in clear that it was not the signature; verifying one takes longer than all else.
_ANOTHER_REASON: Final = frozenset(
    {
        AlertDescription.CERTIFICATE_EXPIRED,
        AlertDescription.CERTIFICATE_REVOKED,
        AlertDescription.UNKNOWN_CA,
    }
)


def check(story: Story) -> Iterator[Finding]:
    """Yield for the alerts of failed checks, and for the downgrade mark that a client refused."""
    refusal = read_refusal(story)
    if refusal is None or psk_offered(story):
        return
    another = refusal.alert in _ANOTHER_REASON
    if refusal.side is Side.CLIENT and not another and key_exchange_proven(story) is False:
        text = "the signature of the server's key exchange does not verify"
        evidence = (Evidence(key_exchange_frame(story), text),)
        yield _finding(story, refusal, Phase.KEY_EXCHANGE, Confidence.SEEN, evidence, Rank.DECISIVE)
    elif damaged := _damaged(story, refusal):
        phase = _phase(story, refusal)
        yield _finding(story, refusal, phase, Confidence.SEEN, damaged, Rank.DECISIVE)
    elif refusal.alert in CRYPTO_ALERTS and (unproven := _unproven(story, refusal)):
        yield unproven
    elif refusal.alert in CRYPTO_ALERTS and not _beyond_the_client(story, refusal):
        yield _finding(story, refusal, _phase(story, refusal), Confidence.INFERRED, ())
    elif refusal.alert is AlertDescription.ILLEGAL_PARAMETER and _downgraded(story):
        text = "the server's random carries the mark of a downgrade (RFC 8446 §4.1.3)"
        evidence = (Evidence(story.milestones[Milestone.SERVER_HELLO].frame, text),)
        yield _finding(story, refusal, refusal.phase, Confidence.INFERRED, evidence)


def _beyond_the_client(story: Story, refusal: Refusal) -> bool:
    """Whether the client more likely lacks what it takes to verify the chain: TLS-CERT-009, -010."""
    return refusal.phase is Phase.SERVER_CERTIFICATE and weakly_signed(story)


def _damaged(story: Story, refusal: Refusal) -> tuple[Evidence, ...]:
    """A record that keys prove to have been changed before the side that gave up read it."""
    if refusal.alert not in CRYPTO_ALERTS:
        return ()
    sender = refusal.side.peer.value
    text = f"a record of the {sender} does not verify although the keys open those beside it"
    return tuple(
        Evidence(frame, text)
        for name, defect, frame in story.defects
        if name == "protected_record" and defect.field == f"{sender}.record"
    )[:1]


def _unproven(story: Story, refusal: Refusal) -> Finding | None:
    """The CertificateVerify of the side that was refused does not fit what was sent before it."""
    found = possession(story, refusal.side.peer)
    if found is None or found[0]:
        return None
    text = f"the {refusal.side.peer.value}'s CertificateVerify does not verify"
    server = refusal.side is Side.CLIENT
    phase = Phase.SERVER_CERTIFICATE if server else Phase.CLIENT_CERTIFICATE
    evidence = (Evidence(found[1].frame, text),)
    checked = _CHECKED[Phase.CLIENT_CERTIFICATE]
    return _finding(story, refusal, phase, Confidence.SEEN, evidence, Rank.DECISIVE, checked)


def _phase(story: Story, refusal: Refusal) -> Phase:
    """What was checked last: a bad signature in the chain belongs to the certificate."""
    flaw = signature_flaw(story, refusal.side.peer)
    verifying = refusal.alert is AlertDescription.DECRYPT_ERROR
    if flaw is not None and verifying:
        server = refusal.side is Side.CLIENT
        return Phase.SERVER_CERTIFICATE if server else Phase.CLIENT_CERTIFICATE
    signed = any(message.name == "certificate_verify" for message in story.messages)
    if refusal.side is Side.SERVER and verifying and signed and not story.tls13:
        return Phase.CLIENT_CERTIFICATE
    return refusal.phase


def _downgraded(story: Story) -> bool:
    offer, choice = story.offer, story.choice
    if offer is None or choice is None or story.tls13:
        return False
    mark = choice.downgrade_sentinel
    if mark is None:
        return False
    better = ProtocolVersion.TLS1_3 if mark is ProtocolVersion.TLS1_2 else ProtocolVersion.TLS1_2
    return offer.max_version.rank >= better.rank


def _before_certificates(story: Story, phase: Phase) -> bool:
    """Whether TLS 1.3 failed where no certificate plays a part: its keys come of the hellos alone."""
    return story.tls13 and phase in {Phase.SERVER_HELLO, Phase.FINISHED}


_PAIR: Final = (
    (
        "Server: check that key and certificate belong together, both must print the same: "
        "openssl x509 -in server.pem -noout -pubkey; openssl pkey -in server.key -pubout"
    ),
    "DataPower: Crypto Identification Credentials pair key and certificate; check both.",
)
_OTHER_STACK: Final = (
    (
        "If the bytes are the same on both sides: try another program against the same server, as in "
        "openssl s_client; a stack that computes other keys is at fault, or faulty memory or crypto hardware."
    ),
)


def _finding(
    story: Story,
    refusal: Refusal,
    phase: Phase,
    confidence: Confidence,
    more: tuple[Evidence, ...],
    rank: Rank | None = None,
    checked: str | None = None,
) -> Finding:
    flaw = signature_flaw(story, refusal.side.peer)
    known = (flaw.evidence,) if flaw is not None else ()
    return RULE.finding(
        *known,
        *more,
        *negotiation_evidence(story, refusal),
        title=(
            f"{party(story, refusal.side)} could not verify {checked or _CHECKED[phase]} of "
            f"{party(story, refusal.side.peer)}"
        ),
        explanation=(
            "Bytes of the handshake were changed in the path, or the two sides did not come to the same keys."
            if _before_certificates(story, phase)
            else "Bytes of the handshake were changed in the path, or a key does not belong to the "
            "certificate that it is used with."
        ),
        remedy=(
            (
                "Network: capture on both sides of every device in the path (proxy, load balancer, "
                "inspection) and compare the handshake bytes."
            ),
            *(_OTHER_STACK if _before_certificates(story, phase) else _PAIR),
        ),
        failing_side=refusal.failing_side,
        remedy_side=RemedySide.NETWORK,
        confidence=confidence,
        phase=phase,
        rank=rank,
    )

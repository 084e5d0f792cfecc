"""Who refused what, and at which step: the one reading that the families of rules share.

A handshake fails when one side gives up first. What it had to judge at that moment is told by the
messages it had received and the ones it had not yet sent; its alert, where it can be read, parts
the judgements that fall together in time. Rules then only check what speaks for one cause.

What a client judges after the server's flight falls together: the choice, the key exchange and the
certificate. The certificate is by far the most frequent, so the others need a reason: an alert that
only they can mean, or a fact such as a small Diffie-Hellman prime.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from analyzer.diagnosis.causes import Confidence, FailingSide, Phase
from analyzer.diagnosis.memo import once_per_story
from analyzer.diagnosis.model import Evidence
from analyzer.diagnosis.wording import ending_evidence, failing
from analyzer.tcp.timeline import Side
from analyzer.tls.registry import AlertDescription
from analyzer.tls.story import Ending, Milestone, Story, Visibility, Way

_A = AlertDescription

# A side that refuses does so at once; one that only leaves after so long ran out of patience.
PATIENCE_NS: Final = 10_000_000_000
SAFE_DH_BITS: Final = 2048

CERTIFICATE_ALERTS: Final = frozenset(
    {
        _A.NO_CERTIFICATE,
        _A.BAD_CERTIFICATE,
        _A.UNSUPPORTED_CERTIFICATE,
        _A.CERTIFICATE_REVOKED,
        _A.CERTIFICATE_EXPIRED,
        _A.CERTIFICATE_UNKNOWN,
        _A.UNKNOWN_CA,
        _A.ACCESS_DENIED,
        _A.CERTIFICATE_UNOBTAINABLE,
        _A.BAD_CERTIFICATE_STATUS_RESPONSE,
        _A.BAD_CERTIFICATE_HASH_VALUE,
        _A.CERTIFICATE_REQUIRED,
    }
)
"""Alerts that speak of certificates and nothing else (RFC 8446 section 6.2, RFC 6066)."""

CRYPTO_ALERTS: Final = frozenset({_A.BAD_RECORD_MAC, _A.DECRYPTION_FAILED, _A.DECRYPT_ERROR})
"""Alerts that say: a signature, a Finished or a record did not verify."""

VIOLATION_ALERTS: Final = frozenset(
    {_A.UNEXPECTED_MESSAGE, _A.RECORD_OVERFLOW, _A.DECOMPRESSION_FAILURE, _A.DECODE_ERROR}
)
"""Alerts that say: a message was out of place or could not be read."""

_CHOICE_ALERTS: Final = frozenset(
    {
        _A.PROTOCOL_VERSION,
        _A.INAPPROPRIATE_FALLBACK,
        _A.MISSING_EXTENSION,
        _A.UNSUPPORTED_EXTENSION,
        _A.NO_APPLICATION_PROTOCOL,
        _A.EXPORT_RESTRICTION,
    }
)
# Alerts that say no more than "no" and may stand for any judgement of a client.
_VAGUE_ALERTS: Final = frozenset(
    {_A.HANDSHAKE_FAILURE, _A.ILLEGAL_PARAMETER, _A.INSUFFICIENT_SECURITY, _A.INTERNAL_ERROR}
)
# The sender wants no handshake any more, whatever it had to judge.
_WITHDRAWN: Final = frozenset({_A.USER_CANCELED, _A.NO_RENEGOTIATION})
_ORDERLY: Final = frozenset({_A.CLOSE_NOTIFY})


class Step(enum.Enum):
    """What the side that gave up had to judge."""

    OFFER = "the client's offer"
    CHOICE = "the server's choice"
    SERVER_CERTIFICATE = "the server's certificate"
    KEY_EXCHANGE = "the key exchange"
    CLIENT_CERTIFICATE = "the client's certificate"
    FINISHED = "the Finished message"


_PHASES: Final[Mapping[Step, Phase]] = {
    Step.OFFER: Phase.CLIENT_HELLO,
    Step.CHOICE: Phase.SERVER_HELLO,
    Step.SERVER_CERTIFICATE: Phase.SERVER_CERTIFICATE,
    Step.KEY_EXCHANGE: Phase.KEY_EXCHANGE,
    Step.CLIENT_CERTIFICATE: Phase.CLIENT_CERTIFICATE,
    Step.FINISHED: Phase.FINISHED,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A side gave up at a step.

    ``alert`` is None where it is encrypted or was not sent; ``way`` tells these apart. ``certain``
    says that the alert can be read. ``ceiling`` bounds how sure a rule can be that it was a refusal
    at this step: nothing stands above what the wire states.
    """

    side: Side
    step: Step
    way: Way
    alert: AlertDescription | None
    evidence: Evidence
    ceiling: Confidence

    @property
    def certain(self) -> bool:
        """Whether the alert can be read."""
        return self.alert is not None

    @property
    def phase(self) -> Phase:
        """The step in the words of the contract."""
        return _PHASES[self.step]

    @property
    def failing_side(self) -> FailingSide:
        """The side in the words of the contract."""
        return failing(self.side)

    @property
    def act(self) -> str:
        """How it refused, to follow "it": ``sent fatal alert unknown_ca (48)``."""
        return self.evidence.text.partition(" ")[2]

    @property
    def dark(self) -> bool:
        """Whether an alert was sent that cannot be read."""
        return self.way is Way.ENCRYPTED_ALERT


@once_per_story
def read_refusal(story: Story) -> Refusal | None:
    """Find out who refused what; None where nobody refused, or TCP alone tells the story."""
    told, story = story, _heard_out(story)
    ending = story.ending
    if ending.side is None or ending.way not in _WAYS or _over(story) or _injected(story):
        return None
    alert = readable_alert(story)
    step = _client_step(story, alert) if ending.side is Side.CLIENT else _server_step(story, alert)
    if step is None:
        return None
    return Refusal(
        side=ending.side,
        step=step,
        way=ending.way if alert is not None or ending.way is not Way.ALERT else Way.FIN,
        alert=alert,
        evidence=ending_evidence(story),
        # What follows the other side's close may be no more than a close itself.
        ceiling=_ceiling(story, alert) if story is told or alert else Confidence.SUSPECTED,
    )


def _heard_out(story: Story) -> Story:
    """The story with the end that counts, where a TLS 1.3 client left before it was judged.

    With its Finished sent, a client may use the connection and close it, before the server has
    read its certificate (RFC 8446 section 4.4.2.4): the server's alert then comes second and is no
    answer to the close. A server that accepted would have sent a ticket or data.
    """
    ending = story.ending
    left = ending.side is Side.CLIENT and readable_alert(story) is None
    if not (story.tls13 and left and story.completed is False):
        return story
    if not passed(story, Milestone.CLIENT_FINISHED) or story.resumed:
        return story
    for alert in story.alerts:
        if alert.sender is Side.SERVER and alert.frame >= ending.frame:
            way = Way.ENCRYPTED_ALERT if alert.description is None else Way.ALERT
            end = Ending(way, Side.SERVER, alert.frame, alert.time, alert)
            return replace(story, ending=end)
    return story


_WAYS: Final = frozenset({Way.ALERT, Way.ENCRYPTED_ALERT, Way.FIN, Way.RST})


@once_per_story
def readable_alert(story: Story) -> AlertDescription | None:
    """The alert by which the first side gave up, close_notify not counted; None if unreadable."""
    alert = story.ending.alert
    if alert is None or alert.description in _ORDERLY:
        return None
    return alert.description


def server_certificate_refused(story: Story) -> Refusal | None:
    """The client gave up where it had to judge the server's certificate."""
    return _at(story, Step.SERVER_CERTIFICATE)


def left_unused(story: Story) -> Refusal | None:
    """The client finished the handshake and left at once without using the connection.

    Some programs (Node, curl for the name) judge the certificate only then. Probes leave so too,
    so that it takes a fault in plain sight to call this a refusal.
    """
    ending = story.ending
    used = any(story.reached(m) for m in (Milestone.CLIENT_DATA, Milestone.SERVER_DATA))
    if not story.completed or story.tls13 or used or ending.side is not Side.CLIENT:
        return None
    if ending.way not in _WAYS or (ending.alert is not None and ending.alert.description):
        return None
    if story.server_chain is None or not _prompt(story) or _injected(story):
        return None
    return Refusal(
        side=Side.CLIENT,
        step=Step.SERVER_CERTIFICATE,
        way=ending.way,
        alert=None,
        evidence=ending_evidence(story),
        ceiling=Confidence.SUSPECTED,
    )


def client_certificate_refused(story: Story) -> Refusal | None:
    """The server gave up where it had to judge the client's certificate, or its absence."""
    return _at(story, Step.CLIENT_CERTIFICATE)


def offer_refused(story: Story) -> Refusal | None:
    """The server gave up with the ClientHello as the last thing to answer."""
    return _at(story, Step.OFFER)


def choice_refused(story: Story) -> Refusal | None:
    """The client gave up over the server's choice, before it judged a certificate."""
    return _at(story, Step.CHOICE)


def key_exchange_refused(story: Story) -> Refusal | None:
    """A side gave up over the parameters or the signature of the key exchange."""
    return _at(story, Step.KEY_EXCHANGE)


def finished_refused(story: Story) -> Refusal | None:
    """A side gave up where keys and transcript are proven."""
    return _at(story, Step.FINISHED)


def _at(story: Story, step: Step) -> Refusal | None:
    refusal = read_refusal(story)
    return refusal if refusal is not None and refusal.step is step else None


def weak_dh(story: Story) -> int | None:
    """Bits of the server's Diffie-Hellman prime where stacks of today may refuse it as small."""
    exchange = story.server_key_exchange
    bits = exchange.dh_bits if exchange is not None else None
    return bits if bits is not None and bits < SAFE_DH_BITS else None


def lacks_secure_renegotiation(story: Story) -> bool:
    """The client knows RFC 5746 and the server, below TLS 1.3, does not."""
    offer, choice = story.offer, story.choice
    if offer is None or choice is None or story.tls13:
        return False
    return offer.secure_renegotiation and not choice.secure_renegotiation


def lacks_extended_master_secret(story: Story) -> bool:
    """The client knows RFC 7627 and the server, below TLS 1.3, does not."""
    offer, choice = story.offer, story.choice
    if offer is None or choice is None or story.tls13:
        return False
    return offer.extended_master_secret and not choice.extended_master_secret


def passed(story: Story, milestone: Milestone) -> bool:
    """Whether a milestone was passed before the first side gave up."""
    reached = story.milestones.get(milestone)
    return reached is not None and reached.frame <= story.ending.frame


def _over(story: Story) -> bool:
    """The handshake was done, or nobody can know and no alert says otherwise."""
    if story.completed is None:
        alert = readable_alert(story)
        return alert is None
    return story.completed


def _injected(story: Story) -> bool:
    """Whether the reset came over another path than its supposed sender's other segments."""
    ttls = story.timeline.rst_ttl
    return story.ending.way is Way.RST and ttls is not None and ttls[0] != ttls[1]


def _ceiling(story: Story, alert: AlertDescription | None) -> Confidence:
    if alert is not None:
        return Confidence.SEEN
    if story.ending.way is Way.ENCRYPTED_ALERT or not story.tls13:
        return Confidence.INFERRED
    return Confidence.SUSPECTED


def _prompt(story: Story) -> bool:
    return story.ending.waited_ns < PATIENCE_NS


def _client_step(story: Story, alert: AlertDescription | None) -> Step | None:
    if story.choice is None:
        return Step.CHOICE if story.retry is not None and alert is not None else None
    if alert in _CHOICE_ALERTS:
        return Step.CHOICE
    if alert in _WITHDRAWN:
        return None
    if story.tls13:
        return _client_step_13(story, alert)
    return _client_step_12(story, alert)


def _client_step_13(story: Story, alert: AlertDescription | None) -> Step | None:
    if alert in CRYPTO_ALERTS or story.resumed:
        return Step.FINISHED if alert is not None else None
    if alert in VIOLATION_ALERTS or passed(story, Milestone.CLIENT_FINISHED):
        return None
    if alert in CERTIFICATE_ALERTS:
        return Step.SERVER_CERTIFICATE
    if not _flight_arrived(story):
        return Step.CHOICE if alert is not None else None
    if alert is _A.ILLEGAL_PARAMETER:
        return Step.CHOICE
    if alert is not None or story.ending.way is Way.ENCRYPTED_ALERT or _prompt(story):
        return Step.SERVER_CERTIFICATE
    return None


_FLIGHT_LEAST: Final = 600  # ServerHello and the shortest encrypted flight with a certificate


def _flight_arrived(story: Story) -> bool:
    """Whether the server's certificate can have been sent, under encryption."""
    if passed(story, Milestone.SERVER_CERTIFICATE) or passed(story, Milestone.SERVER_FLIGHT):
        return True
    return story.timeline.payload.get(Side.SERVER, 0) >= _FLIGHT_LEAST


def _client_step_12(story: Story, alert: AlertDescription | None) -> Step | None:
    if passed(story, Milestone.CLIENT_FINISHED):
        return _after_client_finished(story, alert)
    if alert is None:
        return _closed_by_client(story)
    if alert is _A.DECRYPT_ERROR:
        return Step.KEY_EXCHANGE
    if alert in CRYPTO_ALERTS:
        return Step.FINISHED
    if alert in CERTIFICATE_ALERTS:
        return Step.SERVER_CERTIFICATE
    if alert in _VAGUE_ALERTS:
        return _vague_client(story, alert)
    if alert in VIOLATION_ALERTS:
        return Step.SERVER_CERTIFICATE if _certificate_spoilt(story) else None
    return Step.SERVER_CERTIFICATE if _certificate_sent(story) else Step.CHOICE


def _after_client_finished(story: Story, alert: AlertDescription | None) -> Step | None:
    """The client had sent its Finished: NSS judges the certificate only then.

    RFC 5246 section 7.4.7 does not say when a client must have judged it.
    """
    if alert is not None:
        return Step.FINISHED
    if story.ending.way is not Way.ENCRYPTED_ALERT or not _prompt(story):
        return None
    if passed(story, Milestone.SERVER_FINISHED):
        return Step.FINISHED
    return Step.SERVER_CERTIFICATE if _certificate_sent(story) else None


def _closed_by_client(story: Story) -> Step | None:
    """No alert can be read: only a prompt end right after the whole flight is a refusal."""
    if not (passed(story, Milestone.SERVER_FLIGHT) and _certificate_sent(story)):
        return None
    flight = story.milestones[Milestone.SERVER_FLIGHT].frame
    went_on = any(
        m.sender is Side.CLIENT
        and flight < m.frame
        and m.name not in {"alert", "change_cipher_spec"}
        for m in story.messages
    )
    return Step.SERVER_CERTIFICATE if _prompt(story) and not went_on else None


def _vague_client(story: Story, alert: AlertDescription) -> Step:
    if weak_dh(story) is not None or _unoffered_exchange(story):
        return Step.KEY_EXCHANGE
    if alert is _A.HANDSHAKE_FAILURE and lacks_secure_renegotiation(story):
        return Step.CHOICE
    if not _certificate_sent(story) or story.resumed:
        return Step.CHOICE
    if alert is _A.ILLEGAL_PARAMETER:
        return Step.SERVER_CERTIFICATE if _certificate_spoilt(story) else Step.CHOICE
    return Step.SERVER_CERTIFICATE


def _unoffered_exchange(story: Story) -> bool:
    """Whether ServerKeyExchange uses a group or a signature that the client did not offer."""
    return unoffered_group(story) is not None or unoffered_signature(story) is not None


def unoffered_group(story: Story) -> str | None:
    """The group of ServerKeyExchange, where the client's list lacks it."""
    exchange, offer = story.server_key_exchange, story.offer
    if exchange is None or offer is None or exchange.group is None or not offer.supported_groups:
        return None
    return exchange.group_name if exchange.group not in offer.supported_groups else None


def unoffered_signature(story: Story) -> str | None:
    """The signature of ServerKeyExchange, where the client's list lacks it."""
    exchange, offer = story.server_key_exchange, story.offer
    scheme = exchange.signature_scheme if exchange is not None else None
    if scheme is None or offer is None or not offer.signature_algorithms:
        return None
    return scheme.label if scheme not in offer.signature_algorithms else None


def _certificate_sent(story: Story) -> bool:
    return passed(story, Milestone.SERVER_CERTIFICATE) or story.server_chain is not None


LARGE_CERTIFICATE: Final = 32_768  # bytes; the smallest default limit of a common stack (JSSE)


def certificate_length(story: Story) -> int:
    """Length of the server's Certificate message, 0 where it is not known."""
    return max(
        (m.length for m in story.messages if m.sender is Side.SERVER and m.name == "certificate"),
        default=0,
    )


def _certificate_spoilt(story: Story) -> bool:
    """Whether the server's Certificate is damaged, or too long for some."""
    chain = story.server_chain
    if chain is None:
        return False
    broken = any(certificate.defect is not None for certificate in chain.certificates)
    return broken or certificate_length(story) >= LARGE_CERTIFICATE


def _server_step(story: Story, alert: AlertDescription | None) -> Step | None:
    if not story.offers or alert in _WITHDRAWN:
        return None
    if not passed(story, Milestone.SERVER_HELLO):
        return Step.OFFER
    if story.tls13:
        return _server_step_13(story, alert)
    return _server_step_12(story, alert)


def _server_step_13(story: Story, alert: AlertDescription | None) -> Step | None:
    if not _client_answered(story):
        early = alert is not None or story.ending.way is Way.ENCRYPTED_ALERT
        flight = passed(story, Milestone.SERVER_FLIGHT)
        return Step.OFFER if early and not flight else None
    if alert in CRYPTO_ALERTS:
        return Step.FINISHED
    if alert in VIOLATION_ALERTS and not passed(story, Milestone.CLIENT_CERTIFICATE_EMPTY):
        return None
    if alert in CERTIFICATE_ALERTS:
        return Step.CLIENT_CERTIFICATE
    if Milestone.CERTIFICATE_REQUEST in story.denied or story.resumed:
        return (
            Step.FINISHED if alert is not None or story.ending.way is Way.ENCRYPTED_ALERT else None
        )
    if alert is _A.INTERNAL_ERROR or not _prompt(story):
        return None
    return Step.CLIENT_CERTIFICATE


def _client_answered(story: Story) -> bool:
    """Whether the client sent anything encrypted after ServerHello."""
    marks = (
        Milestone.CLIENT_FINISHED,
        Milestone.CLIENT_CERTIFICATE,
        Milestone.CLIENT_CERTIFICATE_EMPTY,
    )
    if any(passed(story, mark) for mark in marks):
        return True
    hello = story.milestones[Milestone.SERVER_HELLO].frame
    return any(
        m.sender is Side.CLIENT
        and hello < m.frame <= story.ending.frame
        and m.name not in {"change_cipher_spec", "alert"}
        for m in story.messages
    )


def _server_step_12(story: Story, alert: AlertDescription | None) -> Step | None:
    if not passed(story, Milestone.SERVER_FLIGHT) and not story.resumed:
        return Step.KEY_EXCHANGE if alert is not None and not _client_spoke(story) else None
    if not _client_spoke(story):
        return None
    if alert in CRYPTO_ALERTS:
        return Step.FINISHED
    if passed(story, Milestone.CERTIFICATE_REQUEST):
        return _judged_client(story, alert)
    if alert in CERTIFICATE_ALERTS:
        return Step.CLIENT_CERTIFICATE
    if alert in VIOLATION_ALERTS or alert is _A.INTERNAL_ERROR or alert is None:
        dark = story.ending.way is Way.ENCRYPTED_ALERT
        return Step.FINISHED if dark else None
    return Step.KEY_EXCHANGE


def _client_spoke(story: Story) -> bool:
    """Whether the client answered the server's hello."""
    hello = story.milestones[Milestone.SERVER_HELLO].frame
    return any(
        m.sender is Side.CLIENT and hello < m.frame <= story.ending.frame for m in story.messages
    )


def _judged_client(story: Story, alert: AlertDescription | None) -> Step | None:
    """The server had asked for a certificate and got an answer, or none."""
    empty = no_client_certificate(story)
    if alert in VIOLATION_ALERTS or alert is _A.INTERNAL_ERROR:
        # GnuTLS answers an empty Certificate with decode_error.
        return Step.CLIENT_CERTIFICATE if empty else None
    if alert is None and not _prompt(story):
        return None
    return Step.CLIENT_CERTIFICATE


def no_client_certificate(story: Story) -> bool:
    """Whether the client showed no certificate although it was asked (≤ TLS 1.2: for certain).

    Before TLS 1.0 a client says so by the warning no_certificate (RFC 6101 section 5.4.2).
    """
    if passed(story, Milestone.CLIENT_CERTIFICATE_EMPTY):
        return True
    if any(a.description is _A.NO_CERTIFICATE for a in story.alerts if a.sender is Side.CLIENT):
        return True
    chain = story.client_chain
    if chain is not None:
        return chain.leaf is None
    skipped = passed(story, Milestone.CLIENT_KEY_EXCHANGE)
    return not story.tls13 and skipped and not passed(story, Milestone.CLIENT_CERTIFICATE)


def visible(story: Story, milestone: Milestone) -> bool:
    """Whether a milestone was passed in clear (or decrypted), not inferred."""
    reached = story.milestones.get(milestone)
    return reached is not None and reached.visibility is not Visibility.INFERRED

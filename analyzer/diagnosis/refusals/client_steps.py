"""At which step a client gave up.

What it judges after the server's flight falls together in time: the choice, the key exchange and the
certificate. The certificate is by far the most frequent, so the others need a reason: an alert that
only they can mean, or a fact such as a small Diffie-Hellman prime.
"""

from __future__ import annotations

from typing import Final

from analyzer.diagnosis.flaws.chains import server_flaws
from analyzer.diagnosis.refusals.steps import Step
from analyzer.diagnosis.signs.alerts import (
    CERTIFICATE_ALERTS,
    CRYPTO_ALERTS,
    FAULTFINDING_ALERTS,
    INSISTING_ALERTS,
    VAGUE_ALERTS,
    VIOLATION_ALERTS,
    WITHDRAWN_ALERTS,
)
from analyzer.diagnosis.signs.certificate_messages import (
    certificate_sent,
    certificate_spoilt,
    no_client_certificate,
    weakly_signed,
)
from analyzer.diagnosis.signs.choices import (
    dated_version,
    lacks_extended_master_secret,
    lacks_secure_renegotiation,
    legacy_signature,
    name_unknown,
    weak_dh,
)
from analyzer.diagnosis.signs.contradictions import (
    contradiction,
    curve_contradiction,
    exchange_contradiction,
)
from analyzer.diagnosis.signs.hellos import is_openvpn
from analyzer.diagnosis.signs.passing import flight_arrived, passed, prompt
from analyzer.diagnosis.signs.standing import waited_long
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Milestone, Story, Way
from analyzer.tls.telling.proof import key_exchange_proven, possession

_A = AlertDescription


def client_step(story: Story, alert: AlertDescription | None) -> Step | None:
    """What a client had to judge when it gave up; None where it refused nothing."""
    if name_unknown(story) and (alert in _STARTLED or _turned_away(story, alert)):
        return Step.CHOICE
    if story.choice is None or not passed(story, Milestone.SERVER_HELLO):
        judged = alert is not None or _contradicted(story, alert)
        return Step.CHOICE if story.retry is not None and judged else None
    if alert in _CHOICE_ALERTS or _contradicted(story, alert):
        return Step.CHOICE
    if alert in WITHDRAWN_ALERTS:
        return None
    if story.tls13:
        return _client_step_13(story, alert)
    return _client_step_12(story, alert)


_CHOICE_ALERTS: Final = frozenset(
    {
        _A.PROTOCOL_VERSION,
        _A.INAPPROPRIATE_FALLBACK,
        _A.MISSING_EXTENSION,
        _A.UNSUPPORTED_EXTENSION,
        _A.NO_APPLICATION_PROTOCOL,
        _A.EXPORT_RESTRICTION,
        _A.ECH_REQUIRED,
    }
)
# How clients answer a warning that they take for a failure (Java does).
_STARTLED: Final = frozenset(
    {_A.HANDSHAKE_FAILURE, _A.UNEXPECTED_MESSAGE, _A.UNRECOGNIZED_NAME, _A.INTERNAL_ERROR}
)


def _contradicted(story: Story, alert: AlertDescription | None) -> bool:
    """Whether a client that does not say its reason could not go on with what was chosen."""
    silent = alert is None and prompt(story) and not passed(story, Milestone.CLIENT_FINISHED)
    return (silent or alert in FAULTFINDING_ALERTS) and contradiction(story) is not None


def _turned_away(story: Story, alert: AlertDescription | None) -> bool:
    """Whether a client left at once, before it saw more than the warning about the name."""
    shown = (Milestone.SERVER_CERTIFICATE, Milestone.SERVER_FLIGHT)
    return alert is None and prompt(story) and not any(passed(story, mark) for mark in shown)


def _client_step_13(story: Story, alert: AlertDescription | None) -> Step | None:
    if alert is _A.DECRYPT_ERROR and not story.resumed and _unable_to_verify(story):
        return Step.SERVER_CERTIFICATE
    if alert in CRYPTO_ALERTS or story.resumed:
        return Step.FINISHED if alert is not None else None
    if alert in VIOLATION_ALERTS or passed(story, Milestone.CLIENT_FINISHED):
        return None
    if alert in CERTIFICATE_ALERTS:
        return Step.SERVER_CERTIFICATE
    if not flight_arrived(story):
        return Step.CHOICE if alert is not None else None
    if alert is _A.ILLEGAL_PARAMETER:
        return Step.SERVER_CERTIFICATE if certificate_spoilt(story) else Step.CHOICE
    if alert is not None or story.ending.way is Way.ENCRYPTED_ALERT:
        return Step.SERVER_CERTIFICATE
    kept_waiting = not passed(story, Milestone.SERVER_FLIGHT) and waited_long(story)
    return _left_over(story) if prompt(story) and not kept_waiting else None


def _client_step_12(story: Story, alert: AlertDescription | None) -> Step | None:
    if passed(story, Milestone.CLIENT_FINISHED):
        return _after_client_finished(story, alert)
    if alert is None:
        return _closed_by_client(story)
    if alert is _A.DECRYPT_ERROR:
        return Step.SERVER_CERTIFICATE if _unable_to_verify(story) else Step.KEY_EXCHANGE
    if alert in CRYPTO_ALERTS:
        return Step.FINISHED
    if alert in CERTIFICATE_ALERTS:
        return Step.SERVER_CERTIFICATE
    if alert in VAGUE_ALERTS:
        return _vague_client(story, alert)
    if alert in VIOLATION_ALERTS:
        return _violated(story)
    return Step.SERVER_CERTIFICATE if certificate_sent(story) else Step.CHOICE


def _unable_to_verify(story: Story) -> bool:
    """Whether a client that could not verify a signature may mean one of the chain.

    The server's own signature is then right, or nobody can tell.
    """
    if not weakly_signed(story) or key_exchange_proven(story) is False:
        return False
    proof = possession(story, Side.SERVER)
    return proof is None or proof[0]


def _violated(story: Story) -> Step | None:
    """A client that speaks of a misplaced or unreadable message: what it read may be at fault.

    Go says unexpected_message where the signature of the key exchange does not verify.
    """
    if key_exchange_proven(story) is False:
        return Step.KEY_EXCHANGE
    return Step.SERVER_CERTIFICATE if certificate_spoilt(story) else None


def _after_client_finished(story: Story, alert: AlertDescription | None) -> Step | None:
    """The client had sent its Finished: NSS judges the certificate only then.

    RFC 5246 section 7.4.7 does not say when a client must have judged it.
    """
    if alert is not None:
        return Step.FINISHED
    if story.ending.way is not Way.ENCRYPTED_ALERT or not prompt(story):
        return None
    if passed(story, Milestone.SERVER_FINISHED):
        return Step.FINISHED
    return Step.SERVER_CERTIFICATE if certificate_sent(story) else None


def _closed_by_client(story: Story) -> Step | None:
    """No alert can be read: only a prompt end right after the certificate is a refusal.

    Who judges it as soon as it is read does not wait for the rest of the flight: who did, was kept
    waiting. A reset in the middle of one may be anybody's.
    """
    whole = passed(story, Milestone.SERVER_FLIGHT)
    at_once = story.ending.way is Way.FIN and not waited_long(story)
    enough = certificate_sent(story) if whole else at_once
    last = Milestone.SERVER_FLIGHT if whole else Milestone.SERVER_CERTIFICATE
    if not enough or not passed(story, last):
        return None
    shown = story.milestones[last].frame
    went_on = any(
        m.sender is Side.CLIENT
        and shown < m.frame
        and m.name not in {"alert", "change_cipher_spec"}
        for m in story.messages
    )
    return _left_over(story) if prompt(story) and not went_on else None


def _left_over(story: Story) -> Step:
    """What a client minds that closes right after the server's flight without a word.

    Browsers close when they are asked for a certificate: they let their user choose, and come back with
    another connection. Programs do not: who has none answers so (RFC 8446 section 4.4.2). What many
    clients of today refuse of an old server is as good a reason, and a flaw of the certificate that
    every client minds a better one.
    """
    if any(flaw.hard or flaw.cause == "self_signed" for flaw in server_flaws(story)):
        return Step.SERVER_CERTIFICATE
    if passed(story, Milestone.CERTIFICATE_REQUEST) and _perhaps_a_browser(story):
        return Step.CLIENT_CERTIFICATE
    dated = lacks_secure_renegotiation(story) or dated_version(story)
    return Step.CHOICE if dated else Step.SERVER_CERTIFICATE


def _perhaps_a_browser(story: Story) -> bool:
    """Whether the client has a stack of browsers, or one that nobody knows and asks for HTTP by ALPN."""
    stack, offer = story.client_stack, story.offer
    if is_openvpn(story):  # which may not send an alert (none up to 2.6 does over TCP)
        return False
    if stack is not None:
        return stack.name in _OF_BROWSERS
    return offer is not None and not _OF_HTTP.isdisjoint(offer.alpn)


_OF_BROWSERS: Final = frozenset({"boringssl", "nss", "schannel"})
_OF_HTTP: Final = frozenset({"h2", "http/1.1"})


def _vague_client(story: Story, alert: AlertDescription) -> Step:
    unoffered = exchange_contradiction(story) or curve_contradiction(story)
    if weak_dh(story) is not None or unoffered is not None:
        return Step.KEY_EXCHANGE
    if alert is _A.INTERNAL_ERROR and legacy_signature(story):
        return Step.KEY_EXCHANGE
    if alert in INSISTING_ALERTS and _old_server(story) and not certificate_spoilt(story):
        return Step.CHOICE
    if not certificate_sent(story) or story.resumed:
        return Step.CHOICE
    if alert is _A.ILLEGAL_PARAMETER:
        return _parameter_step(story)
    return Step.SERVER_CERTIFICATE


def _parameter_step(story: Story) -> Step:
    """What a parameter was that a client calls illegal; it answers the key exchange last of all."""
    if certificate_spoilt(story):
        return Step.SERVER_CERTIFICATE
    answering = no_client_certificate(story) or passed(story, Milestone.CLIENT_CERTIFICATE)
    return Step.KEY_EXCHANGE if answering else Step.CHOICE


def _old_server(story: Story) -> bool:
    """Whether the ServerHello lacks an answer that clients may insist on."""
    return lacks_secure_renegotiation(story) or lacks_extended_master_secret(story)

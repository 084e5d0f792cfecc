"""What a fatal alert states by itself: what it answers may be missing from the capture, or fit nothing better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from analyzer.diagnosis.causes import Phase
from analyzer.diagnosis.signs.alerts import (
    CERTIFICATE_ALERTS,
    CRYPTO_ALERTS,
    LEAVING_ALERTS,
    VAGUE_ALERTS,
)
from analyzer.diagnosis.signs.certificate_messages import no_client_certificate
from analyzer.diagnosis.signs.garbled import puzzled
from analyzer.diagnosis.signs.passing import passed
from analyzer.diagnosis.signs.standing import BOTH_WAYS
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Alert, Milestone, Story

_A = AlertDescription


def stated_cause(story: Story, alert: Alert) -> str:
    """What the alert says by itself: what it answers may be missing from the capture."""
    description, server = alert.description, alert.sender is Side.SERVER
    if description is None:
        return "protocol_violation"
    if description in CRYPTO_ALERTS:
        return "tampered"
    if description in CERTIFICATE_ALERTS:
        return _STATED.get(description, _REJECTED)[server]
    if description is _A.HANDSHAKE_FAILURE and server and _asked(story):
        missing = no_client_certificate(story)
        return "client_cert_missing" if missing else "client_certificate_rejected"
    if description in LEAVING_ALERTS and server:
        return "server_closed_silently"
    chosen = server and description is _A.PROTOCOL_VERSION and passed(story, Milestone.SERVER_HELLO)
    if chosen or puzzled(story, description):
        return "protocol_violation"  # of a record, not of the handshake
    if description is _A.INTERNAL_ERROR and not server:
        return "protocol_violation"
    return _CAUSES.get(description, "protocol_violation")


_CAUSES: Final[Mapping[AlertDescription, str]] = {
    _A.UNRECOGNIZED_NAME: "sni_unrecognized",
    _A.NO_APPLICATION_PROTOCOL: "alpn_mismatch",
    _A.UNKNOWN_PSK_IDENTITY: "psk_unknown",
    _A.INAPPROPRIATE_FALLBACK: "inappropriate_fallback",
    _A.INTERNAL_ERROR: "server_internal",
    _A.HANDSHAKE_FAILURE: "negotiation_failed",
    _A.INSUFFICIENT_SECURITY: "negotiation_failed",
    _A.PROTOCOL_VERSION: "protocol_version",
    _A.NO_RENEGOTIATION: "renegotiation_refused",
    _A.USER_CANCELED: "client_abandoned",
    _A.CLOSE_NOTIFY: "client_abandoned",
}


def _asked(story: Story) -> bool:
    """Whether the server had asked for a certificate; who is not asked sends none, not even an empty one."""
    answers = Milestone.CLIENT_CERTIFICATE, Milestone.CLIENT_CERTIFICATE_EMPTY
    asked = story.reached(Milestone.CERTIFICATE_REQUEST) and story.reached(Milestone.SERVER_FLIGHT)
    return asked or any(passed(story, answer) for answer in answers)


# Of a client about the server's certificate, and the other way round; some alerts leave no choice.
_REJECTED: Final = "server_certificate_rejected", "client_certificate_rejected"
_STATED: Final = {
    _A.CERTIFICATE_EXPIRED: ("cert_expired", "client_cert_expired"),
    _A.CERTIFICATE_REVOKED: ("cert_revoked", "client_cert_revoked"),
}


def other_meanings(story: Story, alert: Alert) -> tuple[str, ...]:
    """What an alert that only says "no" may refuse as well.

    What it answers may not be captured; and behind a client's certificate a server's own checks may have
    failed (the depth of the chain, in Apache), of which it says no more.
    """
    if alert.description not in VAGUE_ALERTS:
        return ()
    if story.blind_to(*CONTEXT):
        return _REFUSED[alert.sender]
    judging = alert.sender is Side.SERVER and passed(story, Milestone.CLIENT_CERTIFICATE)
    return ("client_certificate_rejected",) if judging else ()


# What of a handshake tells at which step an alert was sent.
CONTEXT: Final = BOTH_WAYS | {"start"}
_REFUSED: Final = {
    Side.CLIENT: ("server_certificate_rejected", "negotiation_failed"),
    Side.SERVER: ("negotiation_failed", "client_certificate_rejected"),
}


def step_due(story: Story) -> Phase:
    """The step that was due when the first side gave up."""
    for milestone, phase in _NEXT:
        if passed(story, milestone):
            return phase
    return Phase.CLIENT_HELLO


# The last milestone that was passed, and the step that was due after it.
_NEXT: Final = (
    (Milestone.CLIENT_FINISHED, Phase.FINISHED),
    (Milestone.CLIENT_KEY_EXCHANGE, Phase.KEY_EXCHANGE),
    (Milestone.CLIENT_CERTIFICATE, Phase.CLIENT_CERTIFICATE),
    (Milestone.CLIENT_CERTIFICATE_EMPTY, Phase.CLIENT_CERTIFICATE),
    (Milestone.SERVER_CERTIFICATE, Phase.SERVER_CERTIFICATE),
    (Milestone.SERVER_HELLO, Phase.SERVER_HELLO),
)

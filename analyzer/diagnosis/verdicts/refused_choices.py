"""What a client minded of a server's choice or key exchange: the alert where it names it, else what is odd in it."""

from __future__ import annotations

from typing import Final

from analyzer.diagnosis.causes import Confidence
from analyzer.diagnosis.model import Rank
from analyzer.diagnosis.refusals.late import left_speechless
from analyzer.diagnosis.refusals.refusal import Refusal, server_certificate_refused
from analyzer.diagnosis.signs.alerts import CRYPTO_ALERTS, INSISTING_ALERTS
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
from analyzer.diagnosis.verdicts.disagreement import disagreed
from analyzer.diagnosis.verdicts.verdict import Verdict
from analyzer.diagnosis.wording import listed
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Story

_A = AlertDescription


def refused_choice(story: Story, refusal: Refusal) -> Verdict | None:
    """The client did not accept what the server chose."""
    alert, choice = refusal.alert, story.choice
    if name_unknown(story):
        text = (
            "the server warned that it does not know the name, and the client takes that for a no"
        )
        return disagreed(story, refusal, "sni_unrecognized", text, Confidence.INFERRED, Rank.FACT)
    if alert is _A.PROTOCOL_VERSION:
        text = f"the server chose {story.version}" if choice is not None else ""
        return disagreed(story, refusal, "protocol_version", text, Confidence.SEEN, Rank.ALERT)
    if alert is _A.NO_APPLICATION_PROTOCOL:
        text = f"the server chose ALPN {story.alpn or 'none in clear'}"
        return disagreed(story, refusal, "alpn_mismatch", text, Confidence.SEEN, Rank.ALERT)
    if alert is _A.HANDSHAKE_FAILURE and lacks_secure_renegotiation(story):
        text = "the ServerHello lacks renegotiation_info"
        return disagreed(
            story,
            refusal,
            "legacy_renegotiation",
            text,
            Confidence.INFERRED,
            Rank.FACT,
            ("ems_required",) if lacks_extended_master_secret(story) else (),
        )
    if alert in INSISTING_ALERTS and lacks_extended_master_secret(story):
        text = "the ServerHello lacks extended_master_secret"
        return disagreed(story, refusal, "ems_required", text, Confidence.SUSPECTED, Rank.OFFER)
    found = contradiction(story)
    if found is None:
        return None if refusal.certain else _dated(story, refusal)
    return disagreed(story, refusal, *found, Confidence.INFERRED, Rank.FACT)


def _dated(story: Story, refusal: Refusal) -> Verdict | None:
    """A client that leaves without a word behind a choice that many do not take any more."""
    if lacks_secure_renegotiation(story):
        cause, text = "legacy_renegotiation", "the ServerHello lacks renegotiation_info"
    elif dated_version(story):
        cause, text = "protocol_version", f"the server chose {story.version}"
    else:
        return None
    others = ("server_certificate_rejected",)
    return disagreed(story, refusal, cause, text, Confidence.SUSPECTED, Rank.OFFER, others)


def without_protocol(story: Story) -> Verdict | None:
    """A client of HTTP/2 alone, or the like, to which the server says nothing of a protocol."""
    refusal = left_speechless(story)
    if refusal is None or story.offer is None:
        return None
    text = (
        f"the server completed the handshake without choosing a protocol, and {listed(story.offer.alpn)} "
        "is spoken only where it was agreed on"
    )
    others = ("server_certificate_rejected",)
    return disagreed(
        story, refusal, "alpn_mismatch", text, Confidence.SUSPECTED, Rank.OFFER, others
    )


def refused_key_exchange(story: Story, refusal: Refusal) -> Verdict | None:
    """The client did not accept the parameters, the signature or the key; or a server an identity."""
    if refusal.alert is _A.UNKNOWN_PSK_IDENTITY:
        text = "the server does not know the identity that the client sent with ClientKeyExchange"
        return disagreed(story, refusal, "psk_unknown", text, Confidence.SEEN, Rank.ALERT)
    if refusal.side is Side.SERVER or refusal.alert in CRYPTO_ALERTS:
        return None
    bits = weak_dh(story)
    if bits is not None:
        text = f"the server's Diffie-Hellman prime has {bits} bits"
        return disagreed(story, refusal, "dh_key_too_small", text, Confidence.INFERRED, Rank.FACT)
    if refusal.alert is _A.INTERNAL_ERROR and legacy_signature(story):
        return _old_signature(story, refusal)
    found = exchange_contradiction(story)
    if found is not None:
        return disagreed(story, refusal, *found, Confidence.INFERRED, Rank.FACT)
    found = curve_contradiction(story)
    if found is None:
        return None
    return disagreed(story, refusal, *found, Confidence.SUSPECTED, Rank.FACT)


def _old_signature(story: Story, refusal: Refusal) -> Verdict:
    """A client that offers an old version, and then cannot check what that version signs with."""
    text = (
        f"the server chose {story.version}, which signs the key exchange with MD5 and SHA-1; stacks of "
        "today offer the version but refuse the signature"
    )
    return disagreed(
        *(story, refusal, "protocol_version", text, Confidence.SUSPECTED, Rank.FACT),
        ("no_shared_sigalg", "tampered"),
    )


def closed_over_small_prime(story: Story) -> Verdict | None:
    """No alert can be read, but the prime is smaller than any client of today takes."""
    refusal, bits = server_certificate_refused(story), weak_dh(story)
    if refusal is None or refusal.certain or bits is None or bits >= _SMALL_FOR_ALL:
        return None
    text = f"the server's Diffie-Hellman prime has {bits} bits"
    return disagreed(story, refusal, "dh_key_too_small", text, Confidence.SUSPECTED, Rank.FACT)


_SMALL_FOR_ALL: Final = 1024

"""What a server minded of an offer: the alert where it names it, else the lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from analyzer.diagnosis.causes import Confidence
from analyzer.diagnosis.deciding import WOULD_SETTLE
from analyzer.diagnosis.model import Alternative, Rank
from analyzer.diagnosis.refusals.refusal import Refusal
from analyzer.diagnosis.signs.alerts import CRYPTO_ALERTS
from analyzer.diagnosis.signs.hellos import offer_cut, psk_offered
from analyzer.diagnosis.verdicts.disagreement import disagreed
from analyzer.diagnosis.verdicts.offers import (
    HINT,
    NARROW,
    ODD,
    PROVEN,
    Suspicion,
    broad,
    nameless_or_narrow,
    no_host_name,
    suspicions,
)
from analyzer.diagnosis.verdicts.verdict import Verdict
from analyzer.tcp.timeline import Side
from analyzer.tls.message.hello import ClientHello
from analyzer.tls.registry.code_points import AlertDescription, ExtensionType, ProtocolVersion
from analyzer.tls.story import Story, Way

_A = AlertDescription


def refused_offer(story: Story, offer: ClientHello, refusal: Refusal) -> Verdict | None:
    """The server did not accept what the client offered."""
    alert = refusal.alert
    if alert is _A.PROTOCOL_VERSION and _names_all(offer):
        return _no_version_left(story, refusal)
    if alert is not None and alert in _NAMED:
        return _offer_named(story, offer, refusal, _NAMED[alert])
    if alert in CRYPTO_ALERTS or (alert is _A.ILLEGAL_PARAMETER and psk_offered(story)):
        return None  # a pre-shared key that does not fit: the crypto family
    if alert is _A.MISSING_EXTENSION and not offer_cut(story):
        return _extension_missing(story, offer, refusal)
    if story.choice is not None and refusal.side is Side.SERVER:
        return _after_server_hello(story, offer, refusal)
    return _offer_vague(story, offer, refusal)


def _offer_named(story: Story, offer: ClientHello, refusal: Refusal, cause: str) -> Verdict | None:
    confidence = Confidence.SEEN
    text = _FRAMED_AS_SSL2 if cause == "protocol_version" and offer.v2 else ""
    alternatives: tuple[str, ...] = ()
    found = {suspicion.cause: suspicion for suspicion in suspicions(story)}
    if (better := _better_named(cause, found, offer)) is not None:
        return _suspected(story, refusal, better, Confidence.SUSPECTED)
    if cause == "sni_unrecognized":
        text = f"the server does not serve {offer.server_name}"
        if offer.server_name is None and offer_cut(story):
            text, confidence = "the server does not serve the name asked for", Confidence.INFERRED
        elif offer.server_name is None:
            cause, text = "sni_missing", "the client named no host (SNI), and the server wants one"
            # Go says so as well where it has no certificate at all.
            confidence, alternatives = Confidence.INFERRED, ("server_no_certificate",)
    elif cause == "server_internal":
        cause, confidence, alternatives = _internal(offer, found)
    elif cause == "no_shared_cipher":
        confidence = Confidence.INFERRED if cause in found else Confidence.SUSPECTED
        alternatives = ("protocol_version", "no_shared_group")
    elif cause == "protocol_version" and (offer.max_version.tls13 or not offer.versions[1:]):
        confidence = Confidence.INFERRED
        alternatives = ("server_no_certificate",)  # OpenSSL says so where TLS 1.3 alone is enabled
    elif cause == "inappropriate_fallback" and not offer.fallback_scsv:
        confidence = Confidence.INFERRED
    if not text and cause in found:
        text = found[cause].text
    return disagreed(story, refusal, cause, text, confidence, Rank.ALERT, alternatives)


_NAMED: Final[Mapping[AlertDescription, str]] = {
    _A.PROTOCOL_VERSION: "protocol_version",
    _A.INAPPROPRIATE_FALLBACK: "inappropriate_fallback",
    _A.UNRECOGNIZED_NAME: "sni_unrecognized",
    _A.NO_APPLICATION_PROTOCOL: "alpn_mismatch",
    _A.UNKNOWN_PSK_IDENTITY: "psk_unknown",
    _A.INTERNAL_ERROR: "server_internal",
    _A.INSUFFICIENT_SECURITY: "no_shared_cipher",
}


def _no_version_left(story: Story, refusal: Refusal) -> Verdict:
    cause, others = "server_no_certificate", ("protocol_version",)
    sure = Confidence.SUSPECTED
    return disagreed(story, refusal, cause, _ALL_NAMED, sure, Rank.OFFER, others)


def _names_all(offer: ClientHello) -> bool:
    """Whether the client names every version from TLS 1.0 to 1.3: none can be the one that is missing."""
    return {version.rank for version in offer.versions} >= _RANKS


_RANKS: Final = frozenset(range(ProtocolVersion.TLS1_0.rank, ProtocolVersion.TLS1_3.rank + 1))
_ALL_NAMED: Final = (
    "the offer names every version from TLS 1.0 to TLS 1.3; OpenSSL refuses the version where it is limited to "
    "one that its certificate cannot be used with, or has none"
)


def _internal(
    offer: ClientHello, found: Mapping[str, Suspicion]
) -> tuple[str, Confidence, tuple[str, ...]]:
    """What internal_error is about. Go says so where it has no certificate for the name (Caddy)."""
    if "sni_unrecognized" in found:  # for others it has
        cause, but = "sni_unrecognized", ("server_internal", "server_no_certificate")
        return cause, Confidence.SUSPECTED, but
    nameless = "sni_missing" in found
    return "server_internal", Confidence.INFERRED, _without_certificate(offer, nameless=nameless)


def _without_certificate(offer: ClientHello, *, nameless: bool) -> tuple[str, ...]:
    """What a server may lack that says internal_error: a certificate at all, or for this name."""
    if nameless:
        return "server_no_certificate", "sni_missing"
    named = offer.server_name is not None
    return ("server_no_certificate", "sni_unrecognized") if named else ("server_no_certificate",)


def _better_named(
    cause: str, found: Mapping[str, Suspicion], offer: ClientHello
) -> Suspicion | None:
    """What explains an alert that names ``cause`` better, as stacks use it; the offer must show it."""
    if cause == "server_internal":
        old, nameless = found.get("protocol_version"), found.get("sni_missing")
        if old is not None and old.weight > NARROW:  # OpenSSL, where old versions are switched off
            return old
        return nameless if nameless is not None and nameless.weight >= PROVEN else None
    if cause == "no_shared_cipher" and cause not in found:
        # insufficient_security is not about suites alone: Erlang says it of groups as well.
        narrow = [s for s in found.values() if s.cause in _TOO_WEAK and s.weight >= ODD]
        habit = found.get("ems_required")
        odd = [habit] if habit is not None and broad(offer) else []
        return next(iter([*narrow, *odd]), None)
    return None


_FRAMED_AS_SSL2: Final = "the hello has the framing of SSL 2.0, which servers of today need not read (RFC 6176 section 3)"
_TOO_WEAK: Final = frozenset({"no_shared_group", "no_shared_sigalg"})


def _extension_missing(story: Story, offer: ClientHello, refusal: Refusal) -> Verdict | None:
    """RFC 8446 section 9.2: which of the extensions that TLS 1.3 demands is not there."""
    needed = {
        ExtensionType.SIGNATURE_ALGORITHMS: "no_shared_sigalg",
        ExtensionType.SUPPORTED_GROUPS: "no_shared_group",
        ExtensionType.KEY_SHARE: "no_shared_group",
    }
    for kind, cause in needed.items():
        if not offer.offers(kind) and not offer.psk_offered:
            text = f"the offer lacks the extension {kind.label}"
            return disagreed(story, refusal, cause, text, Confidence.INFERRED, Rank.FACT)
    return None


def _after_server_hello(story: Story, offer: ClientHello, refusal: Refusal) -> Verdict | None:
    """TLS 1.3: some servers answer with ServerHello and only then find that something is missing."""
    narrow = [s for s in suspicions(story) if s.cause == "no_shared_sigalg" and s.weight >= NARROW]
    if narrow:
        return _suspected(story, refusal, narrow[0], Confidence.SUSPECTED)
    if not offer.alpn or refusal.certain:
        return None
    text = "the server chose suite and group, and gave up before it proved itself"
    suspicion = Suspicion("alpn_mismatch", ODD, text)
    return _suspected(story, refusal, suspicion, Confidence.SUSPECTED)


def _offer_vague(story: Story, offer: ClientHello, refusal: Refusal) -> Verdict | None:
    """An alert that does not say why, or none at all: the lists must."""
    found = suspicions(story)
    if not refusal.certain:
        if offer.v2 and refusal.way is Way.FIN:
            found = (Suspicion("protocol_version", PROVEN, _FRAMED_AS_SSL2), *found)
        if nameless_or_narrow(found):
            return None
        proven = [suspicion for suspicion in found if suspicion.weight >= PROVEN]
        return _suspected(story, refusal, proven[0], Confidence.SUSPECTED) if proven else None
    if refusal.alert is _A.UNEXPECTED_MESSAGE:
        groups = [s for s in found if s.cause == "no_shared_group" and s.weight >= NARROW]
        return _suspected(story, refusal, groups[0], Confidence.SUSPECTED) if groups else None
    if refusal.alert is _A.ILLEGAL_PARAMETER:  # for the version there is an alert of its own
        others = (suspicion for suspicion in found if suspicion.cause != "protocol_version")
        found = (*no_host_name(offer), *others)
    if refusal.alert not in _VAGUE or not found:
        return None
    best = found[0]
    if best.weight < ODD or _tied(found) or nameless_or_narrow(found):
        return _helpless_server(story, offer, refusal) if best.weight <= HINT else None
    return _suspected(story, refusal, best, Confidence.SUSPECTED)


# Alerts by which stacks refuse an offer without saying why; JSSE says unexpected_message where no
# group is shared in TLS 1.3.
_VAGUE: Final = frozenset({_A.HANDSHAKE_FAILURE, _A.ILLEGAL_PARAMETER})


def _tied(found: tuple[Suspicion, ...]) -> bool:
    """Whether suites and groups are equally at fault, so that naming one would be a guess."""
    top = [s.cause for s in found if s.weight == found[0].weight]
    return {"no_shared_cipher", "no_shared_group"} <= set(top)


def _helpless_server(story: Story, offer: ClientHello, refusal: Refusal) -> Verdict | None:
    """A server that refuses every offer of this capture, broad ones included, can serve nobody."""
    seen = story.neighbours.server
    refused = seen.alerts.get("handshake_failure", 0)
    if not broad(offer) or seen.established or seen.cipher_suites or refused < 2:
        return None
    text = (
        f"the offer has all that servers of today ask for, and this server refused {refused} other "
        "connections in the same way and accepted none"
    )
    suspicion = Suspicion("server_no_certificate", ODD, text)
    return _suspected(story, refusal, suspicion, Confidence.SUSPECTED)


def _suspected(
    story: Story, refusal: Refusal, suspicion: Suspicion, confidence: Confidence
) -> Verdict:
    others = tuple(alternative.cause for alternative in rivals(story, suspicion.cause))
    return disagreed(
        story, refusal, suspicion.cause, suspicion.text, confidence, Rank.OFFER, others
    )


def rivals(story: Story, but: str | None = None, most: int = 5) -> tuple[Alternative, ...]:
    """The other explanations of a refused offer, the likeliest first."""
    causes = [s.cause for s in suspicions(story)] + ["no_shared_cipher", "server_no_certificate"]
    if story.offer is not None and story.offer.server_name:
        causes.append("sni_unrecognized")
    settled = _CHOSEN if story.choice is not None else frozenset[str]()
    unique = [cause for cause in dict.fromkeys(causes) if cause != but and cause not in settled]
    return tuple(Alternative(cause, WOULD_SETTLE[cause]) for cause in unique[:most])


# What a ServerHello shows to have been found in common.
_CHOSEN: Final = frozenset({"protocol_version", "no_shared_cipher", "no_shared_group"})

"""Whether a server that got something else had expected TLS, and how that shows."""

from __future__ import annotations

from typing import Final

from analyzer.diagnosis.causes import Confidence
from analyzer.diagnosis.model import Alternative, Evidence
from analyzer.diagnosis.signs.standing import waited_long
from analyzer.diagnosis.wording import alert_phrase, counted
from analyzer.tcp.timeline import Side
from analyzer.tls.prelude.proxy_header import PROXY_PROTOCOL
from analyzer.tls.registry.code_points import AlertDescription
from analyzer.tls.story import Opening, Story


def speaks_plain_text(story: Story) -> bool:
    """Whether the server answers others in clear, and nobody began TLS with it at once.

    What a connection without TLS fails of is then no matter of TLS.
    """
    seen = story.neighbours.server
    return bool(seen.plaintext) and not (seen.direct or story.is_tls)


def tls_expected(story: Story) -> tuple[Confidence, Evidence | None] | None:
    """How sure it is that the server expected TLS, with the frame that shows it.

    None where nothing speaks for it: the server answered in the client's own protocol, there or
    elsewhere, or the connection goes on.
    """
    for alert in story.alerts:
        if alert.sender is Side.SERVER:
            return Confidence.SEEN, Evidence(alert.frame, alert_phrase(alert))
    answer = story.openings[Side.SERVER]
    if answer is Opening.HTTP_TLS_EXPECTED:
        text = "server answered in clear that it expects TLS"
        return Confidence.SEEN, Evidence(story.first_data[Side.SERVER], text)
    if answer is not Opening.NOTHING or story.blind_to("server_side", "start"):
        return None
    if not story.ending.closed_by(Side.SERVER):
        return None
    if speaks_plain_text(story):
        return None
    spoken = story.neighbours.server.direct
    if spoken:
        text = f"server closed; it completed {counted(spoken, 'TLS handshake')} in this capture"
        return Confidence.INFERRED, Evidence(story.ending.frame, text)
    return Confidence.SUSPECTED, None


def has_proxy_header(story: Story) -> bool:
    """Whether a header of the PROXY protocol came before the client's hello."""
    return story.prelude is not None and story.prelude.protocol == PROXY_PROTOCOL


def header_unexpected(story: Story) -> tuple[Confidence, Evidence | None] | None:
    """How sure it is that the server took a PROXY header for a broken hello, with the proof.

    None where it did not, or where it may be the hello behind the header that it did not like: a
    server that has completed handshakes may well expect the header.
    """
    if not has_proxy_header(story) or not story.offers or story.choice or story.retry:
        return None
    for alert in story.alerts:
        if alert.sender is Side.SERVER:
            known = alert.description in _NO_HELLO
            return (
                (Confidence.INFERRED, Evidence(alert.frame, alert_phrase(alert))) if known else None
            )
    answer = story.prelude.answer if story.prelude else None
    if answer is not None:
        confidence = _BY_ANSWER.get(answer.opening)
        proof = Evidence(answer.frame, f"server answered in clear: {answer.opening.value}")
        return None if confidence is None else (confidence, proof)
    if not story.ending.closed_by(Side.SERVER) or waited_long(story):
        return None
    if story.neighbours.server.established:
        return None
    return Confidence.SUSPECTED, None


# What GnuTLS, Java and others say to bytes that are no hello.
_NO_HELLO: Final = frozenset(
    {
        AlertDescription.UNEXPECTED_MESSAGE,
        AlertDescription.RECORD_OVERFLOW,
        AlertDescription.DECODE_ERROR,
    }
)
# nginx answers by HTTP what is no TLS; so does a server that speaks plain HTTP.
_BY_ANSWER: Final = {
    Opening.HTTP_TLS_EXPECTED: Confidence.INFERRED,
    Opening.HTTP_RESPONSE: Confidence.SUSPECTED,
}


def header_blamed(story: Story) -> tuple[Alternative, ...]:
    """The header as another explanation of a server's silence."""
    if not has_proxy_header(story):
        return ()
    question = "whether the server expects the PROXY header that came before the ClientHello"
    return (Alternative("plaintext_other_to_tls", question),)


def perhaps_no_tls(story: Story) -> tuple[Alternative, ...]:
    """That the server speaks another protocol, where it never showed that it speaks TLS from the first byte.

    Servers of LDAP and PostgreSQL close on a ClientHello, Mosquitto resets, Redis waits for the rest.
    """
    silent = story.openings[Side.SERVER] is Opening.NOTHING
    seen = story.neighbours.server
    if not silent or seen.direct:
        return ()
    question = "whether this port serves TLS" + (
        " from the first byte: others came to it by STARTTLS" if seen.upgraded else ""
    )
    return (Alternative("tls_to_plaintext", question),)

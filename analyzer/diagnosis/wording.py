"""The words that findings share: how parties, certificates, times and alerts are named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from analyzer.tcp.timeline import Side
from analyzer.tls.stack import Likelihood
from analyzer.tls.story import Alert, Opening, PreludeEnd, Story, Way
from analyzer.tls.x509.chain import CertificateFacts, time_text

_LISTED_MOST: Final = 6


def client_name(story: Story) -> str:
    """The client as titles name it: its address, since its port is of no interest, and what it looks like.

    ``10.1.1.5 (Java)``: only where the shape of its hello makes that likely.
    """
    guess = story.client_stack
    if guess is None or guess.confidence is not Likelihood.LIKELY:
        return story.client.ip
    return f"{story.client.ip} ({_STACKS.get(guess.name, guess.name)})"


_STACKS: Final = {
    "boringssl": "BoringSSL",
    "gnutls": "GnuTLS",
    "go": "Go",
    "java": "Java",
    "mbedtls": "Mbed TLS",
    "nss": "NSS",
    "openssl": "OpenSSL",
    "schannel": "Windows",
}


def server_name(story: Story) -> str:
    """The server as titles name it: address and port, or the target that a proxy leads to.

    ``partner.example:443 (behind the proxy 10.1.1.9:3128)``
    """
    target = tunnelled(story)
    return f"{target} (behind the proxy {story.server})" if target else str(story.server)


def tunnelled(story: Story) -> str | None:
    """The target of a tunnel through which the handshake goes."""
    prelude = story.prelude
    if prelude is None or prelude.end is not PreludeEnd.AGREED or not story.offers:
        return None
    target = prelude.target or ""
    return target if _HOST_AND_PORT.fullmatch(target) else None


_HOST_AND_PORT: Final = re.compile(r"(?:[\w.-]{1,253}|\[[0-9a-f:.]+\]):\d{1,5}", re.ASCII)


def party(story: Story, side: Side) -> str:
    """A side as titles name it."""
    return client_name(story) if side is Side.CLIENT else server_name(story)


def subject(certificate: CertificateFacts | None) -> str:
    """A certificate's holder in a few words: ``CN=gateway.example``."""
    if certificate is None:
        return "the certificate"
    if certificate.subject_cn:
        return f"CN={certificate.subject_cn}"
    return certificate.subject or "a certificate without a subject"


def issuer(certificate: CertificateFacts | None) -> str:
    """A certificate's issuer in a few words."""
    if certificate is None:
        return "the issuing authority"
    common = [part for part in certificate.issuer.split(",") if part.startswith("CN=")]
    return common[0] if common else certificate.issuer or "an issuer without a name"


def presented(story: Story, side: Side = Side.SERVER) -> str:
    """A side's certificate to follow "certificate": `` (CN=gateway.example)``, or nothing."""
    chain = story.server_chain if side is Side.SERVER else story.client_chain
    leaf = chain.leaf if chain is not None else None
    return f" ({subject(leaf)})" if leaf is not None else ""


def issued(story: Story, side: Side) -> str:
    """By whom a side's certificate was issued: ``, issued by CN=Example Root``, or nothing."""
    chain = story.server_chain if side is Side.SERVER else story.client_chain
    leaf = chain.leaf if chain is not None else None
    if leaf is None:
        return ""
    return ", its own issuer" if leaf.self_issued else f", issued by {issuer(leaf)}"


def certificate_of(story: Story, side: Side) -> str:
    """A side's certificate: ``CN=a.example, issued by CN=Root, the certificate of 10.0.0.1:443``."""
    chain = story.server_chain if side is Side.SERVER else story.client_chain
    leaf = chain.leaf if chain is not None else None
    plain = f"the certificate of {party(story, side)}"
    if leaf is None:
        return f"{plain}, which is encrypted" if story.tls13 else plain
    return f"{subject(leaf)}{issued(story, side)}, {plain}"


def sent_with_it(story: Story) -> str:
    """What the server sent beside its certificate: ``; the chain leads to CN=Example Root``."""
    chain = story.server_chain
    if chain is None or chain.leaf is None or chain.leaf.self_issued:
        return ""
    if len(chain.facts.path) > 1:
        return f"; the chain leads to {trusted_issuer(story)}"
    return "; it sent no intermediate"


def protocol_name(opening: Opening) -> str:
    """What a side speaks that is no TLS, as people call it: ``plain HTTP``, ``SSH``."""
    value = opening.value
    if value.startswith("http"):
        return "plain HTTP"
    return _PROTOCOLS.get(value, value if " " in value else value.upper())


_PROTOCOLS: Final = {
    "text": "plain text",
    "binary": "something binary",
    "mysql": "MySQL",
    "postgresql": "PostgreSQL",
}


def names_of(certificate: CertificateFacts) -> str:
    """The names that a certificate is for; the first few, since some have thousands."""
    names = [*certificate.san_dns, *certificate.san_ip]
    if names:
        return listed(names, 3)
    return f"no alternative names, {subject(certificate)}"


def when(time: int | None) -> str:
    """A point in time for people, UTC."""
    return time_text(time)


def listed(items: Iterable[object], most: int = _LISTED_MOST) -> str:
    """``a, b, c and 12 more``."""
    texts = [str(item) for item in items]
    if not texts:
        return "none"
    shown = ", ".join(texts[:most])
    return shown if len(texts) <= most else f"{shown} and {len(texts) - most} more"


def counted(number: int, noun: str) -> str:
    """``1 connection``, ``2 connections``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def alert_name(alert: Alert) -> str:
    """``unknown_ca (48)``, or what is known of an encrypted one."""
    if alert.description is None:
        return "encrypted alert"
    return f"{alert.description.label} ({int(alert.description)})"


def alert_phrase(alert: Alert) -> str:
    """``client sent fatal alert unknown_ca (48)``."""
    sender = alert.sender.value
    if alert.description is None:
        return f"{sender} sent an encrypted alert (known by type and length of its record)"
    level = alert.level.label if alert.level is not None else "an"
    return f"{sender} sent {level} alert {alert_name(alert)}"


def ending_phrase(story: Story) -> str:
    """How the side that gave up first did so."""
    ending = story.ending
    if ending.alert is not None:
        return alert_phrase(ending.alert)
    sender = ending.side.value if ending.side is not None else "nobody"
    if ending.unseen and ending.side is not None:
        return f"{ending.side.peer.value} acknowledges a close (FIN) of the {sender} that was not captured"
    act = {
        Way.FIN: "closed the connection (FIN) without an alert",
        Way.RST: "reset the connection (RST) without an alert",
        Way.SILENCE: "said nothing more",
    }
    return f"{sender} {act.get(ending.way, 'ended the connection')}"


def milliseconds(duration_ns: int) -> str:
    """A short duration for people."""
    if duration_ns >= 1_000_000_000:
        return f"{duration_ns / 1_000_000_000:.1f} s"
    return f"{duration_ns / 1_000_000:.1f} ms"


def trusted_issuer(story: Story) -> str | None:
    """Whom the client would have to trust: the issuer at the end of the server's chain, if in clear."""
    chain = story.server_chain
    if chain is None or chain.leaf is None:
        return None
    return issuer(chain.certificates[chain.facts.path[-1]])


def missing_issuer(story: Story) -> str:
    """The issuer that the server did not send."""
    chain = story.server_chain
    return issuer(chain.leaf) if chain is not None else "that is needed"


def wanted_name(story: Story) -> str:
    """The name that the client asked for; the server's address where it sent none."""
    name = story.offer.server_name if story.offer is not None else None
    return name or story.server.ip


def held_names(story: Story) -> str:
    """The names of the server's certificate, as an insertion: ``, only for a.example``."""
    chain = story.server_chain
    leaf = chain.leaf if chain is not None else None
    return f", only for {names_of(leaf)}" if leaf is not None else ""


def asked_authorities(story: Story) -> str:
    """Which authorities the server's CertificateRequest names, in a sentence."""
    request = story.certificate_request
    if request is None:
        return "The request itself is not in clear."
    names = request.authority_names
    if not names:
        return "The request names no authorities, so any certificate may be offered."
    return f"The request names {counted(len(names), 'authority')}: {listed(names, 3)}.".replace(
        "authoritys", "authorities"
    )


def keys_would_tell(story: Story) -> tuple[str, ...]:
    """What to do to read in the packets what is encrypted; nothing where nothing is."""
    if story.ending.way is not Way.ENCRYPTED_ALERT and not story.blind_to("alerts"):
        return ()
    how = "SSLKEYLOGFILE; DataPower: the SSL key log option of the packet capture"
    return (f"To read it in the packets, record the session's keys ({how}) for --keylog.",)

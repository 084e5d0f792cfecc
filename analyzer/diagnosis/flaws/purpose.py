"""Flaws in what a certificate is for: its names, and the usages of its key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.diagnosis.flaws.flaw import Flaw, which
from analyzer.diagnosis.signs.hellos import is_openvpn, offer_cut
from analyzer.diagnosis.wording import names_of, subject
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.story import Chain, Story
from analyzer.tls.x509.chain import CertificateFacts
from analyzer.tls.x509.names import match_name


def wrong_name(story: Story, chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    """The certificate is not for the name that the client asked for."""
    name = story.offer.server_name if story.offer is not None else None
    if name is not None and chain.name_matches is False:
        text = f"{subject(leaf)} is not for {name} (SNI): it is for {names_of(leaf)}"
        yield Flaw("hostname_mismatch", text, chain.frame)


def half_named(story: Story, chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    """Names that fit some clients only: the common name, one with a final dot, no address without SNI."""
    if story.offer is None or offer_cut(story):
        return
    name = story.offer.server_name
    if name is None:
        if is_openvpn(story):
            return
        address = match_name(leaf, story.server.ip)
        if address is not None and not address.matches:
            text = (
                f"the client sent no SNI, and {subject(leaf)} is not for {story.server.ip}: "
                f"it is for {names_of(leaf)}"
            )
            yield Flaw("hostname_mismatch", text, chain.frame, hard=False)
        return
    match = match_name(leaf, name)
    if match is not None and match.by in _HALF:
        text = f"{subject(leaf)} has {name} {_HALF[match.by]}"
        yield Flaw("hostname_mismatch", text, chain.frame, hard=False)


_HALF: Final = {
    "cn": "as common name only, which clients of today do not read",
    "dot": "only with a final dot, which most clients do not take off",
}


def server_usage(story: Story, chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    """The certificate is not for servers, or its key not for what the suite does with it."""
    if not leaf.allows("serverAuth"):
        text = f"{subject(leaf)} is not for server authentication: {_purposes(leaf)}"
        yield Flaw("wrong_key_cert_usage", text, chain.frame)
        return
    needed = _needed_usage(story)
    if leaf.key_usage is not None and needed is not None and needed not in leaf.key_usage:
        text = f"the key usage of {subject(leaf)} lacks {needed}, which {story.cipher_suite} needs"
        yield Flaw("wrong_key_cert_usage", f"{text}: {_usages(leaf)}", chain.frame)


def _needed_usage(story: Story) -> str | None:
    """RFC 5246 section 7.4.2: what the key of the certificate must do for the suite."""
    if story.choice is None:
        return None
    suite = facts_of(story.choice.cipher_suite)
    if suite.key_exchange in {"RSA", "RSA_PSK"}:
        return "keyEncipherment"
    if suite.key_exchange in {"ECDHE", "DHE"} and not suite.anonymous:
        return "digitalSignature"
    return None


def issuer_usage(chain: Chain) -> Iterator[Flaw]:
    """Many read an authority's extended key usage as the bound of what it may issue for, RFC 5280 does not."""
    for index in chain.facts.path[1:]:
        above = chain.certificates[index]
        if not above.allows("serverAuth"):
            text = f"{which(chain, index)} is not to issue for server authentication: {_purposes(above)}"
            yield Flaw("wrong_key_cert_usage", text, chain.frame, hard=False, leaf=False)
            return


def any_usage(chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    """RFC 5280 section 4.2.1.12: an application may insist on its purpose where any is allowed."""
    if leaf.allows("serverAuth") and "serverAuth" not in (
        leaf.extended_key_usage or ("serverAuth",)
    ):
        text = f"{subject(leaf)} is for any purpose, but does not name server authentication"
        yield Flaw("wrong_key_cert_usage", text, chain.frame, hard=False)


def client_usage(chain: Chain, leaf: CertificateFacts) -> Iterator[Flaw]:
    """The client's certificate is not for clients, or its key not for signatures."""
    if not leaf.allows("clientAuth"):
        text = f"{subject(leaf)} is not for client authentication: {_purposes(leaf)}"
        yield Flaw("client_cert_wrong_usage", text, chain.frame)
    elif leaf.key_usage is not None and not leaf.key_usage & _SIGNING:
        text = f"the key usage of {subject(leaf)} does not allow signatures: {_usages(leaf)}"
        yield Flaw("client_cert_wrong_usage", text, chain.frame)


_SIGNING: Final = frozenset({"digitalSignature", "keyAgreement"})


def _purposes(leaf: CertificateFacts) -> str:
    return f"extended key usage {', '.join(leaf.extended_key_usage or ()) or 'none'}"


def _usages(leaf: CertificateFacts) -> str:
    return f"key usage {', '.join(sorted(leaf.key_usage or ())) or 'none'}"

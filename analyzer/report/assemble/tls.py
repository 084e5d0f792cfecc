"""The TLS part of a connection: what was offered, what was chosen, which certificates were shown."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from analyzer.report import schema
from analyzer.report.escape import encodable
from analyzer.report.schema import Frame
from analyzer.tcp.timeline import Side
from analyzer.tls.fingerprint import ja3, ja3s, ja4
from analyzer.tls.message.hello import ClientHello, ServerHello
from analyzer.tls.message.terms import Terms
from analyzer.tls.outline import Outline
from analyzer.tls.registry.code_points import (
    ClientCertificateType,
    ExtensionType,
    ProtocolVersion,
    labels,
)
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.stack import StackGuess
from analyzer.tls.story import Story

FrameOf: TypeAlias = Callable[[int], Frame]


def tls_of(story: Story, frame_of: FrameOf) -> schema.Tls:
    """Describe the offer, the choice and what they agreed on."""
    offer, choice = story.offer, story.choice
    return schema.Tls(
        version=story.version,
        cipher_suite=story.cipher_suite,
        group=story.group,
        sni=_text(offer.server_name) if offer else None,
        alpn=_text(story.alpn),
        resumed=story.resumed,
        client_offers=_offers(story, offer, frame_of) if offer else None,
        server_choice=_choice(story, choice, frame_of) if choice else None,
        certificate_request=_request(story, frame_of),
        renegotiations=story.renegotiations,
        ja3=ja3(story.offers[0]) if story.offers else None,
        ja3s=ja3s(choice) if choice else None,
        ja4=ja4(story.offers[0]) if story.offers else None,
        client_stack=_stack(story.client_stack),
        server_stack=_stack(story.server_stack),
    )


def _stack(guess: StackGuess | None) -> schema.StackGuess | None:
    return schema.StackGuess(name=guess.name, confidence=guess.confidence.value) if guess else None


def tls_in_short(outline: Outline) -> schema.Tls:
    """Describe what was agreed on a connection that plainly went well."""
    return schema.Tls(
        version=outline.version,
        cipher_suite=outline.cipher_suite,
        group=outline.group,
        sni=_text(outline.sni),
        alpn=_text(outline.alpn),
        resumed=outline.resumed,
        client_offers=None,
        server_choice=None,
        certificate_request=None,
        renegotiations=0,
        ja3=None,
        ja3s=None,
        ja4=None,
        client_stack=None,
        server_stack=None,
    )


def _offers(story: Story, offer: ClientHello, frame_of: FrameOf) -> schema.ClientOffers:
    return msgspec.structs.replace(
        _offered(offer.terms),
        frame=frame_of(_frame(story, "client_hello", Side.CLIENT, len(story.offers))),
        sni=_text(offer.server_name),
        resumption=schema.Resumption(
            session_id=bool(offer.legacy_session_id) and not offer.supported_versions,
            session_ticket=offer.session_ticket_nonempty,
            psk=offer.psk_offered,
        ),
        hellos=len(story.offers),
        ech=offer.ech_form,
    )


@functools.lru_cache(maxsize=1024)
def _offered(terms: Terms) -> schema.ClientOffers:
    """What is the same for all hellos of these terms; the rest is left empty."""
    return schema.ClientOffers(
        frame=0,
        versions=labels(ProtocolVersion, terms.versions),
        cipher_suites=labels(CipherSuite, terms.cipher_suites),
        groups=labels(NamedGroup, terms.supported_groups),
        key_shares=labels(NamedGroup, terms.key_share_groups),
        signature_algorithms=labels(SignatureScheme, terms.signature_algorithms),
        alpn=tuple(encodable(name) for name in terms.alpn),
        sni=None,
        extensions=labels(ExtensionType, terms.extension_types),
        resumption=schema.Resumption(session_id=False, session_ticket=False, psk=False),
        early_data=ExtensionType.EARLY_DATA in terms.places,
        fallback_scsv=terms.fallback_scsv,
        secure_renegotiation=terms.secure_renegotiation,
        extended_master_secret=ExtensionType.EXTENDED_MASTER_SECRET in terms.places,
        grease=terms.grease,
        hellos=0,
        ech=None,
    )


def _choice(story: Story, choice: ServerHello, frame_of: FrameOf) -> schema.ServerChoice:
    exchange = story.server_key_exchange
    scheme = exchange.signature_scheme if exchange else None
    retry = story.retry.group if story.retry else None
    return schema.ServerChoice(
        frame=frame_of(_frame(story, "server_hello", Side.SERVER, 1)),
        version=choice.version_name,
        cipher_suite=choice.cipher_suite.label,
        group=story.group,
        alpn=_text(story.alpn),
        extensions=labels(ExtensionType, choice.extension_types),
        hello_retry_group=retry.label if retry else None,
        signature_algorithm=scheme.label if scheme else None,
        dh_bits=exchange.dh_bits if exchange else None,
        secure_renegotiation=choice.secure_renegotiation,
        extended_master_secret=choice.extended_master_secret,
    )


def _request(story: Story, frame_of: FrameOf) -> schema.CertificateRequest | None:
    request = story.certificate_request
    if request is None:
        return None
    return schema.CertificateRequest(
        frame=frame_of(_frame(story, "certificate_request", Side.SERVER, 1)),
        certificate_types=labels(ClientCertificateType, request.certificate_types),
        signature_algorithms=labels(SignatureScheme, request.signature_algorithms),
        authorities=tuple(encodable(name) for name in request.authority_names),
    )


def _frame(story: Story, name: str, sender: Side, number: int) -> int:
    """The frame of a side's ``number``-th message of a name, or of the last before it."""
    frames = [m.frame for m in story.messages if m.name == name and m.sender is sender]
    return frames[: number or 1][-1] if frames else story.timeline.first_frame


def _text(text: str | None) -> str | None:
    return None if text is None else encodable(text)

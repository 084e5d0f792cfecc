"""Certificates as they were sent, and how they fit together."""

from __future__ import annotations

import functools

from analyzer.report import schema
from analyzer.report.assemble.tls import FrameOf
from analyzer.report.assemble.vouchers import vouchers_of
from analyzer.report.escape import encodable
from analyzer.report.times import rfc3339_if_any
from analyzer.tls.story import Chain, Story
from analyzer.tls.x509.chain import CertificateFacts


def certificates_of(story: Story, frame_of: FrameOf) -> schema.Certificates:
    """Describe the certificates of both sides, where they are in clear."""
    return schema.Certificates(
        server=_certificates(story.server_chain),
        client=_certificates(story.client_chain),
        server_chain=_chain(story.server_chain, frame_of),
        client_chain=_chain(story.client_chain, frame_of),
        vouchers=vouchers_of(story) if story.server_chain is not None else None,
    )


def _certificates(chain: Chain | None) -> tuple[schema.Certificate, ...]:
    if chain is None:
        return ()
    return tuple([certificate_of(facts, chain.time) for facts in chain.certificates])


def certificate_of(facts: CertificateFacts, time: int) -> schema.Certificate:
    """Describe one certificate, judged at ``time``."""
    return _certificate(facts, facts.valid_at(time))


@functools.lru_cache(maxsize=1024)
def _certificate(facts: CertificateFacts, valid: bool | None) -> schema.Certificate:
    usages = None if facts.key_usage is None else tuple(sorted(facts.key_usage))
    return schema.Certificate(
        subject=encodable(facts.subject),
        issuer=encodable(facts.issuer),
        serial=facts.serial,
        sans=tuple(encodable(name) for name in facts.sans),
        not_before=rfc3339_if_any(facts.not_before),
        not_after=rfc3339_if_any(facts.not_after),
        valid_at_capture=valid,
        key=schema.PublicKey(kind=facts.key_kind, bits=facts.key_bits, curve=facts.curve),
        signature_algorithm=facts.signature_algorithm,
        key_usage=usages,
        extended_key_usage=facts.extended_key_usage,
        basic_constraints=None
        if facts.ca is None
        else schema.BasicConstraints(ca=facts.ca, path_length=facts.path_length),
        self_issued=facts.self_issued,
        self_signed=facts.self_signed,
        fingerprint_sha256=facts.sha256,
        defect=None if facts.defect is None else encodable(facts.defect.detail),
    )


def _chain(chain: Chain | None, frame_of: FrameOf) -> schema.Chain | None:
    if chain is None:
        return None
    facts = chain.facts
    return schema.Chain(
        frame=frame_of(chain.frame),
        verdict=facts.verdict,
        path=facts.path,
        missing_issuer=None if facts.missing_issuer is None else encodable(facts.missing_issuer),
        anchor=None if facts.anchor is None else encodable(facts.anchor),
        name_matches=chain.name_matches,
    )

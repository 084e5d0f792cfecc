"""What vouches for the server's certificate beside its issuer, in the words of the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analyzer.report import schema
from analyzer.report.escape import encodable
from analyzer.report.times import rfc3339_if_any
from analyzer.tls.registry.code_points import ExtensionType
from analyzer.tls.story import Story
from analyzer.tls.x509.attestations import (
    LogTimestamp,
    decode_delegated_credential,
    decode_timestamps,
)
from analyzer.tls.x509.ocsp import Staple

_SECOND = 1_000_000_000


def vouchers_of(story: Story) -> schema.Vouchers | None:
    """Staple, log timestamps and delegated credential; None where nothing of that was sent."""
    found = schema.Vouchers(
        staple=_staple(story.staple),
        timestamps=tuple(_timestamps(story)),
        delegated_credential=_credential(story),
    )
    nothing = found.staple is None and not found.timestamps and found.delegated_credential is None
    return None if nothing else found


def _staple(staple: Staple | None) -> schema.Staple | None:
    if staple is None:
        return None
    return schema.Staple(
        response_status=staple.response_status,
        certificate_status=staple.certificate_status,
        revoked_at=rfc3339_if_any(staple.revoked_at),
        revocation_reason=staple.revocation_reason,
        produced_at=rfc3339_if_any(staple.produced_at),
        this_update=rfc3339_if_any(staple.this_update),
        next_update=rfc3339_if_any(staple.next_update),
        responder=None if staple.responder is None else encodable(staple.responder),
    )


def _timestamps(story: Story) -> Iterator[schema.LogTimestamp]:
    """From the certificate, from the extension of either version, each log once."""
    chain = story.server_chain
    if chain is not None and chain.certificates:
        yield from _told("certificate", chain.certificates[0].timestamps)
    sent = (
        [chain.message.entries[0].timestamps] if chain is not None and chain.message.entries else []
    )
    if story.choice is not None:
        sent.append(story.choice.body(ExtensionType.SIGNED_CERTIFICATE_TIMESTAMP))
    for body in sent:
        if body:
            yield from _told("handshake", decode_timestamps(body)[0])


def _told(
    origin: schema.TimestampOrigin, found: Iterable[LogTimestamp]
) -> Iterator[schema.LogTimestamp]:
    for one in found:
        yield schema.LogTimestamp(origin=origin, log_id=one.log_id, time=rfc3339_if_any(one.time))


def _credential(story: Story) -> schema.DelegatedCredential | None:
    """RFC 9345 section 4: ``valid_time`` counts from the beginning of the certificate's validity."""
    chain = story.server_chain
    body = (
        chain.message.entries[0].delegated_credential if chain and chain.message.entries else None
    )
    credential = decode_delegated_credential(body)[0] if body else None
    if chain is None or credential is None:
        return None
    begin = chain.certificates[0].not_before if chain.certificates else None
    end = None if begin is None else begin + credential.valid_time * _SECOND
    return schema.DelegatedCredential(
        valid_until=rfc3339_if_any(end),
        scheme=credential.scheme.label,
        signed_with=credential.signed_with.label,
    )

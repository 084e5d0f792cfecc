"""OCSP responses, as servers staple them to the handshake (RFC 6960)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from analyzer.errors import DecodeError, Defect, DefectKind
from analyzer.tls.x509 import der
from analyzer.tls.x509.der import Value, context, expect, read_time, read_value
from analyzer.tls.x509.dn import name_text

# RFC 6960 section 4.2.1
_RESPONSE_STATUS: Final = {
    0: "successful",
    1: "malformed_request",
    2: "internal_error",
    3: "try_later",
    5: "sig_required",
    6: "unauthorized",
}
# RFC 5280 section 5.3.1
_REASONS: Final = {
    0: "unspecified",
    1: "key_compromise",
    2: "ca_compromise",
    3: "affiliation_changed",
    4: "superseded",
    5: "cessation_of_operation",
    6: "certificate_hold",
    8: "remove_from_crl",
    9: "privilege_withdrawn",
    10: "aa_compromise",
}
_BASIC: Final = "1.3.6.1.5.5.7.48.1.1"


@dataclass(frozen=True, slots=True)
class Staple:
    """What an OCSP response says about one certificate. Times are ns since the epoch, UTC.

    ``response_status`` is ``successful`` or says why there is no answer; ``certificate_status`` is
    ``good``, ``revoked`` or ``unknown``, None without an answer. ``responder`` is a name, or the hash
    of a key in hexadecimal. ``serial`` is as in ``CertificateFacts``.
    """

    response_status: str
    certificate_status: str | None = None
    revoked_at: int | None = None
    revocation_reason: str | None = None
    this_update: int | None = None
    next_update: int | None = None
    produced_at: int | None = None
    responder: str | None = None
    serial: str | None = None
    answers: int = 0  # single responses in it; this is the first

    def current(self, time: int) -> bool | None:
        """Whether ``time`` lies between the updates; None where there is no answer.

        A response without a next update is current for ever (RFC 6960 section 4.2.2.1).
        """
        if self.this_update is None:
            return None
        return self.this_update <= time and (self.next_update is None or time <= self.next_update)


def read_staple(data: bytes) -> tuple[Staple, Defect | None]:
    """Read an OCSPResponse (RFC 6960 section 4.2.1).

    ::

        OCSPResponse ::= SEQUENCE {
            responseStatus  OCSPResponseStatus,
            responseBytes   [0] EXPLICIT SEQUENCE {
                responseType OBJECT IDENTIFIER, response OCTET STRING } OPTIONAL }
    """
    found = Staple("unreadable")
    try:
        parts = expect(read_value(data), der.SEQUENCE, "OCSPResponse").children()
        status = expect(_at(parts, 0, "responseStatus"), der.ENUMERATED, "responseStatus")
        code = int.from_bytes(status.content, "big")
        found = Staple(_RESPONSE_STATUS.get(code, f"status_{code}"))
        if len(parts) < 2:
            return found, None
        wrapped = _at(parts[1].children(), 0, "responseBytes").children()
        if der.read_oid(_at(wrapped, 0, "responseType").content) != _BASIC:
            return found, None
        basic = read_value(_at(wrapped, 1, "response").content)
        return _basic(found, _at(basic.children(), 0, "tbsResponseData"))
    except DecodeError as error:
        return found, replace(error.defect, field="ocsp_response")


def _at(values: list[Value], index: int, field: str) -> Value:
    if index < len(values):
        return values[index]
    raise DecodeError(Defect(DefectKind.OVERRUN, f"ocsp_response.{field}", 0, "is missing"))


def _basic(found: Staple, data: Value) -> tuple[Staple, Defect | None]:
    """Read a ResponseData.

    ::

        ResponseData ::= SEQUENCE {
            version [0] EXPLICIT Version DEFAULT v1,
            responderID ResponderID,  -- byName [1], byKey [2]
            producedAt GeneralizedTime,
            responses SEQUENCE OF SingleResponse,
            responseExtensions [1] EXPLICIT Extensions OPTIONAL }
    """
    parts = data.children()
    if parts and parts[0].tag == context(0):
        parts = parts[1:]
    found = replace(
        found,
        responder=_responder(_at(parts, 0, "responderID")),
        produced_at=read_time(_at(parts, 1, "producedAt")),
    )
    singles = _at(parts, 2, "responses").children()
    if not singles:
        return found, None
    return _single(replace(found, answers=len(singles)), singles[0]), None


def _responder(value: Value) -> str:
    inner = read_value(value.content)
    return name_text(inner.whole) if value.tag == context(1) else inner.content.hex()


def _single(found: Staple, value: Value) -> Staple:
    """Read a SingleResponse.

    ::

        SingleResponse ::= SEQUENCE {
            certID CertID,  -- hash algorithm, hashes of issuer's name and key, serial number
            certStatus CertStatus,  -- good [0], revoked [1], unknown [2]
            thisUpdate GeneralizedTime,
            nextUpdate [0] EXPLICIT GeneralizedTime OPTIONAL, … }
    """
    parts = value.children()
    serial = _at(_at(parts, 0, "certID").children(), 3, "serialNumber").content
    status = _at(parts, 1, "certStatus")
    revoked_at, reason = _revoked(status) if status.tag & 0x1F == 1 else (None, None)
    later = parts[3] if len(parts) > 3 and parts[3].tag == context(0) else None
    return replace(
        found,
        serial=serial_text(serial),
        certificate_status={0: "good", 1: "revoked"}.get(status.tag & 0x1F, "unknown"),
        revoked_at=revoked_at,
        revocation_reason=reason,
        this_update=read_time(_at(parts, 2, "thisUpdate")),
        next_update=read_time(read_value(later.content)) if later else None,
    )


def _revoked(status: Value) -> tuple[int | None, str | None]:
    parts = status.children()
    if not parts:
        return None, None
    code = int.from_bytes(read_value(parts[1].content).content, "big") if len(parts) > 1 else None
    reason = None if code is None else _REASONS.get(code, f"reason_{code}")
    return read_time(parts[0]), reason


def serial_text(content: bytes) -> str:
    """A serial number in hexadecimal as Wireshark and OpenSSL print it, a leading zero kept away.

    >>> serial_text(bytes([0, 0xC1, 2]))
    'c102'
    """
    return (content[1:] if len(content) > 1 and content[0] == 0 else content).hex()

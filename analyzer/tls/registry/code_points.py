"""Code points from the IANA TLS registries.

The values are open: a peer may send any number, so every enum here accepts any number of its width
and gives those that nobody registered a printable name. Compare with members; never index a table
of known values. Cipher suites, groups and signature schemes have modules of their own.

Source: https://www.iana.org/assignments/tls-parameters and
https://www.iana.org/assignments/tls-extensiontype-values, as of 2026-11-23; names that only drafts
or vendors know say so.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Iterable
from typing import Final, Self, cast

REGISTRY_DATE: Final = "2026-11-23"

_CACHED_MOST: Final = 0xFFFF  # wider numbers (SSL 2.0 cipher kinds) are not worth keeping

# The sixteen 16-bit code points that are reserved for it (RFC 8701 section 2).
_GREASE: Final = frozenset(range(0x0A0A, 0x10000, 0x1010))


def is_grease(value: int) -> bool:
    """Whether a 16-bit code point is reserved for GREASE (RFC 8701 section 2)."""
    return value in _GREASE


def any_grease(values: Iterable[int]) -> bool:
    """Whether one of them is reserved for GREASE; asked of every list of every hello."""
    return not _GREASE.isdisjoint(values)


class CodePoint(enum.IntEnum):
    """An integer on the wire which may or may not be registered."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or not 0 <= value <= 0xFFFFFF:
            return None
        unknown = int.__new__(cls, value)
        unknown._name_ = f"GREASE_{value:#06x}" if is_grease(value) else f"UNREGISTERED_{value:#x}"
        unknown._value_ = value
        if value > _CACHED_MOST:
            return unknown
        # Same object next time; bounded by the width checked above.
        return cast("Self", cls._value2member_map_.setdefault(value, unknown))

    @classmethod
    def many(cls, values: Iterable[int]) -> tuple[Self, ...]:
        """Convert a list of numbers; the direct way to members that are known costs a quarter."""
        known = cls._value2member_map_
        return tuple([cast("Self", known.get(value) or cls(value)) for value in values])

    @classmethod
    def of(cls, value: int) -> Self:
        """Convert one number, as :meth:`many` does."""
        return cast("Self", cls._value2member_map_.get(value) or cls(value))

    @property
    def registered(self) -> bool:
        """Whether the table here knows the number."""
        return self._name_ in type(self).__members__

    @property
    def grease(self) -> bool:
        """Whether the number is sent only to keep peers tolerant (RFC 8701)."""
        return self._value_ in _GREASE

    @property
    def label(self) -> str:
        """The name as it is printed; registries in lower case say so by their own ``label``."""
        return self._name_


def labels(kind: type[CodePoint], points: tuple[CodePoint, ...]) -> tuple[str, ...]:
    """The printed names of a list in the order sent; GREASE is left out: it is random and says nothing.

    Lists of a usual length are remembered, since hellos repeat them.
    """
    return (
        _labels(kind, points) if len(points) <= _LISTED_MOST else _labels.__wrapped__(kind, points)
    )


_LISTED_MOST: Final = 128  # code points of a list that is worth remembering


@functools.lru_cache(maxsize=4096)
def _labels(kind: type[CodePoint], points: tuple[CodePoint, ...]) -> tuple[str, ...]:
    """By ``kind``, too: tuples of equal numbers are equal, whatever registry their numbers are of."""
    return tuple([kind(point).label for point in points if not point.grease])


class LowerCodePoint(CodePoint):
    """A code point whose registry prints names in lower case."""

    @property
    def label(self) -> str:
        """The name as it is printed."""
        return self._name_.lower()


class ContentType(LowerCodePoint):
    """RFC 8446 appendix B.1; comments name the RFC where it is another."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23
    HEARTBEAT = 24  # RFC 6520
    TLS12_CID = 25  # RFC 9146
    ACK = 26  # RFC 9147
    RETURN_ROUTABILITY_CHECK = 27


class HandshakeType(LowerCodePoint):
    """RFC 8446 appendix B.3; comments name the RFC where it is another."""

    HELLO_REQUEST = 0  # RFC 5246
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    HELLO_VERIFY_REQUEST = 3  # RFC 6347
    NEW_SESSION_TICKET = 4
    END_OF_EARLY_DATA = 5
    HELLO_RETRY_REQUEST = 6  # drafts of RFC 8446 up to 21; later a ServerHello of its own kind
    ENCRYPTED_EXTENSIONS = 8
    REQUEST_CONNECTION_ID = 9  # RFC 9147
    NEW_CONNECTION_ID = 10  # RFC 9147
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12  # RFC 5246
    CERTIFICATE_REQUEST = 13
    SERVER_HELLO_DONE = 14  # RFC 5246
    CERTIFICATE_VERIFY = 15
    CLIENT_KEY_EXCHANGE = 16  # RFC 5246
    CLIENT_CERTIFICATE_REQUEST = 17  # RFC 9261
    FINISHED = 20
    CERTIFICATE_URL = 21  # RFC 6066
    CERTIFICATE_STATUS = 22  # RFC 6066
    SUPPLEMENTAL_DATA = 23  # RFC 4680
    KEY_UPDATE = 24
    COMPRESSED_CERTIFICATE = 25  # RFC 8879
    EKT_KEY = 26  # RFC 8870
    NEXT_PROTOCOL = 67  # draft-agl-tls-nextprotoneg
    CHANNEL_ID = 203  # draft-balfanz-tls-channelid
    MESSAGE_HASH = 254


class AlertLevel(LowerCodePoint):
    """RFC 8446 section 6."""

    WARNING = 1
    FATAL = 2


class AlertDescription(LowerCodePoint):
    """RFC 8446 section 6; comments name the RFC where it is another."""

    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    BAD_RECORD_MAC = 20
    DECRYPTION_FAILED = 21  # RFC 2246; reserved since RFC 4346
    RECORD_OVERFLOW = 22
    DECOMPRESSION_FAILURE = 30  # RFC 5246
    HANDSHAKE_FAILURE = 40
    NO_CERTIFICATE = 41  # SSL 3.0 (RFC 6101) only
    BAD_CERTIFICATE = 42
    UNSUPPORTED_CERTIFICATE = 43
    CERTIFICATE_REVOKED = 44
    CERTIFICATE_EXPIRED = 45
    CERTIFICATE_UNKNOWN = 46
    ILLEGAL_PARAMETER = 47
    UNKNOWN_CA = 48
    ACCESS_DENIED = 49
    DECODE_ERROR = 50
    DECRYPT_ERROR = 51
    TOO_MANY_CIDS_REQUESTED = 52  # RFC 9147
    EXPORT_RESTRICTION = 60  # RFC 2246
    PROTOCOL_VERSION = 70
    INSUFFICIENT_SECURITY = 71
    INTERNAL_ERROR = 80
    INAPPROPRIATE_FALLBACK = 86  # RFC 7507
    USER_CANCELED = 90
    NO_RENEGOTIATION = 100  # RFC 5246
    MISSING_EXTENSION = 109
    UNSUPPORTED_EXTENSION = 110
    CERTIFICATE_UNOBTAINABLE = 111  # RFC 6066
    UNRECOGNIZED_NAME = 112  # RFC 6066
    BAD_CERTIFICATE_STATUS_RESPONSE = 113  # RFC 6066
    BAD_CERTIFICATE_HASH_VALUE = 114  # RFC 6066
    UNKNOWN_PSK_IDENTITY = 115  # RFC 4279
    CERTIFICATE_REQUIRED = 116
    GENERAL_ERROR = 117
    NO_APPLICATION_PROTOCOL = 120  # RFC 7301
    ECH_REQUIRED = 121  # RFC 9849


class ExtensionType(LowerCodePoint):
    """IANA "TLS ExtensionType Values"; the last few are known from drafts and vendors only."""

    SERVER_NAME = 0
    MAX_FRAGMENT_LENGTH = 1
    CLIENT_CERTIFICATE_URL = 2
    TRUSTED_CA_KEYS = 3
    TRUNCATED_HMAC = 4
    STATUS_REQUEST = 5
    USER_MAPPING = 6
    CLIENT_AUTHZ = 7
    SERVER_AUTHZ = 8
    CERT_TYPE = 9
    SUPPORTED_GROUPS = 10
    EC_POINT_FORMATS = 11
    SRP = 12
    SIGNATURE_ALGORITHMS = 13
    USE_SRTP = 14
    HEARTBEAT = 15
    APPLICATION_LAYER_PROTOCOL_NEGOTIATION = 16
    STATUS_REQUEST_V2 = 17
    SIGNED_CERTIFICATE_TIMESTAMP = 18
    CLIENT_CERTIFICATE_TYPE = 19
    SERVER_CERTIFICATE_TYPE = 20
    PADDING = 21
    ENCRYPT_THEN_MAC = 22
    EXTENDED_MASTER_SECRET = 23
    TOKEN_BINDING = 24
    CACHED_INFO = 25
    TLS_LTS = 26
    COMPRESS_CERTIFICATE = 27
    RECORD_SIZE_LIMIT = 28
    PWD_PROTECT = 29
    PWD_CLEAR = 30
    PASSWORD_SALT = 31
    TICKET_PINNING = 32
    TLS_CERT_WITH_EXTERN_PSK = 33
    DELEGATED_CREDENTIAL = 34
    SESSION_TICKET = 35
    TLMSP = 36
    TLMSP_PROXYING = 37
    TLMSP_DELEGATE = 38
    SUPPORTED_EKT_CIPHERS = 39
    KEY_SHARE_DRAFT = 40  # key_share of drafts up to 22; reserved since
    PRE_SHARED_KEY = 41
    EARLY_DATA = 42
    SUPPORTED_VERSIONS = 43
    COOKIE = 44
    PSK_KEY_EXCHANGE_MODES = 45
    TICKET_EARLY_DATA_INFO = 46  # drafts up to 18; reserved since
    CERTIFICATE_AUTHORITIES = 47
    OID_FILTERS = 48
    POST_HANDSHAKE_AUTH = 49
    SIGNATURE_ALGORITHMS_CERT = 50
    KEY_SHARE = 51
    TRANSPARENCY_INFO = 52
    CONNECTION_ID_DEPRECATED = 53
    CONNECTION_ID = 54
    EXTERNAL_ID_HASH = 55
    EXTERNAL_SESSION_ID = 56
    QUIC_TRANSPORT_PARAMETERS = 57
    TICKET_REQUEST = 58
    DNSSEC_CHAIN = 59
    SEQUENCE_NUMBER_ENCRYPTION_ALGORITHMS = 60
    RRC = 61
    TLS_FLAGS = 62
    NEXT_PROTOCOL_NEGOTIATION = 13172  # draft-agl-tls-nextprotoneg
    APPLICATION_SETTINGS = 17513  # draft-vvv-tls-alps, first code point
    APPLICATION_SETTINGS_NEW = 17613
    CHANNEL_ID_OLD = 30031
    CHANNEL_ID = 30032
    ECH_OUTER_EXTENSIONS = 64768
    ENCRYPTED_CLIENT_HELLO = 65037
    RENEGOTIATION_INFO = 65281
    QUIC_TRANSPORT_PARAMETERS_DRAFT = 65445
    ENCRYPTED_SERVER_NAME = 65486  # draft-ietf-tls-esni


class CompressionMethod(LowerCodePoint):
    """RFC 3749."""

    NULL = 0
    DEFLATE = 1
    LZS = 64


class ECPointFormat(LowerCodePoint):
    """RFC 8422 section 5.1.2."""

    UNCOMPRESSED = 0
    ANSIX962_COMPRESSED_PRIME = 1
    ANSIX962_COMPRESSED_CHAR2 = 2


class ECCurveType(LowerCodePoint):
    """RFC 8422 section 5.4."""

    EXPLICIT_PRIME = 1
    EXPLICIT_CHAR2 = 2
    NAMED_CURVE = 3


class CertificateType(CodePoint):
    """RFC 7250: what a Certificate message holds."""

    X509 = 0
    OPEN_PGP = 1
    RAW_PUBLIC_KEY = 2
    IEEE_1609_DOT_2 = 3

    @property
    def label(self) -> str:
        """The name as IANA prints it."""
        return _CERTIFICATE_TYPE_LABELS.get(self._value_, self._name_)


_CERTIFICATE_TYPE_LABELS: Final = {0: "X509", 1: "OpenPGP", 2: "RawPublicKey", 3: "1609Dot2"}


class ClientCertificateType(LowerCodePoint):
    """RFC 5246 section 7.4.4: the kinds of key that a CertificateRequest takes."""

    RSA_SIGN = 1
    DSS_SIGN = 2
    RSA_FIXED_DH = 3
    DSS_FIXED_DH = 4
    RSA_EPHEMERAL_DH = 5
    DSS_EPHEMERAL_DH = 6
    FORTEZZA_DMS = 20
    GOST_SIGN256_OLD = 22
    ECDSA_SIGN = 64
    RSA_FIXED_ECDH = 65
    ECDSA_FIXED_ECDH = 66
    GOST_SIGN256 = 67
    GOST_SIGN512 = 68
    IBC_PARAMS = 80  # TLCP


class CertificateStatusType(LowerCodePoint):
    """RFC 6066 section 8, RFC 6961."""

    OCSP = 1
    OCSP_MULTI = 2


class CertificateCompression(LowerCodePoint):
    """RFC 8879 section 7.3."""

    ZLIB = 1
    BROTLI = 2
    ZSTD = 3


class PskKeyExchangeMode(LowerCodePoint):
    """RFC 8446 section 4.2.9."""

    PSK_KE = 0
    PSK_DHE_KE = 1


class HeartbeatMode(LowerCodePoint):
    """RFC 6520 section 2."""

    PEER_ALLOWED_TO_SEND = 1
    PEER_NOT_ALLOWED_TO_SEND = 2


class ProtocolVersion(CodePoint):
    """Versions on the wire, with the drafts and relatives that are found in captures.

    ``rank`` orders them: drafts of TLS 1.3 rank as TLS 1.3.
    """

    SSL2 = 0x0002
    TLCP = 0x0101  # GB/T 38636, "GMTLS"
    SSL3 = 0x0300
    TLS1_0 = 0x0301
    TLS1_1 = 0x0302
    TLS1_2 = 0x0303
    TLS1_3 = 0x0304
    DTLS1_0 = 0xFEFF
    DTLS1_2 = 0xFEFD
    DTLS1_3 = 0xFEFC

    @property
    def draft(self) -> int | None:
        """The number of a draft of TLS 1.3 (0x7Fnn; Facebook's own 0xFBnn), else None."""
        return self._value_ & 0xFF if self._value_ >> 8 in {0x7F, 0xFB} else None

    @property
    def tls13(self) -> bool:
        """Whether this is TLS 1.3, or a draft of it."""
        return self._value_ == 0x0304 or self.draft is not None or self._value_ >> 8 == 0x7E

    @property
    def rank(self) -> int:
        """The version to compare with: 0x0304 for any TLS 1.3; 0 for what is no known version."""
        if self.tls13:
            return 0x0304
        if self._value_ == 0x0101:
            return 0x0302  # TLCP is made after TLS 1.1
        return self._value_ if self._value_ in _RANKED else 0

    @property
    def label(self) -> str:
        """The name as it is printed: ``TLSv1.2``."""
        known = _VERSION_LABELS.get(self._value_)
        if known is not None:
            return known
        high, low = self._value_ >> 8, self._value_ & 0xFF
        if high == 0x7F:
            return f"TLSv1.3-draft{low}"
        if high == 0xFB:
            return f"TLSv1.3-fb{low}"
        if high == 0x7E:
            return f"TLSv1.3-google{low}"
        return self._name_


_RANKED: Final = frozenset({0x0002, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304})
_VERSION_LABELS: Final = {
    0x0002: "SSLv2",
    0x0101: "TLCP",
    0x0300: "SSLv3",
    0x0301: "TLSv1.0",
    0x0302: "TLSv1.1",
    0x0303: "TLSv1.2",
    0x0304: "TLSv1.3",
    0xFEFF: "DTLSv1.0",
    0xFEFD: "DTLSv1.2",
    0xFEFC: "DTLSv1.3",
}

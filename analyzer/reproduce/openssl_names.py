"""What OpenSSL calls versions, groups and signature schemes, and since when it knows them.

Source: ``ssl/t1_lib.c``, ``providers/common/capabilities.c`` and the manual pages SSL_CONF_cmd(3)
and SSL_CTX_set1_groups_list(3) of OpenSSL 3.0 and 3.5. The names of cipher suites are in
:mod:`analyzer.tls.registry.suite_facts`.
"""

from __future__ import annotations

from typing import Final

from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.registry.suites import CipherSuite

Release = tuple[int, int]
OLDEST: Final[Release] = (3, 0)

VERSIONS: Final = {0x0300: "SSLv3", 0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2"} | {
    0x0304: "TLSv1.3"
}

_G = NamedGroup
_GROUP_NAMES: Final = {_G.secp256r1: "P-256", _G.secp384r1: "P-384", _G.secp521r1: "P-521"} | {
    _G.x25519: "X25519",
    _G.x448: "X448",
}
GROUPS_SINCE: Final[dict[NamedGroup, Release]] = {
    _G.brainpoolP256r1tls13: (3, 2),
    _G.brainpoolP384r1tls13: (3, 2),
    _G.brainpoolP512r1tls13: (3, 2),
    _G.MLKEM512: (3, 5),
    _G.MLKEM768: (3, 5),
    _G.MLKEM1024: (3, 5),
    _G.SecP256r1MLKEM768: (3, 5),
    _G.X25519MLKEM768: (3, 5),
    _G.SecP384r1MLKEM1024: (3, 5),
}
_CURVES_12: Final = frozenset(range(1, 23)) | {26, 27, 28}  # up to TLS 1.2: RFC 8446 section 4.2.7

_S = SignatureScheme
# Those that have no name of their own in OpenSSL 3.0 are written as key and hash.
_PAIRS: Final = {
    _S.ecdsa_sha1: "ECDSA+SHA1",
    _S.ecdsa_sha224: "ECDSA+SHA224",
    _S.rsa_pkcs1_sha1: "RSA+SHA1",
    _S.rsa_pkcs1_sha224: "RSA+SHA224",
    _S.dsa_sha1: "DSA+SHA1",
    _S.dsa_sha224: "DSA+SHA224",
    _S.dsa_sha256: "DSA+SHA256",
    _S.dsa_sha384: "DSA+SHA384",
    _S.dsa_sha512: "DSA+SHA512",
}
_NAMED: Final = frozenset(
    {_S.ecdsa_secp256r1_sha256, _S.ecdsa_secp384r1_sha384, _S.ecdsa_secp521r1_sha512}
    | {_S.ed25519, _S.ed448, _S.rsa_pkcs1_sha256, _S.rsa_pkcs1_sha384, _S.rsa_pkcs1_sha512}
    | {_S.rsa_pss_rsae_sha256, _S.rsa_pss_rsae_sha384, _S.rsa_pss_rsae_sha512}
    | {_S.rsa_pss_pss_sha256, _S.rsa_pss_pss_sha384, _S.rsa_pss_pss_sha512}
)
_SCHEMES_SINCE: Final[dict[SignatureScheme, Release]] = {
    _S.ecdsa_brainpoolP256r1tls13_sha256: (3, 2),
    _S.ecdsa_brainpoolP384r1tls13_sha384: (3, 2),
    _S.ecdsa_brainpoolP512r1tls13_sha512: (3, 2),
    _S.mldsa44: (3, 5),
    _S.mldsa65: (3, 5),
    _S.mldsa87: (3, 5),
}
# Left out of builds by default (no-weak-ssl-ciphers), and those that need more than a certificate.
_NOT_BUILT: Final = ("RC4", "DES", "IDEA", "DH-")
_OTHER_MEANS: Final = ("PSK", "SRP")


def group_name(group: NamedGroup, release: Release = OLDEST) -> str | None:
    """The group in a list for ``-groups``; None where this release does not know it."""
    if group in GROUPS_SINCE:
        return group.label if release >= GROUPS_SINCE[group] else None
    if group in _GROUP_NAMES:
        return _GROUP_NAMES[group]
    known = group.value in _CURVES_12 or (group.finite_field and group.registered)
    return group.label if known else None


def group_fits(group: NamedGroup, bottom: int, top: int) -> bool:
    """Whether OpenSSL sends the group when these versions are offered."""
    if group.value in _CURVES_12:
        return bottom <= ProtocolVersion.TLS1_2
    newer = group.finite_field or group in GROUPS_SINCE  # finite fields only by TLS 1.3
    return top >= ProtocolVersion.TLS1_3 or not newer


def scheme_name(scheme: SignatureScheme, release: Release = OLDEST) -> str | None:
    """The scheme in a list for ``-sigalgs``; None where this release does not know it."""
    if scheme in _SCHEMES_SINCE:
        return scheme.label if release >= _SCHEMES_SINCE[scheme] else None
    return scheme.label if scheme in _NAMED else _PAIRS.get(scheme)


def scheme_fits(scheme: SignatureScheme, bottom: int) -> bool:
    """Whether OpenSSL sends the scheme: from TLS 1.3 on no DSA, SHA-1 or SHA-224."""
    return bottom < ProtocolVersion.TLS1_3 or scheme in _NAMED or scheme in _SCHEMES_SINCE


def suite_name(suite: CipherSuite) -> str | None:
    """The suite in a list for ``-cipher``; None where builds of today do not have it."""
    name = facts_of(suite).openssl_name
    if name is None or name.startswith(_NOT_BUILT):
        return None
    return name


def suite_fits(suite: CipherSuite, top: int) -> bool:
    """Whether OpenSSL sends the suite up to this version, without further means."""
    name = suite_name(suite)
    if name is None or any(word in name for word in _OTHER_MEANS):
        return False
    return facts_of(suite).first_version.rank <= top

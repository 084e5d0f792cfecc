"""Groups and signature schemes of the IANA TLS registries, with what their names imply.

Source: https://www.iana.org/assignments/tls-parameters, as of 2026-11-23. Groups and schemes that only
drafts knew, and the pairs of hash and signature of TLS 1.2 (RFC 5246 section 7.4.1.4.1), say so.
"""

from __future__ import annotations

from typing import Final

from analyzer.tls.registry.code_points import CodePoint


class NamedGroup(CodePoint):
    """IANA "TLS Supported Groups"."""

    sect163k1 = 1
    sect163r1 = 2
    sect163r2 = 3
    sect193r1 = 4
    sect193r2 = 5
    sect233k1 = 6
    sect233r1 = 7
    sect239k1 = 8
    sect283k1 = 9
    sect283r1 = 10
    sect409k1 = 11
    sect409r1 = 12
    sect571k1 = 13
    sect571r1 = 14
    secp160k1 = 15
    secp160r1 = 16
    secp160r2 = 17
    secp192k1 = 18
    secp192r1 = 19
    secp224k1 = 20
    secp224r1 = 21
    secp256k1 = 22
    secp256r1 = 23
    secp384r1 = 24
    secp521r1 = 25
    brainpoolP256r1 = 26  # noqa: N815 - the registry's spelling
    brainpoolP384r1 = 27  # noqa: N815
    brainpoolP512r1 = 28  # noqa: N815
    x25519 = 29
    x448 = 30
    brainpoolP256r1tls13 = 31  # noqa: N815
    brainpoolP384r1tls13 = 32  # noqa: N815
    brainpoolP512r1tls13 = 33  # noqa: N815
    GC256A = 34
    GC256B = 35
    GC256C = 36
    GC256D = 37
    GC512A = 38
    GC512B = 39
    GC512C = 40
    curveSM2 = 41  # noqa: N815
    ffdhe2048 = 256
    ffdhe3072 = 257
    ffdhe4096 = 258
    ffdhe6144 = 259
    ffdhe8192 = 260
    MLKEM512 = 512
    MLKEM768 = 513
    MLKEM1024 = 514
    SecP256r1MLKEM768 = 4587
    X25519MLKEM768 = 4588
    SecP384r1MLKEM1024 = 4589
    curveSM2MLKEM768 = 4590  # noqa: N815
    CECPQ2 = 16696  # an experiment of BoringSSL
    X25519Kyber768Draft00 = 25497
    SecP256r1Kyber768Draft00 = 25498
    X25519Kyber512Draft00 = 65072  # an experiment of BoringSSL
    X25519Kyber768Draft00Old = 65073
    arbitrary_explicit_prime_curves = 65281
    arbitrary_explicit_char2_curves = 65282

    @property
    def finite_field(self) -> bool:
        """Whether this is a group of RFC 7919 (DHE) and no curve."""
        return 256 <= self._value_ <= 511


class SignatureScheme(CodePoint):
    """IANA "TLS SignatureScheme", and the pairs of TLS 1.2 that RFC 8446 left unnamed."""

    anonymous_none = 0x0000
    rsa_pkcs1_md5 = 0x0101  # a pair
    dsa_md5 = 0x0102  # a pair
    ecdsa_md5 = 0x0103  # a pair
    rsa_pkcs1_sha1 = 0x0201
    dsa_sha1 = 0x0202  # a pair
    ecdsa_sha1 = 0x0203
    rsa_pkcs1_sha224 = 0x0301  # a pair
    dsa_sha224 = 0x0302  # a pair
    ecdsa_sha224 = 0x0303  # a pair
    rsa_pkcs1_sha256 = 0x0401
    dsa_sha256 = 0x0402  # a pair
    ecdsa_secp256r1_sha256 = 0x0403
    rsa_pkcs1_sha256_legacy = 0x0420
    rsa_pkcs1_sha384 = 0x0501
    dsa_sha384 = 0x0502  # a pair
    ecdsa_secp384r1_sha384 = 0x0503
    rsa_pkcs1_sha384_legacy = 0x0520
    rsa_pkcs1_sha512 = 0x0601
    dsa_sha512 = 0x0602  # a pair
    ecdsa_secp521r1_sha512 = 0x0603
    rsa_pkcs1_sha512_legacy = 0x0620
    eccsi_sha256 = 0x0704
    iso_ibs1 = 0x0705
    iso_ibs2 = 0x0706
    iso_chinese_ibs = 0x0707
    sm2sig_sm3 = 0x0708
    gostr34102012_256a = 0x0709
    gostr34102012_256b = 0x070A
    gostr34102012_256c = 0x070B
    gostr34102012_256d = 0x070C
    gostr34102012_512a = 0x070D
    gostr34102012_512b = 0x070E
    gostr34102012_512c = 0x070F
    rsa_pss_rsae_sha256 = 0x0804
    rsa_pss_rsae_sha384 = 0x0805
    rsa_pss_rsae_sha512 = 0x0806
    ed25519 = 0x0807
    ed448 = 0x0808
    rsa_pss_pss_sha256 = 0x0809
    rsa_pss_pss_sha384 = 0x080A
    rsa_pss_pss_sha512 = 0x080B
    ecdsa_brainpoolP256r1tls13_sha256 = 0x081A  # noqa: N815 - the registry's spelling
    ecdsa_brainpoolP384r1tls13_sha384 = 0x081B  # noqa: N815
    ecdsa_brainpoolP512r1tls13_sha512 = 0x081C  # noqa: N815
    gostr34102012_256_intrinsic = 0x0840  # a pair, RFC 9189
    gostr34102012_512_intrinsic = 0x0841  # a pair, RFC 9189
    mldsa44 = 0x0904
    mldsa65 = 0x0905
    mldsa87 = 0x0906
    slhdsa_sha2_128s = 0x0911
    slhdsa_sha2_128f = 0x0912
    slhdsa_sha2_192s = 0x0913
    slhdsa_sha2_192f = 0x0914
    slhdsa_sha2_256s = 0x0915
    slhdsa_sha2_256f = 0x0916
    slhdsa_shake_128s = 0x0917
    slhdsa_shake_128f = 0x0918
    slhdsa_shake_192s = 0x0919
    slhdsa_shake_192f = 0x091A
    slhdsa_shake_256s = 0x091B
    slhdsa_shake_256f = 0x091C
    gostr34102012_256_legacy = 0xEEEE
    gostr34102012_512_legacy = 0xEFEF

    @property
    def key_kind(self) -> str | None:
        """The kind of key that makes such signatures, as in ``CertificateFacts.key_kind``.

        RSA-PSS with a key that is bound to it (``rsa_pss_pss``) needs another certificate than RSA
        does: ``RSASSA-PSS``.
        """
        name = self._name_
        return next((kind for start, kind in _KEY_KINDS if name.startswith(start)), None)

    @property
    def hash(self) -> str | None:
        """The hash by its name in lower case (``sha256``); None where the scheme has its own."""
        last = self._name_.removesuffix("_legacy").rpartition("_")[2]
        return last if last in _HASHES else None


_KEY_KINDS: Final = (
    ("rsa_pss_pss", "RSASSA-PSS"),
    ("rsa", "RSA"),
    ("ecdsa", "EC"),
    ("dsa", "DSA"),
    ("ed25519", "Ed25519"),
    ("ed448", "Ed448"),
    ("sm2", "SM2"),
    ("gost", "GOST"),
    ("mldsa", "ML-DSA"),
    ("slhdsa", "SLH-DSA"),
)
_HASHES: Final = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sm3"})

"""What the name of a cipher suite implies, found by parsing the name.

IANA names read ``TLS_<key exchange>_<authentication>_WITH_<cipher>_<mode>_<hash>``, in TLS 1.3
``TLS_<cipher>_<mode>_<hash>``. Parsing them makes new suites known as soon as the table has their name.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Final

from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.registry.suites import CipherSuite


@dataclass(frozen=True, slots=True)
class SuiteFacts:
    """A cipher suite taken apart. Empty strings and None where the number says nothing.

    ``hash`` is that of the PRF or HKDF ("SHA256", "SHA384"; "MD5+SHA1" where the version is older);
    ``mac`` that of records, "AEAD" where there is none of its own. ``tag_length`` is what protects a
    record at its end: the AEAD's tag or the MAC. ``explicit_nonce`` are the bytes before the
    ciphertext in TLS 1.1 and 1.2: part of an AEAD's nonce, or the IV of a block cipher.
    """

    suite: CipherSuite
    key_exchange: str = ""  # RSA, DHE, ECDHE, DH, ECDH, PSK, DHE_PSK, SRP, KRB5, TLS13, GOST …
    authentication: str = ""  # RSA, ECDSA, DSS, anon, PSK, any (TLS 1.3) …
    cipher: str = ""  # AES_128, AES_256, CHACHA20, 3DES_EDE, RC4_128, NULL …
    mode: str = ""  # GCM, CCM, CCM_8, CBC, POLY1305, stream …
    mac: str = ""
    hash: str = ""
    aead: bool = False
    tag_length: int | None = None
    explicit_nonce: int = 0
    block_size: int = 0  # of a CBC cipher, else 0
    key_bits: int = 0
    export: bool = False
    scsv: bool = False  # a signal, no suite
    first_version: ProtocolVersion = ProtocolVersion.SSL3
    last_version: ProtocolVersion = ProtocolVersion.TLS1_2
    openssl_name: str | None = None

    @property
    def forward_secret(self) -> bool:
        """Whether recorded traffic stays secret when the certificate's key leaks."""
        return self.key_exchange.startswith(("DHE", "ECDHE", "TLS13", "ECCPWD"))

    @property
    def anonymous(self) -> bool:
        """Whether the server stays unproven."""
        return self.authentication == "anon"

    @property
    def needs_group(self) -> bool:
        """Whether both sides must share an elliptic curve (or any group, in TLS 1.3)."""
        return self.key_exchange.startswith(("ECDH", "TLS13"))

    @property
    def weak(self) -> bool:
        """Whether stacks of today leave it out by default: no or broken cipher, MAC or proof."""
        return (
            self.export
            or self.anonymous
            or self.mac == "MD5"
            or self.cipher.startswith(_WEAK_CIPHERS)
        )

    def allowed_in(self, version: ProtocolVersion) -> bool:
        """Whether the suite can be negotiated in ``version``."""
        return self.first_version.rank <= version.rank <= self.last_version.rank


_WEAK_CIPHERS: Final = ("NULL", "RC4", "RC2", "DES", "3DES", "IDEA", "FORTEZZA")
_KEY_BITS: Final = {
    "3DES_EDE": 168,
    "DES": 56,
    "DES40": 40,
    "IDEA": 128,
    "SEED": 128,
    "CHACHA20": 256,
}
_BLOCK_SIZES: Final = {"3DES_EDE": 8, "DES": 8, "DES40": 8, "IDEA": 8, "RC2": 8}
_MAC_LENGTHS: Final = {"MD5": 16, "SHA": 20, "SHA256": 32, "SHA384": 48, "SM3": 32, "GOSTR3411": 32}
_ENDING: Final = re.compile(
    r"_(MD5|SHA1?|SHA256|SHA384|SHA512|SM3|GOSTR3411|IMIT|OMAC)(?:_OLD|_2)?$"
)
_NEW_IN_TLS12: Final = frozenset({"SHA256", "SHA384"})


@functools.cache  # as many entries as there are members; others are bounded by 16 bits
def facts_of(suite: CipherSuite) -> SuiteFacts:
    """Take the suite's name apart."""
    name = suite.name
    if name.endswith("_SCSV"):
        return SuiteFacts(suite, scsv=True)
    if not suite.registered or suite == CipherSuite.TLS_NULL_WITH_NULL_NULL:
        return SuiteFacts(suite)
    if name.startswith("SSL_CK_"):
        return _ssl2(suite)
    bare = name.removeprefix("TLS_").removeprefix("SSL_")
    keys, with_, protection = bare.partition("_WITH_")
    if with_:
        return _classic(suite, keys, protection)
    if name.startswith("TLS_"):
        return _tls13(suite, bare)
    keys, _, protection = bare.partition("_")
    return _classic(suite, keys, protection)  # TLCP: ECC_SM4_CBC_SM3


def _tls13(suite: CipherSuite, bare: str) -> SuiteFacts:
    hash_ = bare.rpartition("_")[2]
    cipher, mode = _cipher_and_mode(bare.rpartition("_")[0])
    null = cipher.startswith("SHA")  # RFC 9150: TLS_SHA256_SHA256 authenticates only
    return SuiteFacts(
        suite,
        key_exchange="TLS13",
        authentication="any",
        cipher="NULL" if null else cipher,
        mode="HMAC" if null else mode,
        mac=hash_ if null else "AEAD",
        hash=hash_,
        aead=not null,
        tag_length=_MAC_LENGTHS[hash_] if null else _tag_length(mode),
        key_bits=0 if null else _key_bits(cipher),
        first_version=ProtocolVersion.TLS1_3,
        last_version=ProtocolVersion.TLS1_3,
        openssl_name=suite.name,
    )


def _classic(suite: CipherSuite, keys: str, protection: str) -> SuiteFacts:
    ending = _ENDING.search(protection)
    end = "SHA" if ending and ending[1] == "SHA1" else ending[1] if ending else ""
    cipher, mode = _cipher_and_mode(protection[: ending.start()] if ending else protection)
    exchange, authentication = _keys(keys)
    aead = mode in _AEAD_MODES
    block = _BLOCK_SIZES.get(cipher, 16) if mode == "CBC" else 0
    new = aead or end in _NEW_IN_TLS12
    return SuiteFacts(
        suite,
        key_exchange=exchange,
        authentication=authentication,
        cipher=cipher,
        mode=mode,
        mac="AEAD" if aead else end,
        hash=_prf_hash(end, new=new),
        aead=aead,
        tag_length=_tag_length(mode)
        if aead
        else _MAC_LENGTHS.get(end, 4 if end == "IMIT" else None),
        explicit_nonce=_explicit_nonce(mode, block),
        block_size=block,
        key_bits=_key_bits(cipher),
        export="EXPORT" in keys,
        first_version=_first_version(exchange, aead=aead, new=new),
        openssl_name=_openssl_name(exchange, authentication, cipher, mode, end)
        if "EXPORT" not in keys
        else None,
    )


def _first_version(exchange: str, *, aead: bool, new: bool) -> ProtocolVersion:
    """TLS 1.2 for what needs its nonces or hashes; but RFC 5487 lets PSK use SHA-2 for MACs before."""
    if aead or (new and "PSK" not in exchange):
        return ProtocolVersion.TLS1_2
    return ProtocolVersion.TLS1_0 if new else ProtocolVersion.SSL3


def _ssl2(suite: CipherSuite) -> SuiteFacts:
    words = suite.name.removeprefix("SSL_CK_").partition("_WITH_")[0]
    cipher = words.replace("_EXPORT40", "").removesuffix("_CBC")
    cipher = {"DES_64": "DES", "DES_192_EDE3": "3DES_EDE"}.get(cipher, cipher)
    stream = cipher.startswith("RC4")
    return SuiteFacts(
        suite,
        key_exchange="RSA",
        authentication="RSA",
        cipher=cipher,
        mode="stream" if stream else "CBC",
        mac="MD5",
        hash="MD5",
        tag_length=16,
        block_size=0 if stream else 8,
        key_bits=_key_bits(cipher),
        export="EXPORT" in suite.name,
        first_version=ProtocolVersion.SSL2,
        last_version=ProtocolVersion.SSL2,
    )


_AEAD_MODES: Final = frozenset({"GCM", "CCM", "CCM_8", "POLY1305", "MGM", "AEGIS"})
_MODES: Final = re.compile(r"_(GCM|CCM_8|CCM|CBC|CTR|CNT|POLY1305|MGM)(?:_\w+)?$")


def _cipher_and_mode(text: str) -> tuple[str, str]:
    """Part ``AES_128_GCM``; ``DES_CBC_40`` and ``RC2_CBC_40`` carry the length of an export key."""
    if text.startswith("AEGIS"):
        return text, "AEGIS"
    found = _MODES.search(text)
    if found is None:
        return text, "stream"
    cipher = text[: found.start()]
    length = text[found.end(1) :].strip("_")
    return (f"{cipher}_{length}" if length.isdigit() else cipher), found[1]


def _keys(keys: str) -> tuple[str, str]:
    """Part what stands before ``_WITH_`` into key exchange and authentication."""
    plain = re.sub(r"_EXPORT(1024)?$", "", keys).removesuffix("_FIPS")
    if plain in _KEYS:
        return _KEYS[plain]
    if plain.startswith("GOST"):
        return "GOST", "GOST"
    if plain.startswith("SRP_SHA"):
        return "SRP", plain.removeprefix("SRP_SHA").strip("_") or "SRP"
    exchange, _, authentication = plain.partition("_")
    return exchange, authentication or exchange


_KEYS: Final = {
    "RSA": ("RSA", "RSA"),
    "PSK": ("PSK", "PSK"),
    "DHE_PSK": ("DHE_PSK", "PSK"),
    "ECDHE_PSK": ("ECDHE_PSK", "PSK"),
    "RSA_PSK": ("RSA_PSK", "RSA"),
    "PSK_DHE": ("DHE_PSK", "PSK"),  # RFC 6655 names two suites so
    "KRB5": ("KRB5", "KRB5"),
    "FORTEZZA_KEA": ("FORTEZZA_KEA", "DSS"),
    "ECCPWD": ("ECCPWD", "PWD"),
    "ECDHE": ("ECDHE", "SM2"),  # TLCP
    "ECC": ("ECC", "SM2"),
    "IBC": ("IBC", "IBC"),
    "IBSDH": ("IBSDH", "IBC"),
}


def _prf_hash(end: str, *, new: bool) -> str:
    if end == "SM3" or end.startswith("GOST"):
        return end
    if not new:
        return "MD5+SHA1"  # in TLS 1.2 these suites use SHA256: RFC 5246 section 5
    return "SHA384" if end == "SHA384" else "SHA256"


def _tag_length(mode: str) -> int:
    return 8 if mode == "CCM_8" else 16


def _explicit_nonce(mode: str, block: int) -> int:
    if mode in {"GCM", "CCM", "CCM_8"}:
        return 8  # RFC 5288 section 3, RFC 6655 section 3
    return block


def _key_bits(cipher: str) -> int:
    if cipher in _KEY_BITS:
        return _KEY_BITS[cipher]
    bits = re.search(r"_(\d+)L?", cipher)
    if bits:
        return int(bits[1])
    return {"SM4": 128, "SM1": 128, "KUZNYECHIK": 256, "MAGMA": 256}.get(cipher, 0)


# OpenSSL leaves the key exchange out where it is RSA, and writes DHE where IANA writes DH_anon.
_OPENSSL_KEYS: Final = {
    ("RSA", "RSA"): "",
    ("DHE", "RSA"): "DHE-RSA-",
    ("DHE", "DSS"): "DHE-DSS-",
    ("DH", "RSA"): "DH-RSA-",
    ("DH", "DSS"): "DH-DSS-",
    ("DH", "anon"): "ADH-",
    ("ECDHE", "RSA"): "ECDHE-RSA-",
    ("ECDHE", "ECDSA"): "ECDHE-ECDSA-",
    ("ECDH", "RSA"): "ECDH-RSA-",
    ("ECDH", "ECDSA"): "ECDH-ECDSA-",
    ("ECDH", "anon"): "AECDH-",
    ("PSK", "PSK"): "PSK-",
    ("DHE_PSK", "PSK"): "DHE-PSK-",
    ("ECDHE_PSK", "PSK"): "ECDHE-PSK-",
    ("RSA_PSK", "RSA"): "RSA-PSK-",
    ("SRP", "SRP"): "SRP-",
    ("SRP", "RSA"): "SRP-RSA-",
    ("SRP", "DSS"): "SRP-DSS-",
}
_OPENSSL_CIPHERS: Final = {
    "3DES_EDE": "DES-CBC3",
    "DES": "DES-CBC",
    "RC4_128": "RC4",
    "IDEA": "IDEA-CBC",
}


def _openssl_name(
    exchange: str, authentication: str, cipher: str, mode: str, end: str
) -> str | None:
    """The name in OpenSSL's cipher strings; None for families that it does not have."""
    keys = _OPENSSL_KEYS.get((exchange, authentication))
    if keys is None or not cipher.startswith(_OPENSSL_KNOWS):
        return None
    if cipher == "CHACHA20":
        return f"{keys}CHACHA20-POLY1305"
    if keys == "ECDHE-RSA-" and cipher.startswith("ARIA"):
        keys = "ECDHE-"
    parts = [_openssl_cipher(exchange, cipher, mode)]
    parts += [_OPENSSL_MODES[mode]] if mode in _OPENSSL_MODES else []
    parts += [end] if end else []
    return keys + "-".join(parts)


_OPENSSL_KNOWS: Final = (
    *("AES", "ARIA", "CAMELLIA", "CHACHA20", "SEED", "IDEA"),
    *("3DES", "DES", "RC4_128", "NULL"),
)
_OPENSSL_MODES: Final = {"GCM": "GCM", "CCM": "CCM", "CCM_8": "CCM8"}


def _openssl_cipher(exchange: str, cipher: str, mode: str) -> str:
    """How OpenSSL writes a cipher: the families of PSK and SRP keep the CBC that others drop."""
    spelled_out = mode == "CBC" and exchange == "SRP"
    if mode == "CBC" and ("PSK" in exchange or exchange == "SRP"):
        if cipher == "3DES_EDE":
            return "3DES-EDE-CBC"
        if cipher.startswith("AES"):
            return cipher.replace("_", "-" if spelled_out else "") + "-CBC"
    return _OPENSSL_CIPHERS.get(cipher) or cipher.replace("_", "")

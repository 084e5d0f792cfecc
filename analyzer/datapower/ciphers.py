"""The lists of a profile in the terms of TLS: suites, groups, signatures, versions.

TLS profiles list suites by their IANA names without ``TLS_``; the deprecated CryptoProfile has an
OpenSSL cipher string, which is evaluated over the suites that such a library has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suite_facts import SuiteFacts, facts_of
from analyzer.tls.registry.suites import CipherSuite

_V = ProtocolVersion
VERSION_BITS: Final[Mapping[str, ProtocolVersion]] = {
    "SSLv3": _V.SSL3,
    "TLSv1d0": _V.TLS1_0,
    "TLSv1d1": _V.TLS1_1,
    "TLSv1d2": _V.TLS1_2,
    "TLSv1d3": _V.TLS1_3,
}
BIT_OF: Final = {version: bit for bit, version in VERSION_BITS.items()}
# SSLOptions of a CryptoProfile: what is not switched off is on, as far as its library goes.
_OFF: Final = {
    "Disable-SSLv3": _V.SSL3,
    "Disable-TLSv1": _V.TLS1_0,
    "Disable-TLSv1d1": _V.TLS1_1,
    "Disable-TLSv1d2": _V.TLS1_2,
}


def versions_of(bits: Iterable[str]) -> frozenset[ProtocolVersion]:
    """The versions of a ``Protocols`` bit map."""
    return frozenset(VERSION_BITS[bit] for bit in bits if bit in VERSION_BITS)


def versions_left(options: Iterable[str]) -> frozenset[ProtocolVersion]:
    """The versions that the ``SSLOptions`` of a CryptoProfile leave on; none of them is TLS 1.3."""
    return frozenset(_OFF.values()) - {_OFF[option] for option in options if option in _OFF}


def suites_of(names: Iterable[str]) -> tuple[CipherSuite, ...]:
    """The suites of a ``Ciphers`` list; names that no registry knows are left out."""
    found = (CipherSuite.__members__.get(f"TLS_{name.removeprefix('TLS_')}") for name in names)
    return tuple(suite for suite in found if suite is not None)


def unknown_suites(names: Iterable[str]) -> tuple[str, ...]:
    """Names of a ``Ciphers`` list that no registry knows."""
    return tuple(n for n in names if f"TLS_{n.removeprefix('TLS_')}" not in CipherSuite.__members__)


def groups_of(names: Iterable[str]) -> tuple[NamedGroup, ...]:
    """The groups of an ``EllipticCurves`` list."""
    found = (NamedGroup.__members__.get(name) for name in names)
    return tuple(group for group in found if group is not None)


def signatures_of(names: Iterable[str]) -> tuple[SignatureScheme, ...]:
    """The schemes of a ``SigAlgs`` list."""
    known = {scheme.name.lower(): scheme for scheme in SignatureScheme}
    found = (known.get(name.lower()) for name in names)
    return tuple(scheme for scheme in found if scheme is not None)


def suites_of_string(text: str) -> tuple[CipherSuite, ...] | None:
    """Evaluate an OpenSSL cipher string; None where it holds a word that is not known here.

    ``A`` adds, ``-A`` removes, ``!A`` removes for good, ``+A`` moves to the end, ``A+B`` is both,
    ``@STRENGTH`` sorts (openssl-ciphers(1)).
    """
    chosen: list[SuiteFacts] = []
    killed: set[CipherSuite] = set()
    for word in filter(None, re.split(r"[:, ]+", text)):
        if word.startswith("@"):
            chosen.sort(key=lambda facts: -facts.key_bits)
            continue
        named = _named(word.lstrip("!-+"))
        if named is None:
            return None
        picked = [facts for facts in named if facts.suite not in killed]
        suites = {facts.suite for facts in picked}
        if word[0] in "!-+":
            if word[0] == "!":
                killed |= suites
            moved = [facts for facts in chosen if facts.suite in suites]
            chosen = [facts for facts in chosen if facts.suite not in suites]
            chosen += moved if word[0] == "+" else []
        else:
            held = {facts.suite for facts in chosen}
            chosen += [facts for facts in picked if facts.suite not in held]
    return tuple(facts.suite for facts in chosen)


def _named(word: str) -> list[SuiteFacts] | None:
    """The suites that all the names joined by ``+`` stand for."""
    tests = [_test(name) for name in word.split("+")]
    if None in tests:
        return None
    return [f for f in _library() if all(test(f) for test in tests if test is not None)]


def _test(name: str) -> Callable[[SuiteFacts], bool] | None:
    if name in _TESTS:
        return _TESTS[name]
    if any(facts.openssl_name == name for facts in _library()):
        return lambda facts: facts.openssl_name == name
    return None


def _library() -> list[SuiteFacts]:
    """What the library of such firmware has: nothing of TLS 1.3, PSK, SRP, Kerberos or GOST."""
    if not _LIBRARY:
        found = (facts_of(suite) for suite in CipherSuite)
        held = [f for f in found if f.key_exchange in _EXCHANGES and f.openssl_name]
        held.sort(key=lambda f: (_EXCHANGES.index(f.key_exchange), not f.aead, -f.key_bits))
        _LIBRARY.extend(held)
    return _LIBRARY


_EXCHANGES: Final = ("ECDHE", "DHE", "RSA")  # in the order of the library
_LIBRARY: Final[list[SuiteFacts]] = []


def _strong(facts: SuiteFacts) -> bool:
    return facts.key_bits >= 128 and not facts.cipher.startswith(("RC4", "RC2", "IDEA", "SEED"))


_TESTS: Final[Mapping[str, Callable[[SuiteFacts], bool]]] = {
    "ALL": lambda f: f.cipher != "NULL",
    "DEFAULT": lambda f: f.cipher != "NULL" and f.authentication != "anon" and not f.export,
    "HIGH": _strong,
    "MEDIUM": lambda f: f.cipher.startswith(("RC4_128", "RC2_CBC_128", "IDEA", "SEED")),
    "LOW": lambda f: 0 < f.key_bits < 128 and not f.export,
    "EXP": lambda f: f.export,
    "EXPORT": lambda f: f.export,
    "eNULL": lambda f: f.cipher == "NULL",
    "NULL": lambda f: f.cipher == "NULL",
    "aNULL": lambda f: f.authentication == "anon",
    "ADH": lambda f: f.authentication == "anon" and f.key_exchange in {"DH", "DHE"},
    "AECDH": lambda f: f.authentication == "anon" and f.key_exchange in {"ECDH", "ECDHE"},
    "RSA": lambda f: f.key_exchange == "RSA" or f.authentication == "RSA",
    "kRSA": lambda f: f.key_exchange == "RSA",
    "aRSA": lambda f: f.authentication == "RSA",
    "DHE": lambda f: f.key_exchange == "DHE" and f.authentication != "anon",
    "EDH": lambda f: f.key_exchange == "DHE" and f.authentication != "anon",
    "kEDH": lambda f: f.key_exchange == "DHE",
    "DH": lambda f: f.key_exchange in {"DH", "DHE"},
    "ECDHE": lambda f: f.key_exchange == "ECDHE" and f.authentication != "anon",
    "EECDH": lambda f: f.key_exchange == "ECDHE" and f.authentication != "anon",
    "kEECDH": lambda f: f.key_exchange == "ECDHE",
    "ECDH": lambda f: f.key_exchange in {"ECDH", "ECDHE"},
    "ECDSA": lambda f: f.authentication == "ECDSA",
    "aECDSA": lambda f: f.authentication == "ECDSA",
    "DSS": lambda f: f.authentication == "DSS",
    "aDSS": lambda f: f.authentication == "DSS",
    "AES": lambda f: f.cipher.startswith("AES"),
    "AES128": lambda f: f.cipher == "AES_128",
    "AES256": lambda f: f.cipher == "AES_256",
    "AESGCM": lambda f: f.cipher.startswith("AES") and f.mode == "GCM",
    "CAMELLIA": lambda f: f.cipher.startswith("CAMELLIA"),
    "CHACHA20": lambda f: f.cipher.startswith("CHACHA20"),
    "3DES": lambda f: f.cipher.startswith("3DES"),
    "DES": lambda f: f.cipher.startswith("DES"),
    "RC4": lambda f: f.cipher.startswith("RC4"),
    "RC2": lambda f: f.cipher.startswith("RC2"),
    "SEED": lambda f: f.cipher.startswith("SEED"),
    "IDEA": lambda f: f.cipher.startswith("IDEA"),
    "MD5": lambda f: f.mac == "MD5",
    "SHA": lambda f: f.mac == "SHA",
    "SHA1": lambda f: f.mac == "SHA",
    "SHA256": lambda f: f.mac == "SHA256",
    "SHA384": lambda f: f.mac == "SHA384",
    "SSLv3": lambda f: f.first_version.rank <= _V.SSL3.rank,
    "TLSv1": lambda f: f.first_version.rank <= _V.TLS1_0.rank,
    "TLSv1.2": lambda f: f.first_version is _V.TLS1_2,
}

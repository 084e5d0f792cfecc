"""The ``gnutls-cli`` command, and the priority string in it.

A priority string names ciphers, MACs and key exchanges apart; GnuTLS offers every suite that can be
made of them. Names: "Priority Strings" in the GnuTLS manual (3.7), ``gnutls-cli --list``.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Final, TypeVar

from analyzer.reproduce.recipe import Recipe, Wanted
from analyzer.reproduce.shape import Shape, rough_differences
from analyzer.reproduce.shell import command
from analyzer.tls.registry.code_points import ExtensionType, ProtocolVersion
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suite_facts import SuiteFacts, facts_of
from analyzer.tls.registry.suites import CipherSuite

Key = TypeVar("Key", bound=Hashable)

_VERSIONS: Final = {0x0300: "SSL3.0", 0x0301: "TLS1.0", 0x0302: "TLS1.1", 0x0303: "TLS1.2"} | {
    0x0304: "TLS1.3"
}
_KEYS: Final = {
    ("RSA", "RSA"): "RSA",
    ("DHE", "RSA"): "DHE-RSA",
    ("DHE", "DSS"): "DHE-DSS",
    ("ECDHE", "RSA"): "ECDHE-RSA",
    ("ECDHE", "ECDSA"): "ECDHE-ECDSA",
    ("DH", "anon"): "ANON-DH",
    ("ECDH", "anon"): "ANON-ECDH",
}
_CIPHERS: Final = {
    **{("AES_128", mode): f"AES-128-{mode.replace('_', '-')}" for mode in ("GCM", "CBC", "CCM")},
    **{("AES_256", mode): f"AES-256-{mode.replace('_', '-')}" for mode in ("GCM", "CBC", "CCM")},
    ("AES_128", "CCM_8"): "AES-128-CCM-8",
    ("AES_256", "CCM_8"): "AES-256-CCM-8",
    ("CAMELLIA_128", "GCM"): "CAMELLIA-128-GCM",
    ("CAMELLIA_256", "GCM"): "CAMELLIA-256-GCM",
    ("CAMELLIA_128", "CBC"): "CAMELLIA-128-CBC",
    ("CAMELLIA_256", "CBC"): "CAMELLIA-256-CBC",
    ("CHACHA20", "POLY1305"): "CHACHA20-POLY1305",
    ("3DES_EDE", "CBC"): "3DES-CBC",
    ("RC4_128", "stream"): "ARCFOUR-128",
}
_MACS: Final = {"AEAD": "AEAD", "SHA": "SHA1", "SHA256": "SHA256", "SHA384": "SHA384", "MD5": "MD5"}
_GROUPS: Final = frozenset(
    {NamedGroup.secp256r1, NamedGroup.secp384r1, NamedGroup.secp521r1, NamedGroup.x25519}
    | {NamedGroup.x448, NamedGroup.secp224r1, NamedGroup.secp192r1}
    | {NamedGroup(number) for number in range(256, 261)}
)
_S = SignatureScheme
_SCHEMES: Final = {
    _S.rsa_pkcs1_sha1: "RSA-SHA1",
    _S.rsa_pkcs1_sha224: "RSA-SHA224",
    _S.rsa_pkcs1_sha256: "RSA-SHA256",
    _S.rsa_pkcs1_sha384: "RSA-SHA384",
    _S.rsa_pkcs1_sha512: "RSA-SHA512",
    _S.ecdsa_sha1: "ECDSA-SHA1",
    _S.ecdsa_secp256r1_sha256: "ECDSA-SECP256R1-SHA256",
    _S.ecdsa_secp384r1_sha384: "ECDSA-SECP384R1-SHA384",
    _S.ecdsa_secp521r1_sha512: "ECDSA-SECP521R1-SHA512",
    _S.rsa_pss_rsae_sha256: "RSA-PSS-RSAE-SHA256",
    _S.rsa_pss_rsae_sha384: "RSA-PSS-RSAE-SHA384",
    _S.rsa_pss_rsae_sha512: "RSA-PSS-RSAE-SHA512",
    _S.rsa_pss_pss_sha256: "RSA-PSS-SHA256",
    _S.rsa_pss_pss_sha384: "RSA-PSS-SHA384",
    _S.rsa_pss_pss_sha512: "RSA-PSS-SHA512",
    _S.ed25519: "EdDSA-Ed25519",
    _S.ed448: "EdDSA-Ed448",
    _S.dsa_sha1: "DSA-SHA1",
    _S.dsa_sha256: "DSA-SHA256",
}
_STARTTLS: Final = {
    name: name for name in ("smtp", "lmtp", "imap", "pop3", "ftp", "nntp", "xmpp", "sieve", "ldap")
} | {"postgresql": "postgres"}


def gnutls(wish: Wanted) -> Recipe:
    """Write the command for a connection."""
    host = wish.server_name or wish.host
    words = command(
        ("gnutls-cli", *_judging(wish, host), "--priority", priority(wish.shape)),
        ("--sni-hostname", wish.server_name) if wish.server_name else ("--disable-sni",),
        tuple(f"--alpn={name}" for name in wish.alpn),
        ("--starttls-proto", _STARTTLS[wish.starttls])
        if wish.starttls and wish.starttls in _STARTTLS
        else (),
        ("--x509certfile", "client.pem", "--x509keyfile", "client.key")
        if wish.client_certificate
        else (),
        ("--port", str(wish.port), wish.host),
    )
    shape = replace(wish.shape, server_name=wish.server_name, alpn=wish.alpn)
    sent = shape_sent(shape)
    return Recipe(
        tool="gnutls",
        title="gnutls-cli, and a priority string for any program that uses GnuTLS",
        command=words,
        notes=(*wish.notes, *_notes(wish, host)),
        unlike=rough_differences(wish.shape, sent, "GnuTLS"),
        shape=sent,
    )


def priority(shape: Shape) -> str:
    """Write the priority string."""
    facts = [facts_of(suite) for suite in _known(shape)]
    versions = [_VERSIONS[v.rank] for v in shape.versions if v.rank in _VERSIONS]
    ciphers = _once(_CIPHERS[f.cipher, f.mode] for f in facts)
    macs = _once(_MACS[f.mac] for f in facts)
    keys = _once(
        _KEYS[f.key_exchange, f.authentication] for f in facts if f.key_exchange != "TLS13"
    )
    groups = [_group(group) for group in shape.groups or () if group in _GROUPS]
    schemes = [_scheme(scheme, shape.top) for scheme in shape.schemes or () if scheme in _SCHEMES]
    parts = [
        "NONE",
        *(f"+VERS-{name}" for name in versions),
        *(f"+{name}" for name in (*ciphers, *macs, *keys)),
        *([f"+SIGN-{name}" for name in schemes] or ["+SIGN-ALL"]),
        *([f"+GROUP-{name}" for name in groups] or ["+GROUP-ALL"]),
        "+COMP-NULL",
        *_switches(shape),
    ]
    return ":".join(parts)


def _known(shape: Shape) -> list[CipherSuite]:
    """The suites that GnuTLS can be asked for."""
    return [suite for suite in shape.cipher_suites if _can(facts_of(suite))]


def _can(facts: SuiteFacts) -> bool:
    keys = facts.key_exchange == "TLS13" or (facts.key_exchange, facts.authentication) in _KEYS
    return keys and (facts.cipher, facts.mode) in _CIPHERS and facts.mac in _MACS


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _group(group: NamedGroup) -> str:
    return group.label.upper()


def _scheme(scheme: SignatureScheme, top: int) -> str:
    """The name of a scheme; before TLS 1.3 ECDSA's are not bound to a curve."""
    name = _SCHEMES[scheme]
    bound = top < ProtocolVersion.TLS1_3.rank and name.startswith("ECDSA-SECP")
    return f"ECDSA-{name.rpartition('-')[2]}" if bound else name


def _switches(shape: Shape) -> Iterator[str]:
    if not shape.sends(ExtensionType.SESSION_TICKET):
        yield "%NO_TICKETS"
    if not shape.sends(ExtensionType.ENCRYPT_THEN_MAC):
        yield "%NO_ETM"
    if shape.top >= ProtocolVersion.TLS1_3.rank and not shape.session_id:
        yield "%DISABLE_TLS13_COMPAT_MODE"


def shape_sent(shape: Shape) -> Shape:
    """The lists that the priority string makes GnuTLS send: every suite that its parts can make."""
    facts = [facts_of(suite) for suite in _known(shape)]
    ciphers = _order((f.cipher, f.mode) for f in facts)
    macs = _order(f.mac for f in facts)
    keys = _order((f.key_exchange, f.authentication) for f in facts if f.key_exchange != "TLS13")
    made = [suite for suite in CipherSuite if _is_made(facts_of(suite), ciphers, macs, keys, shape)]

    def place(suite: CipherSuite) -> tuple[int, int, int]:
        """GnuTLS goes through key exchanges, then ciphers, then MACs; TLS 1.3 comes first."""
        f = facts_of(suite)
        key = keys.get((f.key_exchange, f.authentication), -1)
        return key, ciphers[f.cipher, f.mode], macs[f.mac]

    return replace(
        shape,
        cipher_suites=tuple(sorted(made, key=place)),
        versions=tuple(v for v in shape.versions if v.rank in _VERSIONS),
        groups=_groups_sent(shape, curves=any(key[0] == "ECDHE" for key in keys)),
        schemes=tuple(scheme for scheme in shape.schemes or () if scheme in _SCHEMES),
    )


def _groups_sent(shape: Shape, *, curves: bool) -> tuple[NamedGroup, ...]:
    """The groups in the order of the string; finite fields first where no suite needs a curve."""
    groups = [group for group in shape.groups or () if group in _GROUPS]
    if not curves and shape.older_suites:
        groups.sort(key=lambda group: not group.finite_field)
    return tuple(groups)


def _order(entries: Iterable[Key]) -> dict[Key, int]:
    """Where each entry stands among the different ones."""
    return {entry: index for index, entry in enumerate(dict.fromkeys(entries))}


def _is_made(
    facts: SuiteFacts,
    ciphers: Container[tuple[str, str]],
    macs: Container[str],
    keys: Container[tuple[str, str]],
    shape: Shape,
) -> bool:
    if (facts.cipher, facts.mode) not in ciphers or facts.mac not in macs:
        return False
    if facts.export or facts.suite.label.endswith(("_OLD", "_FIPS")):
        return False
    if facts.key_exchange == "TLS13":
        return shape.top >= ProtocolVersion.TLS1_3.rank
    fits = facts.first_version.rank <= shape.top and shape.bottom < ProtocolVersion.TLS1_3.rank
    return fits and (facts.key_exchange, facts.authentication) in keys


def _judging(wish: Wanted, host: str) -> tuple[str, ...]:
    """Refuse a certificate where the client did."""
    return ("--verify-hostname", host) if wish.judges else ("--insecure",)


def _notes(wish: Wanted, host: str) -> Iterator[str]:
    yield "GnuTLS offers every suite that the parts of the string make, in an order of its own"
    yield (
        "it judges the certificate, as the client did; roots of its own with --x509cafile"
        if wish.judges
        else f"without --insecure it judges the certificate; add --verify-hostname {host}"
    )
    if wish.proxy:
        yield "gnutls-cli knows no proxy: this goes to the target itself"
    if wish.starttls and wish.starttls not in _STARTTLS:
        yield f"gnutls-cli does not speak {wish.starttls}: this starts with TLS at once"

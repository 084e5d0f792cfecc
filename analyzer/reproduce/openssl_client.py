"""The ``openssl s_client`` command that offers what a client offered.

What it sends was read off OpenSSL 3.0 (``ssl/statem/extensions.c``, ``ssl/t1_lib.c``); a test runs
the commands and holds :func:`shape_sent` to what came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from analyzer.diagnosis.reaching import STARTTLS
from analyzer.reproduce.openssl_names import (
    GROUPS_SINCE,
    OLDEST,
    VERSIONS,
    Release,
    group_fits,
    group_name,
    scheme_fits,
    scheme_name,
    suite_fits,
    suite_name,
)
from analyzer.reproduce.recipe import Recipe, Wanted
from analyzer.reproduce.shape import Shape, differences
from analyzer.reproduce.shell import command
from analyzer.tls.registry.code_points import ExtensionType, ProtocolVersion
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.registry.suites import CipherSuite

_E = ExtensionType
_TLS12, _TLS13 = ProtocolVersion.TLS1_2.rank, ProtocolVersion.TLS1_3.rank
_FRAGMENTS: Final = {1: "512", 2: "1024", 3: "2048", 4: "4096"}  # RFC 6066 section 4
# Those that weak suites and old versions need; OpenSSL's own level is 1, distributions set 2.
_ANY_STRENGTH: Final = "@SECLEVEL=0"


def openssl_client(wish: Wanted, release: Release = OLDEST) -> Recipe:
    """Write the command for a connection."""
    shape = _writable(wish)
    words = command(
        ("openssl", "s_client", "-connect", wish.address),
        ("-proxy", wish.proxy) if wish.proxy else (),
        ("-starttls", STARTTLS[wish.starttls]) if wish.starttls else (),
        ("-servername", wish.server_name) if wish.server_name else ("-noservername",),
        _versions(shape),
        *_suites(shape),
        *_lists(shape, release),
        ("-alpn", ",".join(wish.alpn)) if wish.alpn else (),
        _switches(wish, shape),
        ("-cert", "client.pem", "-key", "client.key") if wish.client_certificate else (),
        _judging(wish),
    )
    sent = shape_sent(shape, release)
    return Recipe(
        tool="openssl-client",
        title="openssl s_client, offering what the client offered",
        command=words,
        notes=(*wish.notes, *_notes(wish, shape, release)),
        unlike=differences(wish.shape, sent),
        shape=sent,
    )


def _writable(wish: Wanted) -> Shape:
    """The shape with names that can stand on a command line, of versions that OpenSSL has."""
    known = tuple(v for v in wish.shape.versions if v.rank in VERSIONS)
    return replace(
        wish.shape,
        versions=known or (ProtocolVersion.TLS1_2,),
        server_name=wish.server_name,
        alpn=wish.alpn,
    )


def _versions(shape: Shape) -> tuple[str, ...]:
    return (
        *("-min_protocol", VERSIONS[shape.bottom]),
        *("-max_protocol", VERSIONS[shape.top]),
    )


def _suites(shape: Shape) -> Iterator[tuple[str, ...]]:
    """Older suites need a list even when there are none, for the level of strength."""
    older = [name for suite in shape.older_suites if (name := suite_name(suite))]
    yield ("-cipher", ":".join([*(older or ["ALL"]), _ANY_STRENGTH]))
    newer = [name for suite in _newer(shape) if (name := suite_name(suite))]
    if shape.top >= _TLS13 and newer:
        yield ("-ciphersuites", ":".join(newer))


def _newer(shape: Shape) -> list[CipherSuite]:
    """The five suites of RFC 8446; an unknown one would stop the command."""
    return [suite for suite in shape.tls13_suites if suite.value <= 0x1305]


def _lists(shape: Shape, release: Release) -> Iterator[tuple[str, ...]]:
    groups = [name for g in shape.groups or () if (name := group_name(g, release))]
    if groups:
        yield ("-groups", ":".join(groups))
    schemes = [name for s in shape.schemes or () if (name := scheme_name(s, release))]
    if schemes and shape.top >= _TLS12:
        yield ("-sigalgs", ":".join(schemes))


def _switches(wish: Wanted, shape: Shape) -> tuple[str, ...]:
    """Options without a list: what the client does that OpenSSL does not by itself, or not."""
    words = [
        word
        for kind, word in (
            (_E.SESSION_TICKET, "-no_ticket"),
            (_E.ENCRYPT_THEN_MAC, "-no_etm"),
        )
        if not shape.sends(kind)
    ]
    if shape.sends(_E.STATUS_REQUEST):
        words.append("-status")
    if shape.sends(_E.POST_HANDSHAKE_AUTH) and shape.top >= _TLS13:
        words.append("-enable_pha")
    if shape.top >= _TLS13 and not shape.session_id:
        words.append("-no_middlebox")
    if CipherSuite.TLS_FALLBACK_SCSV in shape.signals:
        words.append("-fallback_scsv")
    fragment = wish.story.offers[0].body(_E.MAX_FRAGMENT_LENGTH)
    if fragment and fragment[0] in _FRAGMENTS:
        words += ["-maxfraglen", _FRAGMENTS[fragment[0]]]
    return tuple(words)


def _judging(wish: Wanted) -> tuple[str, ...]:
    """Refuse a certificate where the client did; s_client by itself goes on."""
    if not wish.judges:
        return ()
    name = ("-verify_hostname", wish.server_name) if wish.server_name else ()
    return ("-verify_return_error", *name)


def _notes(wish: Wanted, shape: Shape, release: Release) -> Iterator[str]:
    if wish.client_certificate:
        leaf = wish.story.client_chain.leaf if wish.story.client_chain else None
        whose = f" of {leaf.subject}" if leaf else ""
        yield f"put the client's certificate{whose} into client.pem and its key into client.key"
    elif wish.client_certificate is None:
        yield "whether the client showed a certificate is encrypted; if so, add -cert and -key"
    if wish.judges:
        yield "it judges the certificate, as the client did; roots of its own with -CAfile roots.pem"
    else:
        yield (
            "s_client goes on whatever certificate it gets; to refuse as a client does, add "
            f"-CAfile roots.pem -verify_return_error -verify_hostname {wish.server_name or 'NAME'}"
        )
    later = [
        g.label for g in shape.groups or () if g in GROUPS_SINCE and not group_name(g, release)
    ]
    if later:
        yield (
            f"{', '.join(later)}: newer than OpenSSL {release[0]}.{release[1]}; where yours knows it, "
            "ask with --openssl 3.5"
        )
    if shape.bottom < _TLS12:
        yield "versions before TLS 1.2 may be built out of your OpenSSL; it says so then"
    if any("PSK" in (facts_of(suite).key_exchange) for suite in shape.older_suites):
        yield "suites with pre-shared keys are offered only with -psk and -psk_identity"


def shape_sent(shape: Shape, release: Release = OLDEST) -> Shape:
    """The ClientHello that ``openssl s_client`` sends by the options made from ``shape``."""
    older = tuple(s for s in shape.older_suites if suite_fits(s, shape.top))
    older = older if shape.bottom < _TLS13 else ()
    newer = tuple(_newer(shape)) if shape.top >= _TLS13 else ()
    versions = tuple(
        ProtocolVersion(value) for value in sorted(VERSIONS, reverse=True)
        if max(shape.bottom, 0x0301) <= value <= shape.top
    )  # fmt: skip
    curves = bool(newer) or any(facts_of(s).key_exchange.startswith("ECDH") for s in older)
    groups = tuple(
        g
        for g in shape.groups or ()
        if group_name(g, release) and group_fits(g, shape.bottom, shape.top)
    )
    shareable = [g for g in groups if group_fits(g, _TLS13, _TLS13)]
    schemes = tuple(
        s for s in shape.schemes or () if scheme_name(s, release) and scheme_fits(s, shape.bottom)
    )
    sent = replace(
        shape,
        versions=versions,
        cipher_suites=newer + older,
        signals=shape.signals | {CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV},
        groups=groups if curves else None,
        key_shares=tuple(shareable[:1]) if shape.top >= _TLS13 else (),
        schemes=schemes if shape.top >= _TLS12 else None,
        session_id=shape.session_id and shape.top >= _TLS13,
        compressions=(0,),
        listed=shape.top >= _TLS13,
        grease=False,
        resumes=False,
    )
    return replace(sent, extensions=tuple(_extensions(shape, sent, curves=curves)))


def _extensions(shape: Shape, sent: Shape, *, curves: bool) -> Iterator[ExtensionType]:
    """The extensions in OpenSSL's order."""
    tls13, tls12 = shape.top >= _TLS13, shape.top >= _TLS12
    rows = (
        (_E.SERVER_NAME, sent.server_name is not None),
        (_E.MAX_FRAGMENT_LENGTH, shape.sends(_E.MAX_FRAGMENT_LENGTH)),
        (_E.EC_POINT_FORMATS, curves),
        (_E.SUPPORTED_GROUPS, curves),
        (_E.SESSION_TICKET, shape.sends(_E.SESSION_TICKET)),
        (_E.STATUS_REQUEST, shape.sends(_E.STATUS_REQUEST)),
        (_E.APPLICATION_LAYER_PROTOCOL_NEGOTIATION, bool(sent.alpn)),
        (_E.ENCRYPT_THEN_MAC, shape.sends(_E.ENCRYPT_THEN_MAC)),
        (_E.EXTENDED_MASTER_SECRET, True),
        (_E.POST_HANDSHAKE_AUTH, tls13 and shape.sends(_E.POST_HANDSHAKE_AUTH)),
        (_E.SIGNATURE_ALGORITHMS, tls12),
        (_E.SUPPORTED_VERSIONS, tls13),
        (_E.PSK_KEY_EXCHANGE_MODES, tls13),
        (_E.KEY_SHARE, tls13),
    )
    return (kind for kind, present in rows if present)

"""The ``openssl s_server`` command that answers as a server did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.reproduce.openssl_names import (
    OLDEST,
    VERSIONS,
    Release,
    group_name,
    scheme_name,
    suite_name,
)
from analyzer.reproduce.recipe import Recipe, Wanted
from analyzer.reproduce.shape import Difference
from analyzer.reproduce.shell import command, protocol_name
from analyzer.tls.registry.code_points import AlertLevel, CodePoint, ExtensionType, is_grease
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.story import Milestone, Story
from analyzer.tls.x509.chain import CertificateFacts

_E = ExtensionType
# What s_server answers by itself, by option, or never; only the last are differences.
_ANSWERS: Final = frozenset(
    {_E.SERVER_NAME, _E.SUPPORTED_VERSIONS, _E.KEY_SHARE, _E.RENEGOTIATION_INFO}
    | {_E.EXTENDED_MASTER_SECRET, _E.ENCRYPT_THEN_MAC, _E.EC_POINT_FORMATS, _E.SESSION_TICKET}
    | {_E.APPLICATION_LAYER_PROTOCOL_NEGOTIATION, _E.STATUS_REQUEST, _E.MAX_FRAGMENT_LENGTH}
    | {_E.COOKIE}
)
_KINDS: Final = {"Ed25519": "ed25519", "Ed448": "ed448"}


def openssl_server(wish: Wanted, release: Release = OLDEST) -> Recipe:
    """Write the command for a connection; the port is left to ``-accept``."""
    story = wish.story
    words = command(
        ("openssl", "s_server", "-accept", "4433"),
        ("-cert", "server.pem", "-key", "server.key", *_chain(story)),
        _versions(story),
        _suites(story),
        _groups(story, release),
        _signature(story, release),
        ("-alpn", story.alpn) if story.alpn and protocol_name(story.alpn) else (),
        _switches(story),
        _asks(story),
        ("-www",),
    )
    return Recipe(
        tool="openssl-server",
        title="openssl s_server, answering as the server answered",
        command=words,
        before="\n".join(command(words) for words in _stand_ins(wish)),
        notes=tuple(_notes(story)),
        unlike=tuple(_unlike(story)),
    )


def _chain(story: Story) -> tuple[str, ...]:
    several = story.server_chain is not None and len(story.server_chain.certificates) > 1
    return ("-cert_chain", "chain.pem") if several else ()


def _versions(story: Story) -> tuple[str, ...]:
    if story.choice is None or story.choice.version.rank not in VERSIONS:
        return ()
    name = VERSIONS[story.choice.version.rank]
    return ("-min_protocol", name, "-max_protocol", name)


def _suites(story: Story) -> tuple[str, ...]:
    if story.choice is None:
        return ()
    name = suite_name(story.choice.cipher_suite)
    if story.tls13:
        return ("-ciphersuites", name or "TLS_AES_128_GCM_SHA256")
    return ("-cipher", f"{name or 'ALL'}:@SECLEVEL=0")


def _groups(story: Story, release: Release) -> tuple[str, ...]:
    """The group that was chosen; a retry means that the client's own first choice was not taken."""
    chosen = story.choice.group if story.choice else None
    if chosen is None and story.server_key_exchange is not None:
        chosen = story.server_key_exchange.group
    if chosen is None and story.retry is not None:
        chosen = story.retry.group
    name = group_name(chosen, release) if isinstance(chosen, NamedGroup) else None
    return ("-groups", name) if name else ()


def _signature(story: Story, release: Release) -> tuple[str, ...]:
    scheme = story.server_key_exchange.signature_scheme if story.server_key_exchange else None
    name = scheme_name(scheme, release) if isinstance(scheme, SignatureScheme) else None
    return ("-sigalgs", name) if name else ()


def _switches(story: Story) -> tuple[str, ...]:
    words: list[str] = []
    choice = story.choice
    if choice is not None and not story.tls13:
        if not choice.session_ticket:
            words.append("-no_ticket")
        if not choice.encrypt_then_mac:
            words.append("-no_etm")
    if _dh_bits(story):
        words += ["-dhparam", "dh.pem"]
    if story.staple is not None:
        words += ["-status_file", "staple.der"]
    return tuple(words)


def _asks(story: Story) -> tuple[str, ...]:
    """Ask for the client's certificate where the server did; insist where it then refused."""
    if not story.reached(Milestone.CERTIFICATE_REQUEST):
        return ()
    refused = any(alert.fatal and alert.sender.value == "server" for alert in story.alerts)
    how = "-Verify" if refused else "-verify"
    return (how, "5", "-verify_return_error", "-CAfile", "client-roots.pem")


def _stand_ins(wish: Wanted) -> Iterator[tuple[str, ...]]:
    """Commands that make the files: without one of them the server does not start, or refuses."""
    story = wish.story
    leaf = story.server_chain.leaf if story.server_chain else None
    name = wish.server_name or "server.example"
    yield (
        *("openssl", "req", "-x509", "-nodes", "-days", "30", *_key(leaf)),
        *("-subj", "/CN=server", "-addext", f"subjectAltName=DNS:{name}"),
        *("-keyout", "server.key", "-out", "server.pem"),
    )
    if _chain(story):
        yield ("cp", "server.pem", "chain.pem")
    if _asks(story):
        yield ("cp", "server.pem", "client-roots.pem")
    if bits := _dh_bits(story):
        yield ("openssl", "dhparam", "-out", "dh.pem", str(bits))
    if story.staple is not None:
        ocsp, issuer = ("openssl", "ocsp"), ("-issuer", "server.pem", "-cert", "server.pem")
        signer = ("-CA", "server.pem", "-rsigner", "server.pem", "-rkey", "server.key")
        yield (*ocsp, *issuer, "-reqout", "ask.der")
        yield (*ocsp, "-index", "/dev/null", *signer, "-reqin", "ask.der", "-respout", "staple.der")


def _dh_bits(story: Story) -> int | None:
    return story.server_key_exchange.dh_bits if story.server_key_exchange else None


def _key(leaf: CertificateFacts | None) -> tuple[str, ...]:
    """Options for a key like that of the certificate: the kind decides about suites."""
    if leaf is None or leaf.key_kind is None:
        return ("-newkey", "rsa:2048")
    if leaf.key_kind == "EC":
        curve = leaf.curve or "secp256r1"
        known = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
        return ("-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{known.get(curve, 'P-256')}")
    if leaf.key_kind in _KINDS:
        return ("-newkey", _KINDS[leaf.key_kind])
    return ("-newkey", f"rsa:{leaf.key_bits or 2048}")


def _notes(story: Story) -> Iterator[str]:
    refusal = next((a for a in story.alerts if a.fatal and a.sender.value == "server"), None)
    if story.choice is None:
        words = (
            f"it answered with the alert {refusal.description.label}"
            if refusal is not None
            and isinstance(refusal.description, CodePoint)
            and refusal.level is AlertLevel.FATAL
            else "it did not answer"
        )
        yield (
            f"the server chose nothing ({words}), so its settings are not on the wire: this command "
            "takes what OpenSSL takes; set -min_protocol, -cipher and -groups to what you suspect"
        )
    yield "the server's key is not in a capture: use the server's own files, or the stand-in"
    if story.server_chain is not None:
        yield "the certificates themselves are in the capture: 'certs FILE --export DIR' writes them"
    if bits := _dh_bits(story):
        yield f"its Diffie-Hellman prime has {bits} bits"
    if story.staple is not None:
        yield "put the OCSP answer that it stapled into staple.der"
    if story.reached(Milestone.CERTIFICATE_REQUEST):
        yield "put the authorities that it takes client certificates from into client-roots.pem"


def _unlike(story: Story) -> Iterator[Difference]:
    if story.prelude is not None and story.prelude.protocol != "http connect":
        words = f"it starts with TLS at once, without {story.prelude.protocol}"
        yield Difference("starttls", words)
    choice = story.choice
    if choice is None:
        return
    if suite_name(choice.cipher_suite) is None:
        label = choice.cipher_suite.label
        yield Difference("cipher_suites", f"OpenSSL of today does not have {label}")
    other = [
        kind.label
        for kind in choice.extension_types
        if kind not in _ANSWERS and not is_grease(kind.value)
    ]
    if other:
        yield Difference("extensions", f"it does not answer {', '.join(other)}")
    if story.resumed:
        yield Difference("resumption", "the server resumed a session; this one starts a new one")

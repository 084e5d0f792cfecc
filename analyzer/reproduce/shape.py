"""What of a ClientHello can be imitated, as one value; and how two of them differ.

A tool's module says which shape its command will send. The differences between that and the shape
of the capture are what the command cannot imitate; a test runs the commands and holds them to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from analyzer.tls.message.client_hello import ClientHello
from analyzer.tls.registry.code_points import CodePoint, ExtensionType, ProtocolVersion
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suites import CipherSuite

Point = TypeVar("Point", bound=CodePoint)
_E = ExtensionType
SIGNALS: Final = frozenset(
    {CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV, CipherSuite.TLS_FALLBACK_SCSV}
)
_LISTED_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """A ClientHello without its random parts. GREASE and the two signals are kept apart."""

    versions: tuple[ProtocolVersion, ...]
    cipher_suites: tuple[CipherSuite, ...]
    signals: frozenset[CipherSuite]
    groups: tuple[NamedGroup, ...] | None  # None: the tool's own list, or none was sent
    key_shares: tuple[NamedGroup, ...]
    schemes: tuple[SignatureScheme, ...] | None  # None: as for groups
    alpn: tuple[str, ...]
    server_name: str | None
    extensions: tuple[ExtensionType, ...]  # in the order sent
    session_id: bool
    compressions: tuple[int, ...] = (0,)
    grease: bool = False
    resumes: bool = False  # a ticket, a pre-shared key or early data
    # Whether all versions are named; else the highest only is, and the rest guessed.
    listed: bool = True

    @property
    def top(self) -> int:
        """The highest version, as rank."""
        return max((version.rank for version in self.versions), default=0)

    @property
    def bottom(self) -> int:
        """The lowest version, as rank."""
        return min((version.rank for version in self.versions), default=0)

    @property
    def tls13_suites(self) -> tuple[CipherSuite, ...]:
        """The suites of TLS 1.3."""
        return tuple(suite for suite in self.cipher_suites if _is_tls13(suite))

    @property
    def older_suites(self) -> tuple[CipherSuite, ...]:
        """The suites of TLS 1.2 and before."""
        return tuple(suite for suite in self.cipher_suites if not _is_tls13(suite))

    def sends(self, kind: ExtensionType) -> bool:
        """Whether the extension is part of it."""
        return kind in self.extensions


def _is_tls13(suite: CipherSuite) -> bool:
    return suite.value >> 8 == 0x13  # RFC 8446 appendix B.4


def shape_of(hello: ClientHello) -> Shape:
    """Take the shape of a ClientHello."""
    suites = [suite for suite in hello.cipher_suites if not suite.grease]
    versions = [v for v in hello.versions if v.rank]
    return Shape(
        versions=tuple(versions),
        cipher_suites=tuple(suite for suite in suites if suite not in SIGNALS),
        signals=frozenset(suites) & SIGNALS,
        groups=_without_grease(hello.supported_groups)
        if hello.offers(_E.SUPPORTED_GROUPS)
        else None,
        key_shares=_without_grease(hello.key_share_groups),
        schemes=_without_grease(hello.signature_algorithms)
        if hello.offers(_E.SIGNATURE_ALGORITHMS)
        else None,
        alpn=tuple(name for name in hello.alpn if not _is_grease_name(name)),
        server_name=hello.server_name,
        extensions=_without_grease(hello.extension_types),
        session_id=bool(hello.legacy_session_id),
        compressions=tuple(method.value for method in hello.compression_methods),
        grease=hello.grease,
        listed=bool(hello.supported_versions),
        resumes=hello.psk_offered or hello.session_ticket_nonempty or hello.early_data,
    )


def _without_grease(points: tuple[Point, ...]) -> tuple[Point, ...]:
    return tuple(point for point in points if not point.grease)


def _is_grease_name(name: str) -> bool:
    """RFC 8701 section 2: the same byte twice, of the form 0x?A."""
    return len(name) == 8 and name[:4] == name[4:] and name.startswith("\\x") and name[3] == "a"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a command does otherwise than the capture's client; ``part`` is a name."""

    part: str
    text: str


def differences(captured: Shape, sent: Shape) -> tuple[Difference, ...]:
    """Say in what ``sent`` differs from ``captured``, the weightier first."""
    return tuple(_differences(captured, sent))


def _differences(captured: Shape, sent: Shape) -> Iterator[Difference]:
    if _versions(captured, sent) != _versions(sent, captured):
        yield _lists("versions", "versions", captured.versions, sent.versions)
    if captured.cipher_suites != sent.cipher_suites:
        yield _lists("cipher_suites", "suites", captured.cipher_suites, sent.cipher_suites)
    if captured.groups != sent.groups:
        yield _optional("groups", "groups", captured.groups, sent.groups)
    if captured.schemes != sent.schemes:
        words = "signature algorithms"
        yield _optional("signature_algorithms", words, captured.schemes, sent.schemes)
    if captured.key_shares != sent.key_shares:
        yield _lists("key_shares", "key shares", captured.key_shares, sent.key_shares)
    if captured.server_name != sent.server_name:
        words = f"names {sent.server_name}" if sent.server_name else "sends no server name"
        yield Difference("server_name", f"it {words}, the client {captured.server_name or 'none'}")
    if captured.alpn != sent.alpn:
        yield Difference("alpn", _sets("ALPN names", captured.alpn, sent.alpn))
    yield from _rest(captured, sent)


def _versions(shape: Shape, other: Shape) -> tuple[int, ...]:
    """The versions that can be compared: the highest, where one of the two names no more."""
    named = shape.listed and other.listed
    return tuple(version.rank for version in shape.versions) if named else (shape.top,)


def _rest(captured: Shape, sent: Shape) -> Iterator[Difference]:
    """What servers seldom decide by."""
    mine, its = frozenset(captured.extensions), frozenset(sent.extensions)
    if mine != its:
        yield _lists("extensions", "extensions", captured.extensions, sent.extensions)
    if [e for e in captured.extensions if e in its] != [e for e in sent.extensions if e in mine]:
        yield Difference("extension_order", "it sends the extensions in its own order")
    if captured.signals != sent.signals:
        words = _sets("signals", sorted(captured.signals), sorted(sent.signals))
        yield Difference("signals", words)
    if captured.grease and not sent.grease:
        yield Difference("grease", "it sends no GREASE (RFC 8701)")
    if captured.resumes and not sent.resumes:
        yield Difference("resumption", "it starts a new session; the client offered to resume one")
    if captured.session_id != sent.session_id:
        words = "sends a session id, the client none" if sent.session_id else "sends no session id"
        yield Difference("session_id", f"it {words}")
    if captured.compressions != sent.compressions:
        yield Difference("compression", "it offers other compression methods than the client")


def _optional(
    part: str, words: str, captured: tuple[Point, ...] | None, sent: tuple[Point, ...] | None
) -> Difference:
    if sent is None:
        return Difference(part, f"{words}: it sends its own default, or none")
    if captured is None:
        return Difference(part, f"{words}: it sends a list, the client sent none")
    return _lists(part, words, captured, sent)


def _lists(
    part: str, words: str, captured: tuple[Point, ...], sent: tuple[Point, ...]
) -> Difference:
    return Difference(part, _sets(words, captured, sent))


def _sets(words: str, captured: object, sent: object) -> str:
    """Say what is left out and what is added; or that only the order differs."""
    mine, its = _named(captured), _named(sent)
    lost = [name for name in mine if name not in its]
    added = [name for name in its if name not in mine]
    if not lost and not added:
        return f"{words}: the order differs"
    parts = [f"left out: {_some(lost)}"] if lost else []
    parts += [f"added: {_some(added)}"] if added else []
    return f"{words}: {'; '.join(parts)}"


def _named(points: object) -> list[str]:
    assert isinstance(points, (tuple, list))
    return [point.label if isinstance(point, CodePoint) else str(point) for point in points]


def _some(names: list[str]) -> str:
    more = len(names) - _LISTED_MOST
    return ", ".join(names[:_LISTED_MOST]) + (f" and {more} more" if more > 0 else "")


# What a tool with fewer options than OpenSSL's decides by itself.
HABITS: Final = frozenset(
    {"key_shares", "extensions", "extension_order", "signals", "grease", "resumption"}
    | {"session_id", "compression"}
)


def rough_differences(captured: Shape, sent: Shape, tool: str) -> tuple[Difference, ...]:
    """As :func:`differences`, for a tool whose other habits are not followed here."""
    known = [d for d in differences(captured, sent) if d.part not in HABITS]
    words = (
        f"extensions and their order, key shares, session id and signals are those of {tool}, and "
        "it sends no GREASE"
    )
    return (*known, Difference("habits", words))

"""What a server sends after its hello apart from certificates and keys.

EncryptedExtensions is visible with keys only; NewSessionTicket also in clear, up to TLS 1.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from analyzer.errors import DecodeError, Defect
from analyzer.tls.message import extension_bodies as bodies
from analyzer.tls.message.extensions import (
    Extension,
    decode_extensions,
    first_bodies,
    lenient,
    read_groups,
)
from analyzer.tls.registry.code_points import ExtensionType
from analyzer.tls.registry.keys import NamedGroup
from analyzer.tls.wire import Reader, printable

_NO_NAMES: Final[tuple[str, ...]] = ()
_NO_GROUPS: Final[tuple[NamedGroup, ...]] = ()
_names = lenient(bodies.read_names, _NO_NAMES)
_groups = lenient(read_groups, _NO_GROUPS)
_E = ExtensionType


@dataclass(frozen=True, slots=True)
class EncryptedExtensions:
    """The rest of a TLS 1.3 server's answer."""

    extensions: tuple[Extension, ...] = ()
    _bodies: Mapping[int, bytes] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_bodies", first_bodies(self.extensions))

    @property
    def extension_types(self) -> tuple[ExtensionType, ...]:
        """The types of the extensions, in the order sent."""
        return tuple([extension.type for extension in self.extensions])

    def body(self, kind: ExtensionType) -> bytes | None:
        """The body of the first extension of a type."""
        return self._bodies.get(kind)

    @property
    def alpn(self) -> str | None:
        """The application protocol chosen."""
        names = _names(self._bodies.get(_E.APPLICATION_LAYER_PROTOCOL_NEGOTIATION))
        return names[0] if names else None

    @property
    def server_name_acknowledged(self) -> bool:
        """Whether the server says that it used the client's SNI."""
        return _E.SERVER_NAME in self._bodies

    @property
    def early_data_accepted(self) -> bool:
        """Whether the server took the client's early data."""
        return _E.EARLY_DATA in self._bodies

    @property
    def supported_groups(self) -> tuple[NamedGroup, ...]:
        """Groups that the server would have preferred, for the client's next time."""
        return _groups(self._bodies.get(_E.SUPPORTED_GROUPS))

    @property
    def ech_rejected(self) -> bool:
        """Whether the server sends new keys for Encrypted Client Hello: it could not use the offer."""
        return _E.ENCRYPTED_CLIENT_HELLO in self._bodies


def decode_encrypted_extensions(body: bytes) -> tuple[EncryptedExtensions, Defect | None]:
    """Decode ``struct { Extension extensions<0..2^16-1>; }`` (RFC 8446 section 4.3.1)."""
    extensions, defect = decode_extensions(Reader.over(body, "encrypted_extensions"))
    return EncryptedExtensions(extensions), defect


@dataclass(frozen=True, slots=True)
class NewSessionTicket:
    """A ticket to resume with. ``lifetime`` in seconds; an empty ticket takes the promise back."""

    lifetime: int
    ticket_length: int
    max_early_data: int | None = None  # bytes; None where early data is not allowed


def decode_new_session_ticket(
    body: bytes, version: str
) -> tuple[NewSessionTicket | None, Defect | None]:
    """Decode a NewSessionTicket (RFC 5077 section 3.3, RFC 8446 section 4.6.1).

    ::

        struct {
            uint32 ticket_lifetime_hint;
            opaque ticket<0..2^16-1>;
        } NewSessionTicket;  // up to TLS 1.2

        struct {
            uint32 ticket_lifetime;
            uint32 ticket_age_add;
            opaque ticket_nonce<0..255>;
            opaque ticket<1..2^16-1>;
            Extension extensions<0..2^16-2>;
        } NewSessionTicket;  // TLS 1.3
    """
    reader = Reader.over(body, "new_session_ticket")
    late = version.startswith("TLSv1.3")
    try:
        lifetime = reader.uint(4, "ticket_lifetime")
        if late:
            reader.uint(4, "ticket_age_add")
            reader.opaque(1, "ticket_nonce")
        ticket = len(reader.opaque(2, "ticket"))
        if not late:
            reader.done()
    except DecodeError as error:
        return None, error.defect
    if not late:
        return NewSessionTicket(lifetime, ticket), None
    extensions, defect = decode_extensions(reader)
    early = first_bodies(extensions).get(_E.EARLY_DATA)
    most = int.from_bytes(early, "big") if early is not None and len(early) == 4 else None
    return NewSessionTicket(lifetime, ticket, most), defect


def decode_next_protocol(body: bytes) -> tuple[str | None, Defect | None]:
    """Decode NextProtocol, by which a client answers NPN: the protocol, then padding."""
    reader = Reader.over(body, "next_protocol")
    try:
        protocol = reader.opaque(1, "selected_protocol")
        reader.opaque(1, "padding")
        reader.done()
    except DecodeError as error:
        return None, error.defect
    return printable(protocol), None

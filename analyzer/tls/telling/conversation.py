"""What a walk over the records of both sides finds, and keeps in mind to go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from analyzer.errors import Defect
from analyzer.tcp.timeline import Side
from analyzer.tls.message.hello import ClientHello, ServerHello
from analyzer.tls.record.records import Record
from analyzer.tls.story import Alert, Begun, Message, Visibility
from analyzer.tls.telling.handshake import HandshakeTracker

if TYPE_CHECKING:
    from analyzer.tls.decryption.decrypt import Decryptor

# Zeek's letters for ssl_history; what is encrypted has none unless keys opened it.
LETTERS: Final[Mapping[str, str]] = {
    "hello_request": "H",
    "client_hello": "C",
    "server_hello": "S",
    "hello_retry_request": "J",
    "hello_verify_request": "V",
    "new_session_ticket": "T",
    "certificate": "X",
    "server_key_exchange": "K",
    "certificate_request": "R",
    "server_hello_done": "N",
    "certificate_verify": "Y",
    "client_key_exchange": "G",
    "finished": "F",
    "certificate_url": "W",
    "certificate_status": "U",
    "supplemental_data": "A",
    "change_cipher_spec": "I",
    "heartbeat": "B",
    "end_of_early_data": "E",
    "encrypted_extensions": "O",
    "key_update": "P",
    "message_hash": "M",
    "alert": "L",
}
UNASSIGNED: Final = "Z"


@dataclass(slots=True)
class Sender:
    """What the walk knows of one side."""

    switched: bool = False  # sent ChangeCipherSpec
    pending: bytearray = field(default_factory=bytearray)  # handshake bytes without a whole message
    pending_first: int = 0  # frame that began them
    finished: bool = False  # sent its first encrypted handshake record
    spoke: bool = False  # sent application data
    closed: list[int] = field(default_factory=list)  # frames of TLS 1.3 records that stay closed


@dataclass(slots=True)
class Conversation:
    """What the walk over both sides' records found."""

    messages: list[Message] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    offers: list[ClientHello] = field(default_factory=list)
    retry: ServerHello | None = None
    choice: ServerHello | None = None
    tls13: bool = False  # chosen by ServerHello or a HelloRetryRequest
    sealed: list[Record] = field(default_factory=list)  # TLS 1.3, type 23 from ServerHello on
    early: list[Record] = field(default_factory=list)  # type 23 before ServerHello
    defects: list[tuple[str, Defect, int]] = field(default_factory=list)
    begun: list[Begun] = field(default_factory=list)
    tracker: HandshakeTracker = field(default_factory=HandshakeTracker)
    renegotiations: int = 0
    full: bool = False  # limits.messages was reached
    decryptor: Decryptor | None = None  # where secrets are at hand
    sides: dict[Side, Sender] = field(
        default_factory=lambda: {Side.CLIENT: Sender(), Side.SERVER: Sender()}
    )

    def choose(self, hello: ServerHello) -> None:
        """Take note of the server's choice, or of its wish for another hello."""
        if hello.is_hello_retry_request:
            self.retry = self.retry or hello
        else:
            self.choice = hello
        self.tls13 = (self.choice or hello).version.tls13

    def signature(self, most: int) -> str:
        """The handshake in one word: a letter per clear message, upper case from the client."""
        return "".join([message.letter for message in self.messages])[:most]

    def note(self, name: str, record: Record, visibility: Visibility | None = None) -> None:
        """Write down a record that is no handshake message."""
        visibility = visibility or visibility_of(record)
        letter = "" if visibility is Visibility.INFERRED else LETTERS.get(name, "")
        self.messages.append(
            Message(
                name=name,
                letter=letter if record.sender is Side.CLIENT else letter.lower(),
                sender=record.sender,
                first_frame=record.first_frame,
                frame=record.frame,
                time=record.time,
                length=record.length,
                visibility=visibility,
            )
        )

    def note_data(self, record: Record) -> None:
        """Take application data, or what looks like it: TLS 1.3 hides the rest of a handshake so."""
        if self.tls13 and self.choice is not None and not record.opened:
            self.sealed.append(record)
            self.sides[record.sender].closed.append(record.frame)
        elif self.choice is None and self.offers:
            self.early.append(record)
        elif not self.sides[record.sender].spoke:
            self.sides[record.sender].spoke = True  # the first record of a side is milestone enough
            known = Visibility.DECRYPTED if record.opened else Visibility.INFERRED
            self.note("application_data", record, known)


def visibility_of(record: Record) -> Visibility:
    """How the content of a record is known."""
    return Visibility.DECRYPTED if record.opened else Visibility.SEEN

"""The story of one connection: all that a rule may see.

A story is immutable, and equal evidence gives an equal story. It is built in
:mod:`analyzer.tls.telling.tell`; this module only says what it consists of. Everything carries the frame
that proves it. Where a fact can be unknown, None means "the capture does not show it", never "no".
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from analyzer.errors import Defect
from analyzer.tcp.evidence import Endpoint
from analyzer.tcp.timeline import Side, Timeline
from analyzer.tls.message.certificate import Certificates
from analyzer.tls.message.hello import ClientHello, ServerHello
from analyzer.tls.message.keyexchange import CertificateRequest, ServerKeyExchange
from analyzer.tls.registry.code_points import AlertDescription, AlertLevel
from analyzer.tls.stack import StackGuess, guess_client, guess_server
from analyzer.tls.x509.chain import CertificateFacts, ChainFacts
from analyzer.tls.x509.ocsp import Staple

if TYPE_CHECKING:
    from analyzer.tls.loglines import LogView
    from analyzer.tls.objects import ObjectView


class Visibility(enum.Enum):
    """How we know that a message was sent."""

    __hash__ = object.__hash__  # members are single; the default hashes their names each time

    SEEN = "seen"  # in clear
    DECRYPTED = "decrypted"
    INFERRED = "inferred"  # from record types, lengths and order


class Message(NamedTuple):
    """A handshake message or one of its companions, in order of arrival.

    ``name`` is the IANA name of the handshake type, or ``change_cipher_spec``, ``alert``,
    ``application_data``, ``heartbeat``, ``encrypted_handshake`` (a type 22 record after
    ChangeCipherSpec that is not a first Finished), ``encrypted_record`` (type 23 before the
    handshake is over, reading unknown). ``frame`` is the packet that completed it.
    """

    name: str
    letter: str  # of the signature, upper case from the client; "" where it has none
    sender: Side
    first_frame: int
    frame: int
    time: int  # ns, of ``frame``
    length: int  # bytes of the message body; of the record where it is encrypted
    body: bytes = b""  # empty where encrypted
    visibility: Visibility = Visibility.SEEN
    defect: Defect | None = None


class Begun(NamedTuple):
    """A clear handshake message whose end never came: cut off by its peer, or by the capture."""

    name: str
    sender: Side
    frame: int  # of its beginning
    length: int  # of the body, as its header announces


class Alert(NamedTuple):
    """An alert. Level and description are None where it is encrypted and known by its record only."""

    sender: Side
    frame: int
    time: int
    level: AlertLevel | None
    description: AlertDescription | None
    visibility: Visibility = Visibility.SEEN
    # Another record as short follows: this one may be data, that close_notify.
    doubtful: bool = False

    @property
    def fatal(self) -> bool:
        """Whether the sender gave up, as far as the wire says.

        In TLS 1.3 every alert but close_notify and user_canceled is fatal whatever its level says
        (RFC 8446 section 6); in earlier versions the level counts.
        """
        return self.level is AlertLevel.FATAL and self.description not in _ORDERLY


_ORDERLY = frozenset({AlertDescription.CLOSE_NOTIFY, AlertDescription.USER_CANCELED})


class Opening(enum.Enum):
    """What a direction's first bytes are."""

    __hash__ = object.__hash__  # members are single; the default hashes their names each time

    NOTHING = "nothing"
    TLS = "tls"
    HTTP_REQUEST = "http request"
    HTTP_RESPONSE = "http response"
    HTTP_TLS_EXPECTED = "http response that asks for TLS"  # "plain HTTP request … HTTPS port"
    SSH = "ssh"
    SMTP = "smtp"
    FTP = "ftp"
    IMAP = "imap"
    POP3 = "pop3"
    LDAP = "ldap"
    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    TDS = "tds"
    RDP = "rdp"
    SOCKS = "socks"
    PROXY_PROTOCOL = "proxy protocol"
    XMPP = "xmpp"
    NNTP = "nntp"
    IRC = "irc"
    MQ = "mq"
    TEXT = "text"
    BINARY = "binary"
    UNKNOWN = "unknown"  # the start was not captured

    @property
    def foreign(self) -> bool:
        """Whether these bytes are known, and no TLS."""
        return self not in _NOT_FOREIGN


_NOT_FOREIGN: Final = frozenset({Opening.NOTHING, Opening.TLS, Opening.UNKNOWN})


class PreludeEnd(enum.Enum):
    """How the talk before TLS ended."""

    AGREED = "agreed"  # TLS may start, or started
    REFUSED = "refused"  # the server said no
    NOT_OFFERED = "not offered"  # the server does not list the upgrade, the client left or went on
    OPEN = "open"  # the capture or the connection ends before that was decided


class Sought(enum.Enum):
    """What a client asked for before TLS could start."""

    TLS = "tls"
    LIST = "list"  # what the server can do; then it left
    NOTHING = "nothing"  # the server told that by itself, or that it insists; then the client left


@dataclass(frozen=True, slots=True)
class Prelude:
    """What was agreed in clear before TLS: STARTTLS, CONNECT, SOCKS, PROXY and so on."""

    protocol: str  # "smtp", "http connect", "postgresql" …
    end: PreludeEnd
    frame: int  # of the line or message that decided
    text: str  # that line, printable, shortened: "454 TLS not available"
    target: str | None = None  # host:port asked of a proxy
    sought: Sought = Sought.TLS
    farewell: bool = False  # the client took leave in words: QUIT, LOGOUT, an Attention of TDS
    in_clear: bool = False  # after the refusal both went on without TLS
    answer: Answer | None = None  # to the hello that followed, where it is no TLS
    unused: bool = False  # TLS was agreed on, and the client said nothing any more

    @property
    def tunnel(self) -> bool:
        """Whether a proxy was asked for a way to somebody else."""
        return self.protocol in _TUNNELS


_TUNNELS: Final = frozenset({"http connect", "socks"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said in clear where TLS was due."""

    opening: Opening
    frame: int


@dataclass(frozen=True, slots=True)
class Chain:
    """A Certificate message with its facts, judged at the time of its packet."""

    sender: Side
    frame: int
    time: int  # ns
    message: Certificates
    certificates: tuple[CertificateFacts, ...]  # leaf first, as sent
    facts: ChainFacts
    name_matches: bool | None = None  # the leaf against the SNI; None without SNI or for clients

    @property
    def leaf(self) -> CertificateFacts | None:
        """The sender's own certificate; None where the message was empty."""
        return self.certificates[0] if self.certificates else None


class Milestone(enum.Enum):
    """Points that a handshake passes, in order of a full TLS 1.2 handshake."""

    __hash__ = object.__hash__  # members are single; the default hashes their names each time

    CONNECTED = "tcp connection"
    CLIENT_HELLO = "client_hello"
    SERVER_HELLO = "server_hello"
    SERVER_CERTIFICATE = "server certificate"
    CERTIFICATE_REQUEST = "certificate_request"
    SERVER_FLIGHT = "end of the server's flight"  # server_hello_done; server's Finished in TLS 1.3
    CLIENT_CERTIFICATE = "client certificate"  # not empty
    CLIENT_CERTIFICATE_EMPTY = "empty client certificate"
    CLIENT_KEY_EXCHANGE = "client_key_exchange"
    CLIENT_FINISHED = "client finished"
    SERVER_FINISHED = "server finished"
    SERVER_ACCEPTED = "server went on after the client's Finished"  # ticket, data (TLS 1.3)
    SERVER_WENT_ON = "the server sent more than tickets"  # by their lengths (TLS 1.3)
    CLIENT_DATA = "application data of the client"
    SERVER_DATA = "application data of the server"


class Reached(NamedTuple):
    """Where a milestone was passed, and how we know."""

    frame: int
    time: int
    visibility: Visibility


class Way(enum.Enum):
    """How a side gave up."""

    __hash__ = object.__hash__  # members are single; the default hashes their names each time

    ALERT = "alert"
    ENCRYPTED_ALERT = "encrypted alert"
    FIN = "fin"
    RST = "rst"
    SILENCE = "silence"  # nobody closed; the side that was to speak did not
    OPEN = "open"  # the capture ends while all is well


@dataclass(frozen=True, slots=True)
class Ending:
    """Who gave up first, in order of time; what came later as an answer is noise.

    ``side`` is None where nobody gave up (OPEN) or where silence cannot be laid to one side.
    """

    way: Way
    side: Side | None
    frame: int
    time: int
    alert: Alert | None = None
    waited_ns: int = 0  # from the last sign of life before the end to the end
    proven: int = 0  # frame captured behind it of bytes that came before it, by sequence numbers
    unheard: int = 0  # first frame of the peer that crossed a close: its sender had not received it
    # The capture missed the close: ``frame`` is the first that acknowledges it.
    unseen: bool = False

    @property
    def closed(self) -> bool:
        """Whether a side closed or reset the connection, without an alert before."""
        return self.way in _CLOSES

    def closed_by(self, side: Side) -> bool:
        """Whether this side did."""
        return self.side is side and self.closed

    @property
    def alerted(self) -> bool:
        """Whether a side gave up by an alert, be it readable or not."""
        return self.way in _ALERTS

    @property
    def horizon(self) -> int:
        """The last frame that came before the end, as far as the end itself tells."""
        return max(self.frame - self.unseen, self.proven)

    def heard(self, sender: Side, frame: int) -> bool:
        """Whether what a side sent came before the end, in the eyes of the side that left."""
        crossed = 0 < self.unheard <= frame and self.side is sender.peer
        return frame <= self.horizon and not crossed


_CLOSES: Final = frozenset({Way.FIN, Way.RST})
_ALERTS: Final = frozenset({Way.ALERT, Way.ENCRYPTED_ALERT})

_NONE: Final[Mapping[str, Any]] = {}  # of any kind


class SeenWith(NamedTuple):
    """What other connections of this capture show about one endpoint. Counts are connections."""

    established: int = 0
    failed: int = 0
    versions: Mapping[str, int] = _NONE  # chosen
    cipher_suites: Mapping[str, int] = _NONE
    groups: Mapping[str, int] = _NONE
    sni: Mapping[str, int] = _NONE  # "" stands for none
    alpn: Mapping[str, int] = _NONE
    alerts: Mapping[str, int] = _NONE  # fatal ones that it sent
    # Went on below TLS 1.3 although the two did not agree on this: names of what they lacked.
    accepted_without: Mapping[str, int] = _NONE
    client_certificates: int = 0  # connections in which a client certificate was accepted
    plaintext: int = 0  # connections that spoke no TLS
    resumed: int = 0  # completed by resuming an earlier session
    upgraded: int = 0  # completed behind a talk in clear that led to TLS

    @property
    def direct(self) -> int:
        """Connections that completed without such a talk."""
        return self.established - self.upgraded


class Moment(NamedTuple):
    """A connection as a point in time: its beginning (ns), and Wireshark's ``tcp.stream``."""

    time: int
    stream: int


class Past(NamedTuple):
    """When a server did what, all connections of the capture counted, this one among them."""

    last_established: Moment | None = None
    first_failed: Moment | None = None
    # Serial numbers of its own certificates, by first appearance: first and last connection.
    certificates: Mapping[str, tuple[Moment, Moment]] = _NONE


class Habits(NamedTuple):
    """How the same client went on with the same server: when such connections began (ns)."""

    # First and last that completed and brought data of the client, with the same certificate of the
    # server in sight, or with none in sight where it is not.
    used: tuple[int, int] | None = None
    idle: int | None = None  # the first, once it had used one, that completed and brought no data
    resumed: int | None = None  # the last that completed by resuming an earlier session


class Beyond(NamedTuple):
    """A failure of a host as a client, while it was the server of another connection."""

    server: Endpoint
    moment: Moment


class Neighbours(NamedTuple):
    """A bounded summary of the rest of the capture, this connection left out."""

    server: SeenWith = SeenWith()  # same server address and port, any client
    client: SeenWith = SeenWith()  # same client address, any server
    pair: SeenWith = SeenWith()  # same client address and same server address and port
    past: Past = Past()  # of the server
    habits: Habits = Habits()  # of the pair
    beyond: tuple[Beyond, ...] = ()  # of the server's host; in order of time


_ALONE: Final = Neighbours()


@dataclass(frozen=True, slots=True)
class Story:
    """One connection, from first packet to last."""

    stream: int
    client: Endpoint
    server: Endpoint
    start: int  # ns, first packet
    end: int  # ns, last packet
    timeline: Timeline
    openings: Mapping[Side, Opening]
    first_data: Mapping[Side, int]  # frame of a side's first payload; of the first packet without
    prelude: Prelude | None
    offers: tuple[ClientHello, ...]  # every ClientHello of the first handshake; two after a retry
    retry: ServerHello | None  # HelloRetryRequest
    choice: ServerHello | None
    version: str | None  # negotiated, as in the contract ("TLSv1.2"); None before ServerHello
    cipher_suite: str | None  # IANA name of the chosen suite
    group: str | None  # of the key exchange, where visible
    alpn: str | None  # chosen, where visible
    resumed: bool | None  # None where it cannot be known
    messages: tuple[Message, ...]
    alerts: tuple[Alert, ...]
    signature: str
    milestones: Mapping[Milestone, Reached]
    denied: frozenset[Milestone]  # milestones known *not* to have been passed
    awaiting: frozenset[tuple[Side, str]]  # who was to speak when it ended, and what (names)
    server_chain: Chain | None
    client_chain: Chain | None
    certificate_request: CertificateRequest | None
    server_key_exchange: ServerKeyExchange | None
    staple: Staple | None
    ending: Ending
    renegotiations: int  # further ClientHellos or HelloRequests, in clear or under encryption
    defects: tuple[tuple[str, Defect, int], ...]  # (message name, defect, frame)
    hidden: frozenset[str]  # what the capture hides: names of HIDDEN below
    caveats: tuple[str, ...]  # the same and more, as sentences
    completed: bool | None  # the handshake: True, False, or None where the capture hides it
    begun: tuple[Begun, ...] = ()  # messages of which only the beginning is there
    # Frame numbers of the capture by those of this story, where they were dealt out anew in the order
    # of sending (analyzer.tcp.order).
    renumbered: Mapping[int, int] = field(default_factory=dict)
    neighbours: Neighbours = _ALONE
    objects: ObjectView | None = None  # of a gateway's configuration, where one was given
    log: LogView | None = None  # lines of a gateway's log, where one was given

    def beside(self, neighbours: Neighbours) -> Story:
        """The same story with its neighbours; what :func:`dataclasses.replace` takes thrice as long for."""
        values: list[Any] = [*_TOLD(self), neighbours, self.objects, self.log]
        return Story(*values)

    @property
    def offer(self) -> ClientHello | None:
        """The ClientHello that the server answered last."""
        return self.offers[-1] if self.offers else None

    @property
    def client_stack(self) -> StackGuess | None:
        """Which stack the client's first hello looks like: for ranking and wording, never proof."""
        return guess_client(self.offers[0]) if self.offers else None

    @property
    def server_stack(self) -> StackGuess | None:
        """Which stack the ServerHello looks like: for ranking and wording, never proof."""
        return guess_server(self.choice, self.offer) if self.choice else None

    @property
    def is_tls(self) -> bool:
        """Whether at least one side spoke TLS."""
        return bool(self.offers or self.choice or self.messages or self.alerts)

    @property
    def tls13(self) -> bool:
        """Whether TLS 1.3 (or a draft of it) was chosen."""
        return bool(self.version and self.version.startswith("TLSv1.3"))

    def message(self, sender: Side, name: str) -> Message | None:
        """The first message of a side and name."""
        return next((m for m in self.messages if m.sender is sender and m.name == name), None)

    def reached(self, milestone: Milestone) -> bool:
        """Whether the milestone is known to have been passed."""
        return milestone in self.milestones

    def blind_to(self, *parts: str) -> frozenset[str]:
        """The given names of :data:`HIDDEN` that apply to this story."""
        return self.hidden & frozenset(parts)


# The fields of a story that come before its neighbours, in order.
_TOLD = attrgetter(*itertools.takewhile("neighbours".__ne__, Story.__match_args__))

HIDDEN: Mapping[str, str] = {
    "start": "the connection began before the capture",
    "end": "the capture ends before the connection does",
    "client_side": "no packet of the client was captured",
    "server_side": "no packet of the server was captured",
    "client_bytes": "bytes that the client sent are missing from the capture",
    "server_bytes": "bytes that the server sent are missing from the capture",
    "snap_length": "packets were cut by the snap length",
    "record_lengths": "records are padded: their lengths do not tell what they hold",
    "server_certificate": "the server's certificate is encrypted or missing",
    "client_certificate": "the client's certificate is encrypted or missing",
    "alerts": "alerts are encrypted",
}

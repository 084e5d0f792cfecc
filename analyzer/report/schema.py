"""The report: the types that machines rely on, and the JSON Schema made from them.

Everything here is data in the words of the contract; renderers take a :class:`Report` and never
look behind it. Every key is always present; null means that the capture does not show it. Within
``schema_version`` 1 fields are only added.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

SCHEMA_VERSION: Final = 1

Time: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^-?\d{4,}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}(\d{3})?Z$",
        description="RFC 3339, UTC; nine digits where the capture has nanoseconds.",
    ),
]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
Name: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]+$")]
Outcome: TypeAlias = Literal["established", "failed", "incomplete", "not_tls"]
Sender: TypeAlias = Literal["client", "server"]
FailingSide: TypeAlias = Literal["client", "server", "network", "none"]
RemedySide: TypeAlias = Literal["client", "server", "network", "capture"]
Confidence: TypeAlias = Literal["seen", "inferred", "suspected"]
Likelihood: TypeAlias = Literal["likely", "possible"]
TimestampOrigin: TypeAlias = Literal["certificate", "handshake"]
EchForm: TypeAlias = Literal["outer", "inner"]
End: TypeAlias = Literal["fin", "rst", "timeout", "open", "refused", "unanswered"]
Phase: TypeAlias = Literal[
    "tcp_connect",
    "client_hello",
    "server_hello",
    "server_certificate",
    "key_exchange",
    "client_certificate",
    "finished",
    "post_handshake",
    "none",
]


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A closed record: no key may be missing, none may be added by others."""


class FileFrame(Data, frozen=True):
    """A frame of one of several files; ``file`` counts from 0 in the order of ``captures``."""

    file: Count
    frame: Count


Frame: TypeAlias = Count | FileFrame
"""1-based, as Wireshark's frame.number within one file."""


class Endpoint(Data, frozen=True):
    """One end of a connection."""

    ip: str
    port: Count


class Tool(Data, frozen=True):
    """What made the report."""

    name: str
    version: str


class Capture(Data, frozen=True):
    """A file that was read, and what it hides."""

    path: str
    format: str
    compression: str | None
    link_types: tuple[str, ...]
    packets: Count
    bytes: Count
    first_packet: Time | None
    last_packet: Time | None
    caveats: tuple[str, ...]


class Summary(Data, frozen=True):
    """Connections of the whole capture, counted by outcome."""

    connections: Count
    established: Count
    failed: Count
    incomplete: Count
    not_tls: Count


class Group(Data, frozen=True):
    """Failures that are the same: one rule, one cause, one finding about it.

    ``clients``, ``servers`` and ``sni`` list the first few; the ``*_total`` say how many there are.
    """

    cause: Name
    rule: str
    title: str
    count: Count
    clients: tuple[str, ...]
    clients_total: Count
    servers: tuple[str, ...]
    servers_total: Count
    sni: tuple[str, ...]
    sni_total: Count
    first: Time
    last: Time
    example_stream: Count


class Evidence(Data, frozen=True):
    """One sentence and the frame that proves it."""

    frame: Frame
    text: str


class Alternative(Data, frozen=True):
    """An explanation that could not be excluded, and what would decide."""

    cause: Name
    would_decide: str


class Finding(Data, frozen=True):
    """One diagnosis: what, who, why, how sure, and what to change."""

    rule: str
    cause: Name
    phase: Phase
    failing_side: FailingSide
    remedy_side: RemedySide
    confidence: Confidence
    title: str
    explanation: str
    evidence: tuple[Evidence, ...]
    remedy: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    references: tuple[str, ...]


class Resumption(Data, frozen=True):
    """The ways in which a client offered to resume an earlier session."""

    session_id: bool
    session_ticket: bool
    psk: bool


class ClientOffers(Data, frozen=True):
    """The ClientHello that the server answered last, in the client's order of preference."""

    frame: Frame
    versions: tuple[str, ...]
    cipher_suites: tuple[str, ...]
    groups: tuple[str, ...]
    key_shares: tuple[str, ...]
    signature_algorithms: tuple[str, ...]
    alpn: tuple[str, ...]
    sni: str | None
    extensions: tuple[str, ...]
    resumption: Resumption
    early_data: bool
    fallback_scsv: bool
    secure_renegotiation: bool
    extended_master_secret: bool
    grease: bool  # code points of RFC 8701 were sent; the lists leave them out
    hellos: Count
    ech: EchForm | None  # Encrypted Client Hello, in earnest or as GREASE: nobody can tell


class ServerChoice(Data, frozen=True):
    """The ServerHello and what else the server chose in clear."""

    frame: Frame
    version: str
    cipher_suite: str
    group: str | None
    alpn: str | None
    extensions: tuple[str, ...]
    hello_retry_group: str | None
    signature_algorithm: str | None
    dh_bits: Count | None
    secure_renegotiation: bool
    extended_master_secret: bool


class CertificateRequest(Data, frozen=True):
    """What the server asked of the client's certificate."""

    frame: Frame
    certificate_types: tuple[str, ...]
    signature_algorithms: tuple[str, ...]
    authorities: tuple[str, ...]


class StackGuess(Data, frozen=True):
    """Which TLS stack a hello looks like, by its shape: a hint, never a proof."""

    name: str  # openssl, java, go, schannel, gnutls, nss, boringssl, mbedtls
    confidence: Likelihood


class Tls(Data, frozen=True):
    """What was offered and what was agreed. All null where no TLS was spoken."""

    version: str | None
    cipher_suite: str | None
    group: str | None
    sni: str | None
    alpn: str | None
    resumed: bool | None
    client_offers: ClientOffers | None
    server_choice: ServerChoice | None
    certificate_request: CertificateRequest | None
    renegotiations: Count
    ja3: str | None
    ja3s: str | None
    ja4: str | None
    client_stack: StackGuess | None
    server_stack: StackGuess | None


class LastMessage(Data, frozen=True):
    """The last handshake message of the connection."""

    name: str
    sender: Sender
    frame: Frame


class Message(Data, frozen=True):
    """A message in order of arrival; inferred where only record lengths and order tell of it."""

    name: str
    sender: Sender
    frame: Frame
    time: Time
    length: Count
    inferred: bool


class Alert(Data, frozen=True):
    """An alert; ``visible`` is false where it is encrypted and known by its record alone."""

    sender: Sender
    level: str | None
    description: str | None
    code: Count | None
    frame: Frame
    time: Time
    visible: bool


class Prelude(Data, frozen=True):
    """What was agreed in clear before TLS: STARTTLS, CONNECT and the like."""

    protocol: str
    end: str
    frame: Frame
    text: str
    target: str | None


class Handshake(Data, frozen=True):
    """Who said what. ``signature`` is in the letters of Zeek's ssl_history."""

    signature: str
    completed: bool | None
    last_message: LastMessage | None
    messages: tuple[Message, ...]
    alerts: tuple[Alert, ...]
    prelude: Prelude | None


class PublicKey(Data, frozen=True):
    """The subject's public key."""

    kind: str | None
    bits: Count | None
    curve: str | None


class BasicConstraints(Data, frozen=True):
    """RFC 5280 section 4.2.1.9."""

    ca: bool
    path_length: int | None


class Certificate(Data, frozen=True):
    """One certificate as it was sent, judged at the time of its packet."""

    subject: str
    issuer: str
    serial: str
    sans: tuple[str, ...]
    not_before: Time | None
    not_after: Time | None
    valid_at_capture: bool | None
    key: PublicKey
    signature_algorithm: str | None
    key_usage: tuple[str, ...] | None
    extended_key_usage: tuple[str, ...] | None
    basic_constraints: BasicConstraints | None
    self_issued: bool
    self_signed: bool | None
    fingerprint_sha256: str
    defect: str | None


class Chain(Data, frozen=True):
    """How the certificates of one message fit together.

    ``verdict`` lists what is wrong, and is empty where nothing is. ``path`` leads from the leaf
    upwards, as indices of what was sent. ``anchor`` is the issuer at its end, which the peer must
    know; ``missing_issuer`` the leaf's own, where it was not sent.
    """

    frame: Frame
    verdict: tuple[Name, ...]
    path: tuple[Count, ...]
    missing_issuer: str | None
    anchor: str | None
    name_matches: bool | None


class Staple(Data, frozen=True):
    """An OCSP response that the server sent along (RFC 6960 section 4.2.1).

    ``certificate_status`` is good, revoked or unknown; null without an answer.
    """

    response_status: str
    certificate_status: str | None
    revoked_at: Time | None
    revocation_reason: str | None
    produced_at: Time | None
    this_update: Time | None
    next_update: Time | None
    responder: str | None


class LogTimestamp(Data, frozen=True):
    """A log's promise to show the certificate (RFC 6962 section 3.2)."""

    origin: TimestampOrigin
    log_id: str  # hexadecimal
    time: Time | None


class DelegatedCredential(Data, frozen=True):
    """A short-lived key in the place of the certificate's (RFC 9345)."""

    valid_until: Time | None
    scheme: str  # of CertificateVerify
    signed_with: str


class Vouchers(Data, frozen=True):
    """What vouches for the server's certificate beside its issuer."""

    staple: Staple | None
    timestamps: tuple[LogTimestamp, ...]
    delegated_credential: DelegatedCredential | None


class Certificates(Data, frozen=True):
    """Leaf first, in the order in which they were sent."""

    server: tuple[Certificate, ...]
    client: tuple[Certificate, ...]
    server_chain: Chain | None
    client_chain: Chain | None
    vouchers: Vouchers | None  # of the server's


class Tcp(Data, frozen=True):
    """The transport's facts. ``rtt`` in seconds; ``syns`` counts the client's attempts."""

    syns: Count
    syn_frame: Frame | None
    syn_ack_frame: Frame | None
    end: End
    end_by: Sender | None
    end_frame: Frame | None
    end_time: Time | None
    rtt: float | None
    retransmissions: Count
    missing_bytes: Count
    client_packets: Count
    server_packets: Count
    client_bytes: Count
    server_bytes: Count


class Objects(Data, frozen=True):
    """The objects of a gateway's configuration that took part in a connection.

    ``place`` is the handler or service that listened or connected, ``profile`` the TLS profile,
    ``host_name_profile`` what chose it by server name, where one did.
    """

    leg: Literal["front", "back"]
    domain: str
    place: str
    profile: str | None
    host_name_profile: str | None
    found_by: str


class LogEntry(Data, frozen=True):
    """One line of a gateway's log. ``time`` is the log's own; ``line`` its number in ``file``."""

    time: Time | None
    domain: str | None
    code: str | None
    category: str | None
    severity: str | None
    object: str | None
    transaction: int | None
    client: str | None
    text: str
    companion: bool  # follows every failed handshake, and says nothing of its reason
    file: str
    line: Count


class GatewayLog(Data, frozen=True):
    """The lines of a gateway's log that belong to a connection.

    ``clock_offset`` is in seconds, by which the log's clock is ahead of the capture's; ``contradictions``
    say what lines and packets cannot both be right about: nothing is concluded from such lines.
    """

    leg: Literal["front", "back"] | None
    domain: str | None
    transaction: int | None
    found_by: str
    clock_offset: float
    contradictions: tuple[str, ...]
    lines: tuple[LogEntry, ...]


class Connection(Data, frozen=True):
    """One connection, from first packet to last.

    ``detail`` is "short" for connections that plainly went well in a capture with very many: what
    was offered, the messages, the certificates and the fingerprints are then left out.
    """

    stream: Count
    detail: Literal["full", "short"]
    transport: Literal["tcp"]
    client: Endpoint
    server: Endpoint
    start: Time
    end: Time
    outcome: Outcome
    diagnosis: Finding | None
    findings: tuple[Finding, ...]
    tls: Tls
    handshake: Handshake
    certificates: Certificates
    tcp: Tcp
    objects: Objects | None
    log: GatewayLog | None
    caveats: tuple[str, ...]


class Report(Data, frozen=True):
    """What ``analyze`` returns and ``--format json`` prints."""

    schema_version: Literal[1]
    tool: Tool
    captures: tuple[Capture, ...]
    summary: Summary
    groups: tuple[Group, ...]
    connections: tuple[Connection, ...]

    @property
    def failed(self) -> tuple[Connection, ...]:
        """The connections that failed, in order of their stream numbers."""
        return tuple(c for c in self.connections if c.outcome == "failed")


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a whole report; closed and self-contained.

    A line of ``--format ndjson`` has the shape of ``$defs.Connection``.
    """
    schema = msgspec.json.schema(Report)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Handshake Analyzer report",
        **schema,
    }

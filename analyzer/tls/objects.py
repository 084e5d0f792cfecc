"""What a gateway's configuration says of one connection: objects as values that a rule may see.

They are made from an export in :mod:`analyzer.datapower`; names are those of the product, so that a
finding can say which object and which property to change. Where a fact is None the export does not
state it, and nothing may be concluded from it. Keys and passwords have no place here.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import ProtocolVersion
from analyzer.tls.registry.keys import NamedGroup, SignatureScheme
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.x509.chain import CertificateFacts


class Leg(enum.Enum):
    """On which side of the gateway a connection lies."""

    FRONT = "front"  # a client connects to the gateway, which is the TLS server
    BACK = "back"  # the gateway connects to a server, and is the TLS client


@dataclass(frozen=True, slots=True)
class CertificateObject:
    """A CryptoCertificate: a name for a file, and the file's content where it was given."""

    name: str
    file: str = ""  # cert:///gateway.pem
    enabled: bool = True
    ignore_expiration: bool = False
    content: tuple[CertificateFacts, ...] = ()

    @property
    def leaf(self) -> CertificateFacts | None:
        """The file's first certificate: the one that the object stands for."""
        return self.content[0] if self.content else None


@dataclass(frozen=True, slots=True)
class Credential:
    """A CryptoIdentCred: who the gateway says it is, and the intermediates that it sends along."""

    name: str
    certificate: CertificateObject | None = None
    intermediates: tuple[CertificateObject, ...] = ()
    key: str | None = None  # the name of the CryptoKey
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Validation:
    """A CryptoValCred: whom the gateway believes, and how it checks."""

    name: str
    mode: str | None = None  # legacy, pkix, exact-match
    certificates: tuple[CertificateObject, ...] = ()
    enabled: bool = True
    use_crl: bool | None = None
    require_crl: bool | None = None
    crl_distribution_points: str | None = None  # ignore, require
    check_dates: bool | None = None

    @property
    def complete(self) -> bool:
        """Whether the content of every certificate was given, so that absence means something."""
        return bool(self.certificates) and all(c.content for c in self.certificates)


@dataclass(frozen=True, slots=True)
class Profile:
    """A TLS profile of any kind, read as what it makes the gateway do.

    ``kind`` is the class that holds versions and suites (SSLServerProfile, SSLClientProfile,
    CryptoProfile); ``via`` is the SSLProxyProfile that leads to it, where there is one. ``assumed``
    names properties that the export does not state and a default was taken for: a rule must not rest
    on them.
    """

    kind: str
    name: str
    domain: str
    side: Side  # what the gateway is with this profile
    via: str | None = None
    enabled: bool = True
    versions: frozenset[ProtocolVersion] | None = None
    suites: tuple[CipherSuite, ...] | None = None  # in order of preference
    groups: tuple[NamedGroup, ...] | None = None
    signatures: tuple[SignatureScheme, ...] | None = None
    credential: Credential | None = None
    validation: Validation | None = None
    request_client: bool | None = None  # server: asks for a certificate
    require_client: bool | None = None  # server: refuses clients without one
    send_authorities: bool | None = None  # server: names its authorities in the request
    validates: bool | None = None  # judges the peer's certificate at all
    prefers_own_order: bool | None = None  # server
    renegotiations: int | None = None  # server: how many a client may ask for
    legacy_renegotiation: bool | None = None  # server
    sends_name: bool | None = None  # client: SNI
    custom_name: str | None = None  # client: SNI with this name instead
    insecure_servers: bool | None = None  # client: takes servers without RFC 5746
    validates_name: bool | None = None  # client
    name_is_fatal: bool | None = None  # client
    assumed: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """The object as an operator looks it up: ``SSLServerProfile gateway``."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class NameProfile:
    """An SSLSNIServerProfile: chooses a server profile by the name that the client asks for."""

    name: str
    domain: str
    mapping_name: str | None = None
    mapping: tuple[tuple[str, Profile | None], ...] = ()  # (pattern, profile), in order
    default: Profile | None = None  # where the client names no host
    versions: frozenset[ProtocolVersion] | None = None
    enabled: bool = True
    assumed: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """The object as an operator looks it up."""
        return f"SSLSNIServerProfile {self.name}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an object below a listener cannot be up, and what to change."""

    label: str  # CryptoCertificate old-root
    text: str  # a clause: "expired 2026-01-01 and IgnoreExpiration is off"
    path: tuple[str, ...] = ()  # from the listener down to it, labels
    expired: bool = False
    missing: bool = False  # from the export, which may hold a part of the domain only
    conflict: bool = False  # with another listener


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the gateway listens: a handler, or a service with a port of its own."""

    kind: str  # HTTPSSourceProtocolHandler …
    name: str
    domain: str
    address: str  # 0.0.0.0 for all; host aliases are resolved
    port: int
    tls: bool
    profile: Profile | NameProfile | None = None
    services: tuple[str, ...] = ()  # labels of the services behind it
    enabled: bool = True
    appliance: frozenset[str] = frozenset()  # its addresses; empty where the export does not tell
    faults: tuple[Fault, ...] = ()

    @property
    def label(self) -> str:
        """The object as an operator looks it up."""
        return f"{self.kind} {self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class Target:
    """Where the gateway connects to."""

    kind: str  # of the service: MultiProtocolGateway …
    name: str
    domain: str
    setting: str  # the property that names it: BackendUrl, RemoteAddress, LBGroupMembers …
    host: str
    port: int
    tls: bool
    profile: Profile | None = None
    enabled: bool = True
    appliance: frozenset[str] = frozenset()  # as of a listener

    @property
    def label(self) -> str:
        """The object as an operator looks it up."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class ObjectView:
    """The objects that took part in one connection, and how they were found."""

    leg: Leg
    domain: str  # several where rivals are of several
    found_by: str
    listener: Listener | None = None
    target: Target | None = None
    names: NameProfile | None = None
    profile: Profile | None = None
    certain: bool = True
    rivals: tuple[Target, ...] = ()  # in place of a target: any of these may have been it

    @property
    def gateway(self) -> Side:
        """Which side of the connection the gateway is."""
        return Side.SERVER if self.leg is Leg.FRONT else Side.CLIENT

    @property
    def place(self) -> str:
        """The listener or target as an operator looks it up."""
        found = self.listener or self.target
        if found is None:
            return " or ".join(f"{one.label} of domain {one.domain}" for one in self.rivals)
        return found.label

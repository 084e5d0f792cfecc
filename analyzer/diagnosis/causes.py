"""The vocabulary of diagnoses: causes with their parents, phases, confidence.

Machines rely on these words (the output contract): causes are added when something fits none of
them, and never renamed.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final, Self

from analyzer.tcp.timeline import Side


class Phase(enum.Enum):
    """The step that did not complete."""

    __hash__ = object.__hash__  # members are single; the default hashes their names each time

    TCP_CONNECT = "tcp_connect"
    CLIENT_HELLO = "client_hello"  # the server did not accept the offer, or no TLS offer came
    SERVER_HELLO = "server_hello"  # the client did not accept the choice
    SERVER_CERTIFICATE = "server_certificate"
    KEY_EXCHANGE = "key_exchange"
    CLIENT_CERTIFICATE = "client_certificate"
    FINISHED = "finished"
    POST_HANDSHAKE = "post_handshake"
    NONE = "none"


class Confidence(enum.Enum):
    """How sure a finding is; each word is a promise that is measured."""

    __hash__ = object.__hash__  # members are single; the default hashes their names each time

    SEEN = "seen"  # stated on the wire, in clear or decrypted
    INFERRED = "inferred"  # follows from the wire by the protocol's rules
    SUSPECTED = "suspected"  # the best of several explanations, which are listed


class FailingSide(enum.Enum):
    """Who gave up."""

    __hash__ = object.__hash__  # members are single; the default hashes their names each time

    CLIENT = "client"
    SERVER = "server"
    NETWORK = "network"
    NONE = "none"

    @classmethod
    def of(cls, side: Side) -> Self:
        """A side of the connection, as the contract calls it."""
        return cls(side.value)


class RemedySide(enum.Enum):
    """Whose configuration must change. CAPTURE: record again before anyone changes anything."""

    __hash__ = object.__hash__  # members are single; the default hashes their names each time

    CLIENT = "client"
    SERVER = "server"
    NETWORK = "network"
    CAPTURE = "capture"

    @classmethod
    def of(cls, side: Side) -> Self:
        """A side of the connection, as the contract calls it."""
        return cls(side.value)


CHILDREN: Final[Mapping[str, tuple[str, ...]]] = {
    "server_certificate_rejected": (
        "cert_expired",
        "cert_not_yet_valid",
        "intermediate_expired",
        "untrusted_ca",
        "incomplete_chain",
        "self_signed",
        "hostname_mismatch",
        "wrong_key_cert_usage",
        "weak_cert_key",
        "sha1_signature",
        "cert_revoked",
        "revoked_staple",
        "staple_missing",
        "name_constraints",
        "invalid_ca",
        "critical_extension",
        "cert_too_large",
        "cert_malformed",
    ),
    "client_certificate_rejected": (
        "client_cert_missing",
        "client_cert_untrusted",
        "client_cert_expired",
        "client_cert_not_yet_valid",
        "client_cert_wrong_usage",
        "client_cert_revoked",
    ),
    "negotiation_failed": (
        "no_shared_cipher",
        "protocol_version",
        "inappropriate_fallback",
        "sni_unrecognized",
        "sni_missing",
        "no_shared_group",
        "no_shared_sigalg",
        "dh_key_too_small",
        "alpn_mismatch",
        "server_no_certificate",
        "server_internal",
        "psk_unknown",
        "legacy_renegotiation",
        "ems_required",
        "ech_rejected",
    ),
    "crypto_failed": ("tampered", "psk_wrong_key"),
    "not_tls": ("plaintext_http_to_tls", "plaintext_other_to_tls", "tls_to_plaintext"),
    "upgrade_failed": (
        "starttls_not_offered",
        "starttls_refused",
        "proxy_refused",
        "tls_required",
    ),
    "transport": (
        "connection_refused",
        "syn_timeout",
        "icmp_rejected",
        "rst_after_client_hello",
        "rst_mid_handshake",
        "server_closed_silently",
        "server_closed_on_accept",
        "handshake_timeout",
        "client_abandoned",
        "client_never_hello",
        "mtu_black_hole",
        "packet_loss_fatal",
        "packet_loss_recovered",
    ),
    "after_handshake": (
        "renegotiation_refused",
        "closed_after_handshake",
        "request_unanswered",
    ),
    "capture": (
        "capture_truncated_snaplen",
        "capture_one_sided",
        "capture_midstream",
        "capture_ended",
    ),
    # What a tool says of itself and of healthy connections has no parent.
    "": ("fine", "protocol_violation", "internal_error", "log_contradicts"),
}

PARENTS: Final[Mapping[str, str]] = {
    child: parent for parent, children in CHILDREN.items() for child in children
}

CAUSES: Final[frozenset[str]] = frozenset(PARENTS) | frozenset(filter(None, CHILDREN))

"""The master secret of a handshake up to TLS 1.2 (RFC 5246 section 8.1), from the secrets at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.tls.decryption import keylog
from analyzer.tls.decryption.key_schedule import (
    Randoms,
    derives,
    extended_master_secret,
    master_secret,
)
from analyzer.tls.decryption.keylog import Secrets
from analyzer.tls.message.hello import ClientHello, ServerHello
from analyzer.tls.registry.code_points import ExtensionType, ProtocolVersion
from analyzer.tls.registry.suite_facts import SuiteFacts


@dataclass(slots=True, repr=False)
class Handshake:
    """What a handshake up to TLS 1.2 has said that its master secret hangs on."""

    client: ClientHello
    transcript: bytearray
    server: ServerHello | None = None
    certificate: bytes = b""
    encrypted_premaster: bytes | None = None
    ticket: bytes = b""
    master: bytes | None = None


class Masters:
    """Finds master secrets, and remembers them for connections that resume their sessions.

    ``ephemeral``: the private key at hand is the server's, but was of no use.
    """

    def __init__(self, secrets: Secrets) -> None:
        self.ephemeral = False
        self._secrets = secrets

    def find(
        self, handshake: Handshake, version: ProtocolVersion, facts: SuiteFacts
    ) -> bytes | None:
        """The master secret: from the log, from the premaster secret, or of the session resumed."""
        found = self._secrets.find(handshake.client.random)
        if keylog.MASTER in found:
            return found[keylog.MASTER]
        premaster = found.get(keylog.PREMASTER) or self._premaster(handshake, facts)
        if premaster is not None and derives(facts, version):
            return _of_premaster(handshake, premaster, version, facts)
        if handshake.encrypted_premaster is None:
            return next(filter(None, map(self._secrets.recall, _sessions(handshake))), None)
        return None

    def keep(self, handshake: Handshake, master: bytes) -> None:
        """Remember a session, for connections that resume it."""
        handshake.master = master
        if handshake.server is not None:
            self._secrets.remember(handshake.server.legacy_session_id_echo, master)
        self._secrets.remember(handshake.ticket, master)

    def _premaster(self, handshake: Handshake, facts: SuiteFacts) -> bytes | None:
        encrypted = handshake.encrypted_premaster
        if encrypted is None or not self._secrets.opens_key_exchange:
            return None
        key = self._secrets.key_for(handshake.certificate) if handshake.certificate else None
        if facts.key_exchange != "RSA":
            self.ephemeral = key is not None
            return None
        found = self._secrets.premaster(encrypted)
        return found or (key.premaster(encrypted) if key is not None else None)


def _of_premaster(
    handshake: Handshake, premaster: bytes, version: ProtocolVersion, facts: SuiteFacts
) -> bytes:
    server = handshake.server
    assert server is not None
    if handshake.client.extended_master_secret and server.extended_master_secret:
        transcript = bytes(handshake.transcript)
        return extended_master_secret(premaster, transcript, version, facts)
    randoms = Randoms(handshake.client.random, server.random)
    return master_secret(premaster, randoms, version, facts)


def _sessions(handshake: Handshake) -> Iterator[bytes]:
    """By what a resumed session may be known: its ticket, or its id if the server agreed to it."""
    yield handshake.client.body(ExtensionType.SESSION_TICKET) or b""
    if handshake.server is not None:
        yield handshake.server.legacy_session_id_echo

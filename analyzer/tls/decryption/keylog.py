"""Secrets that users hand over: lines of an NSS key log, and what is remembered of them.

A key log has one secret a line (https://nss-crypto.org/reference/security/nss/legacy/key_log_format)::

    CLIENT_RANDOM <client random> <master secret>                  SSL 3.0 to TLS 1.2
    SERVER_HANDSHAKE_TRAFFIC_SECRET <client random> <secret>       TLS 1.3, and seven more labels
    PMS_CLIENT_RANDOM <client random> <premaster secret>           older programs
    RSA <first 8 bytes of the encrypted premaster> <premaster>
    RSA Session-ID:<session id> Master-Key:<master secret>         Java agents

No secret is ever shown: not by ``repr``, not in a complaint about a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from analyzer.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from analyzer.tls.decryption.private_key import PrivateKey

MASTER: Final = "CLIENT_RANDOM"
PREMASTER: Final = "PMS_CLIENT_RANDOM"
CLIENT_EARLY: Final = "CLIENT_EARLY_TRAFFIC_SECRET"

_LINE: Final = re.compile(rb"([A-Z][A-Z0-9_]*) ([0-9A-Fa-f]+) ([0-9A-Fa-f]+)")
_SESSION: Final = re.compile(rb"RSA Session-ID:([0-9A-Fa-f]*) Master-Key:([0-9A-Fa-f]{96})")
# Bytes of secret that each label has; labels that are not here are let pass (ECH, exporters).
_LENGTHS: Final[Mapping[str, range]] = {
    MASTER: range(48, 49),
    PREMASTER: range(1, 1025),
    **{
        f"{side}_{name}": range(32, 65)
        for side in ("CLIENT", "SERVER")
        for name in ("HANDSHAKE_TRAFFIC_SECRET", "TRAFFIC_SECRET_0")
    },
    CLIENT_EARLY: range(32, 65),
}
_LINE_MOST: Final = 4096  # bytes; the longest premaster secret of finite-field groups is 1,024


@dataclass(slots=True)
class _Source:
    """Where secrets came from, and what became of them."""

    name: str
    private_key: bool = False
    sessions: int = 0
    used: bool = False
    malformed: int = 0
    first_malformed: int = 0  # line, 1-based


@dataclass(slots=True, repr=False)
class _Session:
    source: _Source
    secrets: dict[str, bytes] = field(default_factory=dict)


class Secrets:
    """All secrets at hand for a capture; shows none of them."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._most = limits.secrets
        self._full = False
        self._sessions: dict[bytes, _Session] = {}  # by client random
        self._premasters: dict[bytes, tuple[_Source, bytes]] = {}  # by 8 bytes of the encrypted one
        self._masters: dict[bytes, bytes] = {}  # by session id or ticket
        self._sources: list[_Source] = []
        self._keys: list[tuple[_Source, PrivateKey]] = []
        self._complaints: list[str] = []

    def __repr__(self) -> str:
        return f"Secrets({len(self._sessions)} sessions, {len(self._keys)} private keys)"

    def add_key_log(self, name: str, lines: Iterable[bytes]) -> None:
        """Take the lines of a key log. What is no such line is counted, and never quoted."""
        source = _Source(name)
        self._sources.append(source)
        for number, raw in enumerate(lines, start=1):
            line = raw.strip()
            if not line or line.startswith(b"#"):
                continue
            if len(line) > _LINE_MOST or not self._take(source, line):
                source.malformed += 1
                source.first_malformed = source.first_malformed or number

    def add_private_key(self, name: str, key: PrivateKey) -> None:
        """Take a server's RSA key."""
        source = _Source(name, private_key=True, sessions=1)
        self._sources.append(source)
        self._keys.append((source, key))

    def complain(self, sentence: str) -> None:
        """Write down why something that was handed over is of no use."""
        self._complaints.append(sentence)

    def find(self, client_random: bytes) -> Mapping[str, bytes]:
        """The secrets of the connection with this client random, by label; empty without any."""
        session = self._sessions.get(client_random)
        if session is None:
            return {}
        session.source.used = True
        return session.secrets

    def premaster(self, encrypted: bytes) -> bytes | None:
        """The premaster secret that a key log gives for its encrypted form."""
        found = self._premasters.get(encrypted[:8])
        if found is None:
            return None
        found[0].used = True
        return found[1]

    def key_for(self, certificate: bytes) -> PrivateKey | None:
        """The private key of a certificate (DER)."""
        for source, key in self._keys:
            if key.fits(certificate):
                source.used = True
                return key
        return None

    @property
    def used(self) -> tuple[bool, ...]:
        """Whether each source, in order, decrypted something."""
        return tuple(source.used for source in self._sources)

    def note_used(self, used: Sequence[bool]) -> None:
        """Note what others decrypted with the same sources."""
        for source, was in zip(self._sources, used, strict=False):
            source.used = source.used or was

    @property
    def opens_key_exchange(self) -> bool:
        """Whether a premaster secret may have to be found, so that transcripts are needed."""
        return bool(self._keys or self._premasters)

    @property
    def has_key_log(self) -> bool:
        """Whether secrets of single connections are at hand, not just private keys."""
        return bool(self._sessions or self._premasters or self._masters)

    def remember(self, session: bytes, master: bytes) -> None:
        """Keep the master secret of a session that may be resumed by this id or ticket."""
        if session and len(self._masters) < self._most:
            self._masters[session] = master

    def recall(self, session: bytes) -> bytes | None:
        """The master secret of the session that is resumed by this id or ticket."""
        return self._masters.get(session)

    def complaints(self) -> tuple[str, ...]:
        """What was wrong with the secrets, a sentence each; complete once all stories are told."""
        found = list(self._complaints)
        for source in self._sources:
            found += _complaints_of(source)
        if self._full:
            found.append(
                f"The limit secrets was reached: of the key logs the last {self._most:,} sessions count."
            )
        return tuple(found)

    def _take(self, source: _Source, line: bytes) -> bool:
        known = _SESSION.fullmatch(line)
        if known:
            source.sessions += 1
            source.used = True  # whether it is a session of this capture cannot be told from its id
            self.remember(bytes.fromhex(known[1].decode()), bytes.fromhex(known[2].decode()))
            return True
        parts = _LINE.fullmatch(line)
        if parts is None or len(parts[2]) % 2 or len(parts[3]) % 2:
            return False
        label = parts[1].decode()
        key, secret = (bytes.fromhex(part.decode()) for part in parts.group(2, 3))
        if label == "RSA":
            source.sessions += 1
            if len(key) == 8 and len(self._premasters) < self._most:
                self._premasters[key] = (source, secret)
            return len(key) == 8
        if label not in _LENGTHS:
            return True  # exporters, ECH, later secrets, QUIC's own labels: valid, and not needed
        if len(key) != 32 or len(secret) not in _LENGTHS[label]:
            return False
        session = self._sessions.get(key)
        if session is None:
            source.sessions += 1
            self._make_room()
            session = self._sessions[key] = _Session(source)
        session.secrets[label] = secret
        return True

    def _make_room(self) -> None:
        """Forget the oldest session where there are too many: captures are rarely old."""
        if len(self._sessions) >= self._most:
            self._full = True
            del self._sessions[next(iter(self._sessions))]


def _complaints_of(source: _Source) -> Iterable[str]:
    if source.malformed:
        more = f" and {source.malformed - 1:,} more" if source.malformed > 1 else ""
        plural = "are not lines" if source.malformed > 1 else "is not a line"
        yield f"{source.name}: line {source.first_malformed}{more} {plural} of a key log."
    if source.private_key and not source.used:
        yield (
            f"{source.name}: no key exchange of this capture was encrypted to its key; "
            "(EC)DHE and TLS 1.3 need a key log."
        )
    elif not source.sessions:
        yield f"{source.name}: it holds no secret that could decrypt a connection."
    elif not source.used:
        yield (
            f"{source.name}: none of its secrets belongs to a connection of this capture; "
            "record keys and capture at the same time."
        )

"""What a server takes, found by asking it politely: one connection at a time, and a pause between.

A ClientHello offers everything of a kind; what the server chooses is noted and left out of the next,
until it refuses. So there are little more connections than answers, and the order of the answers is
the server's. No handshake is finished: each ends at the server's flight.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from analyzer.live.clients import with_hello
from analyzer.live.hello import Question, asking
from analyzer.live.link import ConnectError, Goal
from analyzer.live.recorder import Recording, written
from analyzer.pipeline import Analysis
from analyzer.tcp.timeline import Side
from analyzer.tls.registry.code_points import AlertDescription, ProtocolVersion
from analyzer.tls.registry.keys import NamedGroup
from analyzer.tls.registry.suite_facts import facts_of
from analyzer.tls.registry.suites import CipherSuite
from analyzer.tls.story import Opening, Story, Way

MOST: Final = 150  # connections
PAUSE: Final = 0.2  # seconds
_V = ProtocolVersion
VERSIONS: Final = (_V.TLS1_3, _V.TLS1_2, _V.TLS1_1, _V.TLS1_0, _V.SSL3)
_G = NamedGroup
_CURVES: Final = (
    *(_G.x25519, _G.secp256r1, _G.x448, _G.secp384r1, _G.secp521r1),
    *(_G.brainpoolP256r1, _G.brainpoolP384r1, _G.brainpoolP512r1, _G.secp256k1),
    *(_G.secp224r1, _G.secp192r1, _G.sect283k1, _G.sect571r1),
)
_GROUPS_13: Final = (
    *(_G.X25519MLKEM768, _G.SecP256r1MLKEM768, _G.SecP384r1MLKEM1024, _G.MLKEM768, _G.MLKEM1024),
    *(_G.x25519, _G.secp256r1, _G.x448, _G.secp384r1, _G.secp521r1),
    *(_G.brainpoolP256r1tls13, _G.brainpoolP384r1tls13, _G.brainpoolP512r1tls13),
    *(_G.ffdhe2048, _G.ffdhe3072, _G.ffdhe4096, _G.ffdhe6144, _G.ffdhe8192),
)
_EXCHANGES: Final = frozenset({"ECDHE", "DHE", "RSA", "ECDH", "DH"})
_AT_ONCE: Final = 64  # suites in one hello
_ODD: Final = ("_OLD", "_FIPS")  # numbers that only drafts and Netscape knew


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server did with one offer."""

    taken: bool
    words: str  # "taken", "alert protocol_version (70)", "closed the connection" …
    suite: CipherSuite | None = None
    group: NamedGroup | None = None
    curve: NamedGroup | None = None  # of the certificate's key
    alert: AlertDescription | None = None


@dataclass(slots=True)
class Matrix:
    """What was found. Lists are in the order in which the server chose."""

    versions: dict[ProtocolVersion, Answer] = field(default_factory=dict)
    suites: dict[ProtocolVersion, list[CipherSuite]] = field(default_factory=dict)
    groups: dict[ProtocolVersion, list[NamedGroup]] = field(default_factory=dict)
    own_order: bool | None = None  # the server's order of suites decides; None: cannot be told
    asked: int = 0
    stopped: str = ""  # why not everything was asked
    recordings: list[Recording] = field(default_factory=list)


class _EnoughError(Exception):
    """No more connections may be made."""


def explore(
    goal: Goal,
    *,
    most: int = MOST,
    pause: float = PAUSE,
    progress: Callable[[int], None] | None = None,
) -> Matrix:
    """Ask a server for versions, suites and groups.

    Raises:
        ConnectError: The first connection could not be made; later ones end the search.
    """
    found = Matrix()
    inquiry = _Inquiry(goal, found, most, pause, progress)
    try:
        _versions(inquiry)
        for version, answer in found.versions.items():
            if answer.taken:
                _suites(inquiry, version)
        for version in _one_of_each_kind(found.suites):
            _groups(inquiry, version)
        _order(inquiry)
    except _EnoughError as end:
        found.stopped = str(end)
    return found


@dataclass(slots=True)
class _Inquiry:
    goal: Goal
    found: Matrix
    most: int
    pause: float
    progress: Callable[[int], None] | None

    def ask(
        self,
        version: ProtocolVersion,
        suites: Iterable[CipherSuite],
        groups: Iterable[NamedGroup],
    ) -> Answer:
        """One question, after a pause."""
        found = self.found
        if found.asked >= self.most:
            raise _EnoughError(f"{self.most} connections were made, which is the limit (--most)")
        if found.asked:
            time.sleep(self.pause)
        question = Question((version,), tuple(suites), tuple(groups), self.goal.server_name)
        try:
            attempt = with_hello(asking(question), enough=decided)(self.goal)
        except ConnectError as error:
            if not found.asked:
                raise
            raise _EnoughError(str(error)) from error
        found.asked += 1
        found.recordings.append(attempt.recording)
        if self.progress:
            self.progress(found.asked)
        return _answer(story_of(attempt.recording), version)


def story_of(recording: Recording) -> Story:
    """The story of a recording, as it stands."""
    return next(iter(Analysis([io.BytesIO(written([recording]))]).judged())).story


def decided(recording: Recording) -> bool:
    """Whether the server has said all that it says without a client: its flight, or an alert."""
    story = story_of(recording)
    done = any(message.name == "server_hello_done" for message in story.messages)
    return done or bool(story.alerts) or story.retry is not None or story.tls13


def _answer(story: Story, version: ProtocolVersion) -> Answer:
    choice = story.choice or story.retry
    if choice is None:
        alert = story.alerts[0].description if story.alerts else None
        return Answer(False, _refusal(story), alert=alert)
    if choice.version.rank != version.rank:
        return Answer(False, f"chose {choice.version_name}, which was not offered")
    group = choice.group or (story.server_key_exchange.group if story.server_key_exchange else None)
    return Answer(True, "taken", choice.cipher_suite, group, _curve(story))


def _curve(story: Story) -> NamedGroup | None:
    leaf = story.server_chain.leaf if story.server_chain else None
    return next((group for group in _CURVES if leaf and group.label == leaf.curve), None)


def _refusal(story: Story) -> str:
    if story.alerts and story.alerts[0].description is not None:
        description = story.alerts[0].description
        return f"alert {description.label} ({description.value})"
    if story.openings[Side.SERVER] not in {Opening.NOTHING, Opening.TLS}:
        return "answered without TLS"
    ways = {Way.FIN: "closed the connection", Way.RST: "reset the connection"}
    return ways.get(story.ending.way, "no answer")


def candidates(version: ProtocolVersion) -> list[CipherSuite]:
    """The suites worth asking for in a version, the common ones first.

    They are those that certificates are enough for.
    """
    found = [suite for suite in CipherSuite if _is_candidate(suite, version)]
    return sorted(found, key=_rarity)


def _rarity(suite: CipherSuite) -> tuple[bool, bool, bool, bool]:
    facts = facts_of(suite)
    usual = facts.cipher.startswith(("AES", "CHACHA20")) and not facts.mode.startswith("CCM")
    return facts.weak, not usual, not facts.forward_secret, not facts.aead


def _portions(suites: list[CipherSuite]) -> list[list[CipherSuite]]:
    """Some servers, and boxes before them, fail on hellos with very many suites."""
    return [suites[at : at + _AT_ONCE] for at in range(0, len(suites), _AT_ONCE)]


def _is_candidate(suite: CipherSuite, version: ProtocolVersion) -> bool:
    facts = facts_of(suite)
    if not suite.registered or facts.scsv or not facts.allowed_in(version):
        return False
    if facts.key_exchange == "TLS13":
        return suite.value <= 0x1305
    common = facts.openssl_name is not None or facts.export
    return facts.key_exchange in _EXCHANGES and common and not suite.label.endswith(_ODD)


def _groups_for(version: ProtocolVersion) -> tuple[NamedGroup, ...]:
    return _GROUPS_13 if version == _V.TLS1_3 else _CURVES


def _versions(inquiry: _Inquiry) -> None:
    for version in VERSIONS:
        for suites in _portions(candidates(version)):
            answer = inquiry.ask(version, suites, _groups_for(version))
            inquiry.found.versions[version] = answer
            if answer.taken or answer.alert is not AlertDescription.HANDSHAKE_FAILURE:
                break


def _suites(inquiry: _Inquiry, version: ProtocolVersion) -> None:
    taken = inquiry.found.suites.setdefault(version, [])
    for left in _portions(candidates(version)):
        while left:
            answer = inquiry.ask(version, left, _groups_for(version))
            if answer.suite not in left:
                break
            taken.append(answer.suite)
            left.remove(answer.suite)


def _one_of_each_kind(versions: Iterable[ProtocolVersion]) -> list[ProtocolVersion]:
    """TLS 1.3 and the highest before it: servers have one list of groups for all of those."""
    listed = list(versions)
    return [v for v in listed if v == _V.TLS1_3] + [v for v in listed if v != _V.TLS1_3][:1]


def _groups(inquiry: _Inquiry, version: ProtocolVersion) -> None:
    suites = [s for s in inquiry.found.suites[version] if facts_of(s).needs_group]
    left = list(_groups_for(version))
    taken = inquiry.found.groups.setdefault(version, [])
    curve: NamedGroup | None = None
    while left and suites:
        answer = inquiry.ask(version, suites, left)
        if answer.group not in left:
            break
        curve = answer.curve
        taken.append(answer.group)
        left.remove(answer.group)
    if curve is not None and curve in taken:
        _groups_beside(inquiry, version, suites, left, curve)


def _groups_beside(
    inquiry: _Inquiry,
    version: ProtocolVersion,
    suites: list[CipherSuite],
    left: list[NamedGroup],
    curve: NamedGroup,
) -> None:
    """Ask again beside the certificate's curve: without it no ECDSA suite fits (RFC 8422 5.1)."""
    for group in left:
        if inquiry.ask(version, suites, (group, curve)).group == group:
            inquiry.found.groups[version].append(group)


def _order(inquiry: _Inquiry) -> None:
    """Turn the offer round: a server with an order of its own chooses the same again."""
    for version, suites in inquiry.found.suites.items():
        if len(suites) > 1:
            both = (suites, suites[::-1])
            first, second = (inquiry.ask(version, s, _groups_for(version)).suite for s in both)
            inquiry.found.own_order = first == second
            return

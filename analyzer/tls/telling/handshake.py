"""The passive handshake tracker: tables, and nothing that reads packets.

Rule 1: every legal step is a row of a table. No ``if`` elsewhere decides what may follow what.

Rule 2: this module never rejects. A stack must stop at a bad message; an observer writes it down
and keeps watching. A step that no row allows is kept as a :class:`Surprise` with what *was* allowed.

Message names are IANA's. Under encryption the caller says what it inferred.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from analyzer.tcp.timeline import Side


class State(enum.Enum):
    """Where a handshake stands, named by what was last completed."""

    __hash__ = object.__hash__  # members are single; the default hashes their names each time

    START = enum.auto()
    OFFERED = enum.auto()
    RETRIED = enum.auto()
    ANSWERED = enum.auto()
    CERTIFIED = enum.auto()
    STAPLED = enum.auto()
    KEYED = enum.auto()
    REQUESTED = enum.auto()
    SERVER_DONE = enum.auto()
    SERVER_DONE_ASKING = enum.auto()
    CLIENT_CERTIFIED = enum.auto()
    CLIENT_KEYED = enum.auto()
    CLIENT_VERIFIED = enum.auto()
    CLIENT_SWITCHED = enum.auto()
    CLIENT_FINISHED = enum.auto()
    TICKETED = enum.auto()
    SERVER_SWITCHED = enum.auto()
    RESUMED_TICKETED = enum.auto()
    RESUMED_SWITCHED = enum.auto()
    RESUMED_FINISHED = enum.auto()
    RESUMED_CLIENT_SWITCHED = enum.auto()
    SEALED = enum.auto()  # TLS 1.3 after ServerHello
    SEALED_EXTENSIONS = enum.auto()
    SEALED_REQUESTED = enum.auto()
    SEALED_CERTIFIED = enum.auto()
    SEALED_VERIFIED = enum.auto()
    SEALED_DONE = enum.auto()
    SEALED_DONE_ASKING = enum.auto()
    SEALED_CLIENT_CERTIFIED = enum.auto()
    SEALED_CLIENT_EMPTY = enum.auto()
    SEALED_CLIENT_VERIFIED = enum.auto()
    ESTABLISHED = enum.auto()


Move = tuple[Side, str]
_C, _S = Side.CLIENT, Side.SERVER
_Table = Mapping[State, Mapping[Move, State]]

# RFC 5246 section 7.3 figures 1 and 2, with RFC 5077 section 3.3 (NewSessionTicket) and RFC 6066
# section 8 (CertificateStatus). SSL 3.0 to TLS 1.2.
_CLASSIC: Final[_Table] = {
    State.START: {(_C, "client_hello"): State.OFFERED, (_S, "hello_request"): State.START},
    State.OFFERED: {
        (_S, "server_hello"): State.ANSWERED,
        (_S, "hello_retry_request"): State.RETRIED,
    },
    State.RETRIED: {(_C, "client_hello"): State.OFFERED},
    State.ANSWERED: {
        (_S, "certificate"): State.CERTIFIED,
        (_S, "supplemental_data"): State.ANSWERED,
        (_S, "server_key_exchange"): State.KEYED,  # anonymous and PSK suites
        (_S, "server_hello_done"): State.SERVER_DONE,  # plain PSK
        (_S, "new_session_ticket"): State.RESUMED_TICKETED,
        (_S, "change_cipher_spec"): State.RESUMED_SWITCHED,
    },
    State.CERTIFIED: {
        (_S, "certificate_status"): State.STAPLED,
        (_S, "server_key_exchange"): State.KEYED,
        (_S, "certificate_request"): State.REQUESTED,
        (_S, "server_hello_done"): State.SERVER_DONE,
    },
    State.STAPLED: {
        (_S, "server_key_exchange"): State.KEYED,
        (_S, "certificate_request"): State.REQUESTED,
        (_S, "server_hello_done"): State.SERVER_DONE,
    },
    State.KEYED: {
        (_S, "certificate_request"): State.REQUESTED,
        (_S, "server_hello_done"): State.SERVER_DONE,
    },
    State.REQUESTED: {(_S, "server_hello_done"): State.SERVER_DONE_ASKING},
    State.SERVER_DONE: {(_C, "client_key_exchange"): State.CLIENT_KEYED},
    State.SERVER_DONE_ASKING: {
        (_C, "certificate"): State.CLIENT_CERTIFIED,
        (_C, "client_key_exchange"): State.CLIENT_KEYED,  # SSL 3.0 warns instead
    },
    State.CLIENT_CERTIFIED: {(_C, "client_key_exchange"): State.CLIENT_KEYED},
    State.CLIENT_KEYED: {
        (_C, "certificate_verify"): State.CLIENT_VERIFIED,
        (_C, "change_cipher_spec"): State.CLIENT_SWITCHED,
    },
    State.CLIENT_VERIFIED: {(_C, "change_cipher_spec"): State.CLIENT_SWITCHED},
    State.CLIENT_SWITCHED: {(_C, "finished"): State.CLIENT_FINISHED},
    State.CLIENT_FINISHED: {
        (_S, "new_session_ticket"): State.TICKETED,
        (_S, "change_cipher_spec"): State.SERVER_SWITCHED,
    },
    State.TICKETED: {(_S, "change_cipher_spec"): State.SERVER_SWITCHED},
    State.SERVER_SWITCHED: {(_S, "finished"): State.ESTABLISHED},
    State.RESUMED_TICKETED: {(_S, "change_cipher_spec"): State.RESUMED_SWITCHED},
    State.RESUMED_SWITCHED: {(_S, "finished"): State.RESUMED_FINISHED},
    State.RESUMED_FINISHED: {(_C, "change_cipher_spec"): State.RESUMED_CLIENT_SWITCHED},
    State.RESUMED_CLIENT_SWITCHED: {(_C, "finished"): State.ESTABLISHED},
}

# RFC 8446 section 2, figures 1 to 4. EndOfEarlyData belongs to the client's flight.
_SEALED: Final[_Table] = {
    State.SEALED: {(_S, "encrypted_extensions"): State.SEALED_EXTENSIONS},
    State.SEALED_EXTENSIONS: {
        (_S, "certificate_request"): State.SEALED_REQUESTED,
        (_S, "certificate"): State.SEALED_CERTIFIED,
        (_S, "compressed_certificate"): State.SEALED_CERTIFIED,
        (_S, "finished"): State.SEALED_DONE,
    },
    State.SEALED_REQUESTED: {
        (_S, "certificate"): State.SEALED_CERTIFIED,
        (_S, "compressed_certificate"): State.SEALED_CERTIFIED,
    },
    State.SEALED_CERTIFIED: {(_S, "certificate_verify"): State.SEALED_VERIFIED},
    State.SEALED_VERIFIED: {(_S, "finished"): State.SEALED_DONE},
    State.SEALED_DONE: {
        (_C, "end_of_early_data"): State.SEALED_DONE,
        (_C, "certificate"): State.SEALED_CLIENT_CERTIFIED,
        (_C, "compressed_certificate"): State.SEALED_CLIENT_CERTIFIED,
        (_C, "empty_certificate"): State.SEALED_CLIENT_EMPTY,
        (_C, "finished"): State.ESTABLISHED,
    },
    State.SEALED_DONE_ASKING: {
        (_C, "certificate"): State.SEALED_CLIENT_CERTIFIED,
        (_C, "compressed_certificate"): State.SEALED_CLIENT_CERTIFIED,
        (_C, "empty_certificate"): State.SEALED_CLIENT_EMPTY,
    },
    State.SEALED_CLIENT_CERTIFIED: {(_C, "certificate_verify"): State.SEALED_CLIENT_VERIFIED},
    State.SEALED_CLIENT_EMPTY: {(_C, "finished"): State.ESTABLISHED},
    State.SEALED_CLIENT_VERIFIED: {(_C, "finished"): State.ESTABLISHED},
    State.ESTABLISHED: {},
}

TRANSITIONS: Final[_Table] = {**_CLASSIC, **_SEALED}

_FOLLOWING: Final = {
    (state, *move): following
    for state, row in TRANSITIONS.items()
    for move, following in row.items()
}
_ALLOWED: Final = {state: frozenset(TRANSITIONS.get(state, {})) for state in State}

_AWAITED: Final = {
    state: frozenset([move for move in moves if move[1] != "hello_request"])
    for state, moves in _ALLOWED.items()
}


@dataclass(frozen=True, slots=True)
class Surprise:
    """A step that no row allows, and those that were allowed."""

    at: State
    got: Move
    allowed: frozenset[Move]
    frame: int


@dataclass(slots=True)
class HandshakeTracker:
    """Feed it steps in order of arrival; read ``state`` and ``surprises``."""

    state: State = State.START
    surprises: list[Surprise] = field(default_factory=list)
    path: list[tuple[int, State]] = field(default_factory=list)  # every state, and its frame

    def observe(self, side: Side, name: str, *, frame: int) -> State:
        """Take one step; ``frame`` is that of the packet which completed it."""
        following = _FOLLOWING.get((self.state, side, name))
        if following is None:
            self.surprises.append(Surprise(self.state, (side, name), self.allowed(), frame))
        else:
            self.reach(following, frame)
        return self.state

    def seal(self, *, frame: int) -> None:
        """Go on in TLS 1.3: what follows ServerHello is encrypted."""
        self.reach(State.SEALED, frame)

    def conclude(self, side: Side, *, asking: bool, frame: int) -> None:
        """Take a side's TLS 1.3 flight as complete, whatever steps of it could be told apart."""
        if side is Side.CLIENT:
            self.reach(State.ESTABLISHED, frame)
        else:
            self.reach(State.SEALED_DONE_ASKING if asking else State.SEALED_DONE, frame)

    def reach(self, state: State, frame: int) -> None:
        """Stand here from ``frame`` on, whatever led to it."""
        self.state = state
        self.path.append((frame, state))

    def allowed(self) -> frozenset[Move]:
        """Who may speak now, and what they may say."""
        return _ALLOWED[self.state]

    def awaited(self) -> frozenset[Move]:
        """The same but for HelloRequest, which nobody waits for."""
        return _AWAITED[self.state]

    def awaited_at(self, frame: int) -> frozenset[Move]:
        """The same, as it was then: what came later was no longer waited for."""
        state = State.START
        for reached, following in self.path:
            if reached > frame:
                break
            state = following
        return _AWAITED[state]

"""What a capture hides of a connection: bytes, sides, beginnings and ends."""

from __future__ import annotations

from typing import Final

from analyzer.tcp.closing import initial_sequence
from analyzer.tcp.evidence import FIN, Evidence, Half
from analyzer.tcp.reassembly import Stream
from analyzer.tcp.sequence import distance
from analyzer.tcp.timeline import Side, Timeline
from analyzer.tls.record.encrypted import Reading
from analyzer.tls.telling.conversation import Conversation
from analyzer.tls.telling.directions import Directions
from analyzer.tls.telling.unsealed import hidden_unsealed

# With a hole among them, the lengths of a client's records prove no Finished.
GARBLES: Final = frozenset({"client_bytes", "snap_length"})
# Without these nobody can say whether a handshake completed.
HIDES_COMPLETION: Final = frozenset(
    {
        *("start", "end", "client_side", "server_side", "client_bytes", "server_bytes"),
        *("snap_length", "record_lengths"),
    }
)


def what_is_hidden(
    evidence: Evidence,
    client: int,
    timeline: Timeline,
    bytes_: Directions,
    talk: Conversation,
    reading: Reading | None,
) -> frozenset[str]:
    """Names of :data:`~analyzer.tls.story.HIDDEN` that apply; ``client`` is the client's half."""
    sent, answered = bytes_.streams[Side.CLIENT], bytes_.streams[Side.SERVER]
    tests = (
        ("start", not (timeline.syn or timeline.syn_ack or _from_hello(talk))),
        ("end", timeline.end == "open"),
        ("client_side", timeline.packets[Side.CLIENT] == 0),
        ("server_side", timeline.packets[Side.SERVER] == 0),
        ("client_bytes", _unseen(evidence, client) or _lost(sent, "lost")),
        (
            "server_bytes",
            _unseen(evidence, 1 - client) or _lost(answered, "lost") or _unheard(talk),
        ),
        ("record_lengths", reading is not None and reading.padded and talk.decryptor is None),
        ("snap_length", _lost(sent, "snaplen") or _lost(answered, "snaplen")),
    )
    hidden = frozenset([name for name, hidden in tests if hidden])
    return hidden | hidden_unsealed(talk) if talk.tls13 else hidden


def _unseen(evidence: Evidence, index: int) -> bool:
    """Whether more bytes of an endpoint were sent than captured, by its FIN or by what its peer got.

    A hole at the end leaves no gap between pieces. Asked only where all payload was kept.
    """
    half, peer = evidence.halves[index], evidence.halves[1 - index]
    if half.base is None or half.left_out:
        return False
    known = initial_sequence(evidence, index)
    if known is None and _heard_before(peer, half.base + 1):
        return True
    base = half.base if known is None else known
    # A FIN counts as one in what the peer acknowledges, captured or not.
    got = peer.acknowledged
    if got is not None and distance(got, base) - 2 > half.payload:
        return True
    closing = [e for e in evidence.events if e.half == index and e.flags & FIN]
    # Who is first seen closing may have said anything before.
    if known is None and closing and closing[0].frame == half.first_frame:
        return True
    return any(distance(e.sequence, base) - 1 > half.payload for e in closing)


def _heard_before(peer: Half, first: int) -> bool:
    """Whether a side that is first captured with this byte had been less far when its peer spoke.

    Its capture may have begun later than that of its peer.
    """
    heard = (number for piece in peer.pieces for number in piece.acknowledgments if number >= 0)
    return any(distance(first, number) > 0 for number in heard)


def _from_hello(talk: Conversation) -> bool:
    """Whether the first message captured is the one that begins a handshake."""
    first = next((message.name for message in talk.messages), "")
    return bool(talk.offers) and first == "client_hello"


def _unheard(talk: Conversation) -> bool:
    """Whether the client went on as only an answered client does, and no answer was captured.

    Early data follows the hello at once (RFC 8446 section 4.2.10).
    """
    if not talk.offers or talk.offers[0].early_data or talk.choice is not None or talk.retry:
        return False
    return any(m.sender is Side.CLIENT and m.name in _SECOND for m in talk.messages)


_SECOND: Final = frozenset({"change_cipher_spec", "application_data", "client_key_exchange"})


def _lost(stream: Stream, kind: str) -> bool:
    return bool(stream.gaps) and any(gap.kind == kind for gap in stream.gaps)

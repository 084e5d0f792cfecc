"""OpenVPN over TCP: packets of a control channel that carry TLS, and of a data channel that do not.

::

    uint16 length;                 // of the rest; over TCP only
    uint5 opcode; uint3 key_id;
    opaque session_id[8];          // from here on packets of the control channel alone
    opaque hmac[n];                // with tls-auth: n is the size of a digest
    uint32 replay_id; uint32 time; // with tls-auth
    uint8 acks; uint32 acked[acks];
    opaque peer_session_id[8];     // where acks > 0
    uint32 message_id;             // not in P_ACK_V1
    opaque payload[];

as OpenVPN's ``ssl_pkt.h``, ``reliable.c`` and ``doc/doxygen/doc_protocol_overview.h`` have it. Each
message is sent until it is acknowledged, over TCP as well: one may come twice. With tls-crypt all
behind the session is encrypted, and nothing here finds a message in it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

_CONTROL, _RESET_CLIENT, _RESET_SERVER = 4, 7, 8  # P_CONTROL_V1, P_CONTROL_HARD_RESET_…_V2
_DATA: Final = frozenset({6, 9})  # P_DATA_V1, P_DATA_V2
_PACKETS_MOST: Final = 4096  # of a direction that are looked into
_LENGTH: Final = 2
_SESSION: Final = 8
_DIGESTS: Final = (16, 20, 28, 32, 48, 64)  # bytes: MD5, SHA-1, SHA-224, -256, -384, -512
_REPLAY: Final = 8  # bytes: number and time

# The beginning of a client: P_CONTROL_HARD_RESET_CLIENT for the key 0, in version 2, or in version 3 with
# the client's key wrapped behind it; and of a server that answers it.
_ASKED: Final = re.compile(rb"\0[\x0e-\xff]\x38|[\0-\x05][\s\S]\x50")
_ANSWERED: Final = re.compile(rb"\0[\x0e-\xff]\x40|\Z")


class _Packet(NamedTuple):
    """Where a packet lies, without its length; ``end`` may be behind what was captured."""

    begin: int
    end: int
    opcode: int
    key: int


class _Message(NamedTuple):
    """What a packet of the control channel says."""

    number: int
    begin: int  # of its payload
    end: int


def is_openvpn(asked: bytes, answered: bytes) -> bool:
    """Whether both sides begin as OpenVPN over TCP does, whatever protects its control channel."""
    return bool(_ASKED.match(asked) and _ANSWERED.match(answered))


def control_channel(data: bytes) -> Iterator[slice]:
    """Where the payloads of a side's first TLS session lie, in the order of their numbers.

    Nothing where the side does not begin with the reset that opens a session, in clear. A soft
    reset begins another session of TLS, with a key of another number: that one is left out.
    """
    packets = _packets(data)
    first = next(packets, None)
    protection = None if first is None else _protection(data, first)
    if first is None or protection is None:
        return
    session = data[first.begin + 1 : first.begin + 1 + _SESSION]
    payloads: dict[int, slice] = {}
    for packet in packets:
        own = data[packet.begin + 1 : packet.begin + 1 + _SESSION] == session
        if own and (packet.opcode, packet.key) == (_CONTROL, 0):
            message = _message(data, packet, protection)
            if message is not None:
                payloads.setdefault(message.number, slice(message.begin, message.end))
    number = 1  # the reset was number 0
    while number in payloads:
        yield payloads[number]
        number += 1


def beside_control_channel(data: bytes) -> Iterator[slice]:
    """What belongs to no packet of the first session's control channel, and what cannot be read."""
    at = 0
    for packet in _packets(data):
        at = min(packet.end, len(data))
        if packet.opcode in _DATA or packet.key:
            yield slice(packet.begin + 1, at)
    yield slice(at, len(data))


def _packets(data: bytes) -> Iterator[_Packet]:
    at = 0
    for _ in range(_PACKETS_MOST):
        begin = at + _LENGTH
        at = begin + int.from_bytes(data[at:begin])
        if begin >= len(data) or at == begin:
            return
        yield _Packet(begin, at, data[begin] >> 3, data[begin] & 7)


def _protection(data: bytes, reset: _Packet) -> int | None:
    """Bytes of tls-auth in a side's packets; None where its reset cannot be read with any.

    A reset holds nothing behind its number, which is 0: of all sizes one fits.
    """
    if reset.opcode not in {_RESET_CLIENT, _RESET_SERVER} or reset.key:
        return None
    for protection in (0, *(digest + _REPLAY for digest in _DIGESTS)):
        message = _message(data, reset, protection)
        if message is not None and not message.number and message.begin == reset.end:
            return protection
    return None


def _message(data: bytes, packet: _Packet, protection: int) -> _Message | None:
    at = packet.begin + 1 + _SESSION + protection
    acks = data[at] if at < len(data) else 0
    at += 1 + (4 * acks + _SESSION if acks else 0)
    end = min(packet.end, len(data))
    if at + 4 > end:
        return None
    (number,) = struct.unpack_from(">I", data, at)
    return _Message(number, at + 4, end)

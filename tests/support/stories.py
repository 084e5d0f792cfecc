"""Stories of connections, told by the real teller from what a scene sends.

A :class:`Scene` is written as it happens: who sends what, who closes, what is lost. Its ``story()``
passes through reassembly, records and decoders, so that every field of a story agrees with every
other. What no wire can show in two lines is changed afterwards: ``a_story(neighbours=…)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from analyzer.tcp.evidence import (
    ACK,
    FIN,
    RST,
    SYN,
    Endpoint,
    Evidence,
    Half,
    IcmpEvent,
    Piece,
    TcpEvent,
)
from analyzer.tcp.timeline import Side
from analyzer.tls.story import Story
from analyzer.tls.telling.tell import tell
from tests.support import messages as m

CLIENT, SERVER = Side.CLIENT, Side.SERVER
START = 1_781_524_800_000_000_000  # 2026-06-15T12:00:00Z
MILLISECOND = 1_000_000
SECOND = 1_000 * MILLISECOND
LATER = 60.0  # seconds for which the capture goes on after the connection
_TTL = {CLIENT: 64, SERVER: 57}


@dataclass
class _End:
    """What one end has sent so far."""

    next: int
    pieces: list[Piece] = field(default_factory=list)
    packets: int = 0
    payload: int = 0
    acknowledged: int | None = None
    first: tuple[int, int] | None = None
    last: tuple[int, int] | None = None
    base: int = 0

    def __post_init__(self) -> None:
        self.base = self.next

    def half(self) -> Half:
        first, last = self.first or (None, None), self.last or (None, None)
        return Half(
            pieces=tuple(self.pieces),
            packets=self.packets,
            payload=self.payload,
            acknowledged=self.acknowledged,
            first_frame=first[0],
            first_time=first[1],
            last_frame=last[0],
            last_time=last[1],
            base=self.base if self.packets else None,
        )


class Scene:
    """One connection as it happens. Every method that sends takes a frame and returns the scene."""

    def __init__(self) -> None:
        self.time = START
        self.frame = 0
        self._ends = {CLIENT: _End(1000), SERVER: _End(5000)}
        self._events: list[TcpEvent] = []
        self._icmp: list[IcmpEvent] = []

    # --- TCP ----------------------------------------------------------------------------------

    def connect(self) -> Scene:
        """Exchange SYN, SYN-ACK, ACK."""
        return self.syn().answer().ack(CLIENT)

    def answer(self) -> Scene:
        """The server's SYN-ACK; called again, its retransmission."""
        self._ends[SERVER].next = 5000
        return self._event(SERVER, SYN | ACK)

    def syn(self) -> Scene:
        """The client's SYN; called again, its retransmission."""
        if self._ends[CLIENT].next > 1000:
            self._ends[CLIENT].next -= 1
        return self._event(CLIENT, SYN)

    def ack(self, side: Side) -> Scene:
        """Acknowledge all that the peer has sent."""
        self._packet(side)
        self._ends[side].acknowledged = self._ends[side.peer].next
        return self

    def wait(self, seconds: float) -> Scene:
        """Let time pass."""
        self.time += int(seconds * SECOND)
        return self

    def fin(self, side: Side, *, captured: bool = True) -> Scene:
        """Close a side; called again, the retransmission of it. Not ``captured``: the peer got it."""
        if not captured:
            self._ends[side].next += 1
            self._ends[side.peer].acknowledged = self._ends[side].next
            return self
        half = 0 if side is CLIENT else 1
        if any(e.half == half and e.flags & FIN for e in self._events):
            self._ends[side].next -= 1
        return self._event(side, FIN | ACK)

    def rst(self, side: Side, ttl: int | None = None, *, bare: bool = False) -> Scene:
        """Reset the connection in the name of a side; ``bare``: without acknowledgment."""
        return self._event(side, RST if bare else RST | ACK, ttl)

    def icmp(self, type_: int, code: int, reporter: str = "203.0.113.1", version: int = 4) -> Scene:
        """An ICMP error about what the client sent."""
        self._step()
        self._icmp.append(IcmpEvent(0, self.frame, self.time, reporter, type_, code, version, None))
        return self

    # --- payload ------------------------------------------------------------------------------

    def client(self, *data: bytes, **how: Any) -> Scene:
        """The client sends a segment; see :meth:`say`."""
        return self.say(CLIENT, b"".join(data), **how)

    def server(self, *data: bytes, **how: Any) -> Scene:
        """The server sends a segment; see :meth:`say`."""
        return self.say(SERVER, b"".join(data), **how)

    def say(
        self, side: Side, data: bytes, *, received: bool = True, captured: bool = True, cut: int = 0
    ) -> Scene:
        """Send a segment.

        Not ``received``: the peer never acknowledges it. Not ``captured``: the capture missed it.
        ``cut``: bytes at its end that the snap length took.
        """
        end = self._ends[side]
        begin, end.next = end.next, end.next + len(data)
        if captured:
            self._segment(side, begin, data, cut)
        if received:
            self._ends[side.peer].acknowledged = end.next
        return self

    def again(self, side: Side) -> Scene:
        """Send the last segment of a side once more."""
        last = self._ends[side].pieces[-1]
        return self._segment(side, last.sequence, last.data, last.uncaptured)

    def instead(self, side: Side, data: bytes) -> Scene:
        """Send these bytes under the numbers of the last ones of a side."""
        return self._segment(side, self._ends[side].next - len(data), data, 0)

    def overtaken(self, side: Side, data: bytes) -> Scene:
        """A side's last segment comes to the capture behind its FIN (it was lost, or waited)."""
        return self._segment(side, self._ends[side].next - 1 - len(data), data, 0)

    def crossed(self) -> Scene:
        """The last two packets without payload (FIN, RST) come to the capture the other way round."""
        *before, one, other = self._events
        late = one._replace(frame=other.frame, time=other.time)
        self._events = [*before, other._replace(frame=one.frame, time=one.time), late]
        return self

    def _segment(self, side: Side, begin: int, data: bytes, cut: int) -> Scene:
        self._packet(side)
        kept = data[: len(data) - cut]
        heard = self._ends[side].acknowledged
        at = (self.frame,), (self.time,), (-1 if heard is None else heard,)
        self._ends[side].pieces.append(Piece(begin, kept, (len(kept),), *at, uncaptured=cut))
        self._ends[side].payload += len(data)
        return self

    def _event(self, side: Side, flags: int, ttl: int | None = None) -> Scene:
        self._packet(side)
        mine, other = self._ends[side], self._ends[side.peer]
        acknowledged = other.next if flags & ACK else 0
        half = 0 if side is CLIENT else 1
        self._events.append(
            TcpEvent(
                half=half,
                frame=self.frame,
                time=self.time,
                flags=flags,
                sequence=mine.next,
                acknowledgment=acknowledged,
                ttl=_TTL[side] if ttl is None else ttl,
                ip_id=self.frame,
                window=65_535,
                mss=1460 if flags & SYN else -1,
                length=0,
            )
        )
        if flags & (SYN | FIN):
            mine.next += 1
        if flags & ACK and not flags & RST:
            mine.acknowledged = other.next
        return self

    def _packet(self, side: Side) -> None:
        self._step()
        end = self._ends[side]
        end.packets += 1
        end.first = end.first or (self.frame, self.time)
        end.last = (self.frame, self.time)

    def _step(self) -> None:
        self.frame += 1
        self.time += 10 * MILLISECOND

    # --- the end ------------------------------------------------------------------------------

    def evidence(self) -> Evidence:
        """What the capture holds of it."""
        return Evidence(
            stream=0,
            endpoints=(Endpoint("192.0.2.10", 50_000), Endpoint("198.51.100.20", 443)),
            halves=(self._ends[CLIENT].half(), self._ends[SERVER].half()),
            events=tuple(self._events),
            icmp=tuple(self._icmp),
        )

    def only(self, side: Side) -> Scene:
        """Forget all packets of the other side: the capture saw one direction."""
        lost = self._ends[side.peer]
        self._ends[side.peer] = _End(lost.next)
        half = 0 if side is CLIENT else 1
        self._events = [event for event in self._events if event.half == half]
        return self

    def heard_last(self, side: Side) -> Scene:
        """Forget what a side sent before its last segment: its direction was captured from there on."""
        end, half = self._ends[side], 0 if side is CLIENT else 1
        (last,) = end.pieces = end.pieces[-1:]
        begun = last.frames[0]
        self._events = [e for e in self._events if e.half != half or e.frame >= begun]
        end.first, end.base = (begun, last.times[0]), last.sequence - 1
        end.payload = len(last.data)
        end.packets = 1 + sum(e.half == half for e in self._events)
        return self

    def late(self) -> Scene:
        """Forget SYN and SYN-ACK: the capture began after them."""
        self._events = [event for event in self._events if not event.flags & SYN]
        return self

    def story(self, later: float = LATER, **changes: Any) -> Story:
        """Tell it; the capture goes on for ``later`` seconds. Then apply ``changes``."""
        told = tell(self.evidence(), self.time + int(later * SECOND))
        return replace(told, **changes) if changes else told


Act = Callable[[Scene], Scene]


def connected() -> Scene:
    """A TCP connection, nothing said yet."""
    return Scene().connect()


def offered(hello: bytes | None = None) -> Scene:
    """TCP and a ClientHello that the server has acknowledged."""
    return connected().client(m.client_hello() if hello is None else hello).ack(SERVER)


def hello_only() -> Scene:
    """TLS 1.2 up to ServerHello: the server has chosen, and shown no certificate yet."""
    return offered().server(m.record(m.HANDSHAKE, m.server_hello())).ack(CLIENT)


def answered(
    *, asking: bool = False, ders: tuple[bytes, ...] | None = None, alpn: tuple[str, ...] = ()
) -> Scene:
    """TLS 1.2 up to the end of the server's flight."""
    return (
        offered(m.client_hello(alpn=alpn))
        .server(m.server_flight(asking=asking, ders=ders))
        .ack(CLIENT)
    )


def finished_by_client(*, shown: tuple[bytes, ...] | None = None) -> Scene:
    """TLS 1.2 up to the client's Finished; ``shown`` answers a CertificateRequest."""
    return answered(asking=shown is not None).client(m.client_flight(shown=shown)).ack(SERVER)


def established(*, shown: tuple[bytes, ...] | None = None) -> Scene:
    """A complete TLS 1.2 handshake, no data yet."""
    return finished_by_client(shown=shown).server(m.finished()).ack(CLIENT)


def used(scene: Scene | None = None) -> Scene:
    """Application data in both directions of a TLS 1.2 connection."""
    return (scene or established()).client(m.data()).server(m.data(900)).ack(CLIENT)


def closed(scene: Scene) -> Scene:
    """An orderly close of a TLS 1.2 connection, the client first."""
    return scene.client(m.sealed_alert()).fin(CLIENT).server(m.sealed_alert()).fin(SERVER)


def answered13(*, asking: bool = False, alpn: tuple[str, ...] = ()) -> Scene:
    """TLS 1.3 up to the server's Finished; the certificate has about 900 bytes."""
    flight = (6, 60, 900, 79, m.FINISHED_13) if asking else (6, 900, 79, m.FINISHED_13)
    hello = m.record(m.HANDSHAKE, m.server_hello_13())
    scene = offered(m.client_hello_13(alpn=alpn))
    return scene.server(hello, m.switch(), m.sealed(*flight)).ack(CLIENT)


def retried() -> Scene:
    """TLS 1.3 up to a HelloRetryRequest."""
    asked = m.record(m.HANDSHAKE, m.hello_retry_request())
    return offered(m.client_hello_13()).server(asked).ack(CLIENT)


def established13(*, tickets: bool = True, shown: int | None = None) -> Scene:
    """A complete TLS 1.3 handshake; ``shown`` is the length of the client's Certificate."""
    scene = answered13(asking=shown is not None)
    proof = () if shown is None else ((8,) if shown == 0 else (shown, 79))
    scene.client(m.switch(), m.sealed(*proof, m.FINISHED_13)).ack(SERVER)
    return scene.server(m.sealed(234), m.sealed(234)).ack(CLIENT) if tickets else scene


def a_story(**changes: Any) -> Story:
    """A healthy TLS 1.2 connection from 192.0.2.10:50000 to 198.51.100.20:443, used and closed."""
    return closed(used()).story(**changes)


def tls13(**changes: Any) -> Story:
    """The same in TLS 1.3."""
    scene = established13().client(m.sealed(120)).server(m.sealed(900)).ack(CLIENT)
    scene.client(m.sealed(2)).fin(CLIENT).server(m.sealed(2)).fin(SERVER)
    return scene.story(**changes)


def refused_connect(ttl: int | None = None) -> Story:
    """RST answers the SYN."""
    return Scene().syn().rst(SERVER, ttl).story()


def hello_unanswered(way: str = "fin", side: Side = SERVER, after: float = 0.0) -> Story:
    """A ClientHello, and then a side leaves by ``fin`` or ``rst``, or nobody does (``silence``)."""
    return ended(offered(), way, side, after)


def ended(scene: Scene, way: str, side: Side, after: float = 0.0) -> Story:
    """What happened so far, and then a side leaves by ``fin`` or ``rst``, or there is silence."""
    scene.wait(after)
    if way == "silence":
        return scene.story()
    return (scene.fin(side) if way == "fin" else scene.rst(side)).story()


def alerted(scene: Scene, side: Side, description: int, level: int = 2) -> Story:
    """What happened so far, and then a side sends an alert in clear and closes."""
    return scene.say(side, m.alert(description, level)).fin(side).fin(side.peer).story()

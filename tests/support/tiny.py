"""The smallest captures that mean something, made byte by byte: no program, no key, no clock."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable

import dpkt

CLIENT, SERVER = (b"\x0a\x01\x01\x05", 51234), (b"\x0a\x02\x02\x02", 443)
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
START = 1_767_225_600.0  # 2026-01-01T00:00:00Z


class Talk:
    """One connection, packet by packet; ``packets`` are (seconds, Ethernet frame)."""

    def __init__(self, *, client_port: int = CLIENT[1], start: float = START) -> None:
        self.packets: list[tuple[float, bytes]] = []
        self._ports = (client_port, SERVER[1])
        self._next = [1000, 5000]
        self._time = start

    def send(self, sender: int, flags: int, data: bytes = b"") -> Talk:
        """Send a segment: sender 0 is the client, 1 the server."""
        (source, _), (target, _) = (CLIENT, SERVER) if sender == 0 else (SERVER, CLIENT)
        tcp = dpkt.tcp.TCP(
            sport=self._ports[sender],
            dport=self._ports[1 - sender],
            seq=self._next[sender],
            ack=self._next[1 - sender] if flags & ACK else 0,
            flags=flags,
            data=data,
        )
        ip = dpkt.ip.IP(src=source, dst=target, p=6, ttl=64, id=len(self.packets), data=tcp)
        self.packets.append((self._time, bytes(dpkt.ethernet.Ethernet(data=ip))))
        self._next[sender] += len(data) + bool(flags & (SYN | FIN))
        self._time += 0.01
        return self

    def connect(self) -> Talk:
        """Exchange SYN, SYN-ACK, ACK."""
        return self.send(0, SYN).send(1, SYN | ACK).send(0, ACK)


def client_hello(name: str = "api.example.com") -> bytes:
    """Make a TLS 1.2 ClientHello with one suite and a server name, in a record."""
    host = name.encode("latin-1")
    entry = struct.pack(">BH", 0, len(host)) + host
    sni = struct.pack(">HHH", 0, len(entry) + 2, len(entry)) + entry
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x02\xc0\x2f" + b"\x01\0"
    body += struct.pack(">H", len(sni)) + sni
    message = b"\x01" + len(body).to_bytes(3) + body
    return b"\x16\x03\x01" + struct.pack(">H", len(message)) + message


def alert(description: int) -> bytes:
    """Make a fatal alert in a record."""
    return bytes((21, 3, 3, 0, 2, 2, description))


def refused(port: int = CLIENT[1]) -> Talk:
    """SYN, RST."""
    return Talk(client_port=port).send(0, SYN).send(1, RST | ACK)


def rejected(name: str = "api.example.com", port: int = CLIENT[1], start: float = START) -> Talk:
    """The server answers the ClientHello with handshake_failure and closes."""
    talk = Talk(client_port=port, start=start).connect()
    talk.send(0, PSH | ACK, client_hello(name)).send(1, PSH | ACK, alert(40))
    return talk.send(1, FIN | ACK).send(0, FIN | ACK).send(1, ACK)


def pcap(*talks: Talk) -> bytes:
    """Write a capture with Ethernet frames, in order of time."""
    out = io.BytesIO()
    writer = dpkt.pcap.Writer(out)
    for time, frame in sorted(_all(talks), key=lambda packet: packet[0]):
        writer.writepkt(frame, ts=time)
    return out.getvalue()


def _all(talks: Iterable[Talk]) -> Iterable[tuple[float, bytes]]:
    return [packet for talk in talks for packet in talk.packets]

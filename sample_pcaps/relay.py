"""A recorder that needs no privileges: it carries the bytes between two programs and writes them
down as the packets that a capture between two hosts would hold.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import dpkt

CLIENT, SERVER = ("192.0.2.10", 50_000), ("198.51.100.20", 443)
MSS = 1460
Mangle = Callable[[str, bytes], bytes | None]


@dataclass
class Recorded:
    """What passed: (time, sender, kind, bytes); kind is data, fin or rst."""

    events: list[tuple[float, str, str, bytes]] = field(default_factory=list)
    started: float = field(default_factory=time.time)

    def later(self, seconds: float) -> Recorded:
        """The same at another time: what is made of one recording stays two connections."""
        moved = [(when + seconds, side, kind, data) for when, side, kind, data in self.events]
        return Recorded(moved, self.started + seconds)


class Relay:
    """Listens on a free port, connects on, carries bytes and notes them."""

    def __init__(self, target: int, mangle: Mangle | None = None) -> None:
        self.target = target
        self.mangle = mangle
        self.connections: list[Recorded] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        accept = threading.Thread(target=self._accept, daemon=True)
        accept.start()

    def close(self) -> None:
        """Stop listening and wait for what is under way."""
        self._listener.close()
        for thread in self._threads:
            thread.join(8)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                recorded = Recorded()
                self.connections.append(recorded)
                thread = threading.Thread(target=self._carry, args=(near, recorded), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _carry(self, near: socket.socket, recorded: Recorded) -> None:
        far = socket.create_connection(("127.0.0.1", self.target))
        sides = {near: ("client", far), far: ("server", near)}
        with selectors.DefaultSelector() as selector, near, far:
            for side in sides:
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(side, selectors.EVENT_READ)
            deadline = time.time() + 8
            while selector.get_map() and time.time() < deadline:
                for key, _ in selector.select(0.2):
                    here = key.fileobj
                    assert isinstance(here, socket.socket)
                    if not self._pass_on(here, *sides[here], recorded):
                        selector.unregister(here)

    def _pass_on(
        self, here: socket.socket, name: str, there: socket.socket, recorded: Recorded
    ) -> bool:
        try:
            data = here.recv(65_536)
        except ConnectionError:
            recorded.events.append((time.time(), name, "rst", b""))
            with contextlib.suppress(OSError):
                there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                there.close()
            return False
        if not data:
            recorded.events.append((time.time(), name, "fin", b""))
            with contextlib.suppress(OSError):
                there.shutdown(socket.SHUT_WR)
            return False
        passed = self.mangle(name, data) if self.mangle else data
        if passed is None:
            return True
        recorded.events.append((time.time(), name, "data", passed))
        with contextlib.suppress(OSError):
            there.sendall(passed)
        return True


@dataclass
class _End:
    ip: str
    port: int
    sequence: int
    ttl: int
    ip_id: int = 1


class Writer:
    """Builds the packets of connections and writes them as a capture."""

    def __init__(self) -> None:
        self.packets: list[tuple[float, bytes]] = []

    def connection(self, recorded: Recorded, number: int = 0, mss: int = MSS) -> None:
        """Add a recorded connection: handshake of TCP, segments, acknowledgments, ends."""
        at = recorded.started
        # The clock of RFC 9293 section 3.4.1: no two connections of the samples begin alike.
        first = int(at * 250_000) % 2**32
        ends = {
            "client": _End(CLIENT[0], CLIENT[1] + number, first, 64),
            "server": _End(*SERVER, (first + 2**30) % 2**32, 57),
        }
        self.segment(at, ends, "client", dpkt.tcp.TH_SYN)
        self.segment(at + 0.0101, ends, "server", dpkt.tcp.TH_SYN | dpkt.tcp.TH_ACK)
        self.segment(at + 0.0102, ends, "client", dpkt.tcp.TH_ACK)
        gone = False
        for moment, sender, kind, data in recorded.events:
            when = moment + 0.02
            if gone:
                break
            for begin in range(0, len(data), mss):
                part = data[begin : begin + mss]
                self.segment(when, ends, sender, dpkt.tcp.TH_ACK | dpkt.tcp.TH_PUSH, part)
            if kind == "data":
                other = "server" if sender == "client" else "client"
                self.segment(when + 0.0001, ends, other, dpkt.tcp.TH_ACK)
            if kind == "fin":
                self.segment(when, ends, sender, dpkt.tcp.TH_FIN | dpkt.tcp.TH_ACK)
            if kind == "rst":
                self.segment(when, ends, sender, dpkt.tcp.TH_RST | dpkt.tcp.TH_ACK)
                gone = True

    def segment(
        self, when: float, ends: dict[str, _End], sender: str, flags: int, data: bytes = b""
    ) -> None:
        """Add one segment; a SYN carries the MSS option."""
        here, there = ends[sender], ends["server" if sender == "client" else "client"]
        syn = flags & dpkt.tcp.TH_SYN
        tcp = dpkt.tcp.TCP(
            sport=here.port,
            dport=there.port,
            seq=here.sequence,
            ack=there.sequence if flags & dpkt.tcp.TH_ACK else 0,
            flags=flags,
            win=64_240,
            data=data,
        )
        if syn:
            tcp.opts = b"\x02\x04" + struct.pack(">H", MSS)
            tcp.off = 6
        ip = dpkt.ip.IP(
            src=socket.inet_aton(here.ip),
            dst=socket.inet_aton(there.ip),
            p=dpkt.ip.IP_PROTO_TCP,
            ttl=here.ttl,
            id=here.ip_id,
            data=tcp,
        )
        ip.len = len(ip)
        frame = dpkt.ethernet.Ethernet(
            src=b"\x02\0\0\0\0\x01", dst=b"\x02\0\0\0\0\x02", type=0x0800, data=ip
        )
        here.ip_id += 1
        here.sequence += len(data) + bool(flags & (dpkt.tcp.TH_SYN | dpkt.tcp.TH_FIN))
        here.sequence %= 2**32
        self.packets.append((when, bytes(frame)))

    def write(self, path: Path, *, snaplen: int = 262_144) -> None:
        """Write the packets in order of time, beside the name first; pcapng by the suffix."""
        beside = path.with_suffix(".part")
        packets = sorted(self.packets, key=lambda packet: packet[0])
        with beside.open("wb") as file:
            if path.suffix == ".pcapng":
                writer = dpkt.pcapng.Writer(file)
                for when, frame in packets:
                    writer.writepkt(frame, when)
            else:
                file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, 1))
                for when, frame in packets:
                    kept = frame[:snaplen]
                    second, micro = divmod(round(when * 1e6), 1_000_000)
                    file.write(struct.pack("<IIII", second, micro, len(kept), len(frame)) + kept)
        beside.replace(path)

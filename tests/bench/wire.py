"""A wire made of two TAP devices, carried by this process: it can lose, swap, change and forge.

The kernel sends Ethernet frames of at most the MTU into it, with their checksums computed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import struct
import threading
import time
from collections.abc import Callable, Iterator

import dpkt

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
CLIENT, SERVER = 0, 1
# What becomes of a frame: (seconds of delay, towards whom, bytes) for each frame that goes on.
Fate = list[tuple[float, int, bytes]]
Policy = Callable[[int, int, bytes], Fate]


def tap(name: str) -> int:
    """Create a TAP device in this namespace and return its file descriptor."""
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return file


def as_it_is(sender: int, _: int, frame: bytes) -> Fate:
    """A good wire."""
    return [(0.002, 1 - sender, frame)]


class Wire(threading.Thread):
    """Carries frames between the two devices as ``policy`` says."""

    def __init__(self, ends: tuple[int, int]) -> None:
        super().__init__(daemon=True)
        self.ends = ends
        self.policy: Policy = as_it_is
        self.seen = [0, 0]  # frames with TCP payload, by sender
        self._due: list[tuple[float, int, bytes]] = []
        self._ended = False

    def behave(self, how: str) -> None:
        """Take another policy and count from zero."""
        self.seen = [0, 0]
        self.policy = POLICIES[how]() if how else as_it_is

    def stop(self) -> None:
        """Carry nothing any more."""
        self._ended = True
        self.join(2)
        for end in self.ends:
            os.close(end)

    def run(self) -> None:
        """Read, decide, and send what is due."""
        with selectors.DefaultSelector() as selector:
            for side, end in enumerate(self.ends):
                selector.register(end, selectors.EVENT_READ, side)
            while not self._ended:
                for key, _ in selector.select(0.001 if self._due else 0.05):
                    self._take(key.fd, key.data)
                now = time.monotonic()
                due, self._due = (
                    [row for row in self._due if row[0] <= now],
                    [row for row in self._due if row[0] > now],
                )
                for _, to, frame in sorted(due, key=lambda row: row[0]):
                    with contextlib.suppress(OSError):  # the device is not up yet
                        os.write(self.ends[to], frame)

    def _take(self, end: int, sender: int) -> None:
        try:
            frame = os.read(end, 65_536)
        except OSError:
            return
        if payload(frame):
            self.seen[sender] += 1
        for delay, to, passed in self.policy(sender, self.seen[sender], frame):
            self._due.append((time.monotonic() + delay, to, passed))


def payload(frame: bytes) -> bytes:
    """The TCP payload of a frame, or nothing."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return b""
    header = 14 + (frame[14] & 15) * 4
    end = 14 + int.from_bytes(frame[16:18], "big")
    return frame[header + (frame[header + 12] >> 4) * 4 : end]


def _lossy() -> Policy:
    """Lose the server's second and fifth segments with data once, and the client's first."""
    lost: set[tuple[int, int]] = set()

    def policy(sender: int, count: int, frame: bytes) -> Fate:
        doomed = {(CLIENT, 1), (SERVER, 2), (SERVER, 5)} - lost
        if payload(frame) and (sender, count) in doomed:
            lost.add((sender, count))
            return []
        return as_it_is(sender, count, frame)

    return policy


def _reordered() -> Policy:
    """Delay every other segment of the server that carries data."""

    def policy(sender: int, count: int, frame: bytes) -> Fate:
        late = sender == SERVER and payload(frame) and count % 2
        return [(0.02 if late else 0.002, 1 - sender, frame)]

    return policy


def _slow() -> Policy:
    """A path around the world."""

    def policy(sender: int, _: int, frame: bytes) -> Fate:
        return [(0.15, 1 - sender, frame)]

    return policy


def _doubled() -> Policy:
    """Deliver every frame twice."""

    def policy(sender: int, _: int, frame: bytes) -> Fate:
        return [(0.002, 1 - sender, frame), (0.003, 1 - sender, frame)]

    return policy


def _tampered() -> Policy:
    """Change the last byte of the server's flight that the client sees first."""
    done: list[int] = []

    def policy(sender: int, count: int, frame: bytes) -> Fate:
        data = payload(frame)
        if sender == SERVER and len(data) > 100 and not done:
            spot = _spot(data)
            if spot:
                done.append(spot)
                frame = _changed(frame, len(data), spot)
        return as_it_is(sender, count, frame)

    return policy


def _spot(data: bytes) -> int:
    """Where to change: in a signature of TLS 1.2's key exchange, or in an encrypted record."""
    at = 0
    while at + 9 < len(data):
        kind, length = data[at], int.from_bytes(data[at + 3 : at + 5], "big")
        if kind == 22 and data[at + 5] == 12 and at + 5 + length <= len(data):
            return at + 5 + int.from_bytes(data[at + 6 : at + 9], "big")
        if kind == 22 and data[at + 5] != 12:  # several messages may share the record
            message = at + 5
            while message + 4 < at + 5 + length <= len(data):
                size = int.from_bytes(data[message + 1 : message + 4], "big")
                if data[message] == 12:
                    return message + size
                message += 4 + size
        if kind == 23 and at + 20 < len(data):
            return at + 12
        at += 5 + length
    return 0


def _changed(frame: bytes, size: int, spot: int) -> bytes:
    """The frame with one byte of its payload changed and its checksum right."""
    packet = dpkt.ethernet.Ethernet(frame)
    tcp = packet.data.data
    data = bytearray(tcp.data)
    assert len(data) == size
    data[spot] ^= 1
    tcp.data = bytes(data)
    tcp.sum = packet.data.sum = 0
    return bytes(packet)


def _forged(after: int) -> Callable[[], Policy]:
    """Reset both sides when a side's first data come: the client's (0) or the server's (1)."""

    def make() -> Policy:
        done: list[bool] = []

        def policy(sender: int, count: int, frame: bytes) -> Fate:
            if done:
                return []
            if sender == after and payload(frame):
                done.append(True)
                return [(0.001, to, reset) for to, reset in _resets(sender, frame)]
            return as_it_is(sender, count, frame)

        return policy

    return make


def _resets(sender: int, frame: bytes) -> Iterator[tuple[int, bytes]]:
    """What a box in the path sends to both sides in place of a segment."""
    seen = dpkt.ethernet.Ethernet(frame)
    tcp = seen.data.data
    for to in (1 - sender, sender):
        back = to == sender
        reset = dpkt.tcp.TCP(
            sport=tcp.dport if back else tcp.sport,
            dport=tcp.sport if back else tcp.dport,
            seq=tcp.ack if back else tcp.seq,
            ack=tcp.seq + len(tcp.data) if back else tcp.ack,
            flags=dpkt.tcp.TH_RST | dpkt.tcp.TH_ACK,
            win=0,
        )
        ip = dpkt.ip.IP(
            src=seen.data.dst if back else seen.data.src,
            dst=seen.data.src if back else seen.data.dst,
            p=6,
            ttl=255,
            id=0,
            data=reset,
        )
        ip.len = len(ip)
        pair = (seen.dst, seen.src) if back else (seen.src, seen.dst)
        yield to, bytes(dpkt.ethernet.Ethernet(src=pair[0], dst=pair[1], type=0x0800, data=ip))


def _prohibited() -> Policy:
    """A router that answers a SYN with "communication administratively prohibited"."""

    def policy(sender: int, count: int, frame: bytes) -> Fate:
        if sender != CLIENT or frame[12:14] != b"\x08\x00" or frame[23] != 6:
            return as_it_is(sender, count, frame)
        seen = dpkt.ethernet.Ethernet(frame)
        quoted = frame[14 : 14 + 20 + 8]
        unreachable = dpkt.icmp.ICMP.Unreach(data=quoted)
        icmp = dpkt.icmp.ICMP(type=3, code=13, data=unreachable)
        router = bytes([192, 0, 2, 1])
        ip = dpkt.ip.IP(src=router, dst=seen.data.src, p=1, ttl=255, data=icmp)
        ip.len = len(ip)
        back = dpkt.ethernet.Ethernet(src=seen.dst, dst=seen.src, type=0x0800, data=ip)
        return [(0.001, CLIENT, bytes(back))]

    return policy


POLICIES: dict[str, Callable[[], Policy]] = {
    "lossy": _lossy,
    "reordered": _reordered,
    "slow": _slow,
    "doubled": _doubled,
    "tampered": _tampered,
    "prohibited": _prohibited,
    "reset-hello": _forged(CLIENT),
    "reset-flight": _forged(SERVER),
}

"""Build the three kinds of capture that speed is measured on, from the project's own samples.

``python benchmarks/build.py FOLDER [--scale 0.1]`` writes ``bulk.pcap`` (few connections with much
application data), ``storm.pcap`` (one handshake per connection, 15 % of them failing) and
``mixed.pcap`` (a tenth of both, with 1 % of packets repeated and 0.1 % lost). Connections are
interleaved; addresses and ports are written into the recorded packets.
"""

from __future__ import annotations

import argparse
import random
import struct
from collections.abc import Iterator
from pathlib import Path

SAMPLES = Path(__file__).parents[1] / "sample_pcaps"
GOOD = (
    *("good_tls12", "good_resumed_tls13", "good_client_cert_tls12"),
    *("good_hello_retry_request", "good_client_cert_tls13"),
)
DOWNLOADS = ("good_tls12", "good_client_cert_tls13")
BAD = ("cert_expired", "untrusted_ca_tls12", "no_shared_cipher_tls12", "untrusted_ca_tls13")
CLIENT, SERVER = bytes([192, 0, 2, 10]), bytes([198, 51, 100, 20])
HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
START = 1_764_000_000.0
SEGMENT = 1400
RECORD = 1 << 14
WINDOW = 64  # connections that run at the same time

Packet = tuple[float, bytes]


def sample(name: str) -> list[Packet]:
    """Packets of a sample's first connection, with times from 0."""
    data = (SAMPLES / f"{name}.pcap").read_bytes()
    found: list[Packet] = []
    at = 24
    while at < len(data):
        second, micro, length, _ = struct.unpack_from("<IIII", data, at)
        found.append((second + micro / 1e6, data[at + 16 : at + 16 + length]))
        at += 16 + length
    ports = {found[0][1][34:36], found[0][1][36:38]}
    own = [(when, frame) for when, frame in found if {frame[34:36], frame[36:38]} == ports]
    return [(when - own[0][0], frame) for when, frame in own]


def moved(packets: list[Packet], number: int, start: float) -> Iterator[Packet]:
    """A connection of its own: another client address and port, another time."""
    client = bytes([10, 1 + (number >> 16), number >> 8 & 255, number & 255])
    server = bytes([10, 200, number % 7, 1 + number % 50])
    port = struct.pack(">H", 1024 + number % 60_000)
    for when, frame in packets:
        forth = frame[26:30] == CLIENT
        ends = client + server if forth else server + client
        ports = port + frame[36:38] if forth else frame[34:36] + port
        yield start + when, frame[:26] + ends + ports + frame[38:]


def with_data(packets: list[Packet], size: int) -> list[Packet]:
    """The same connection with ``size`` bytes of application data before the server's last."""
    begin = max(i for i, (_, frame) in enumerate(packets) if answers(frame))
    when = packets[begin - 1][0]
    last = {frame[26:30] == CLIENT: frame for _, frame in packets[:begin]}
    server, client = last[False], last[True]
    sequence = struct.unpack_from(">I", server, 38)[0] + len(server) - payload_at(server)
    data = records(size)
    grown: list[Packet] = packets[:begin]
    for number in range(len(data) // SEGMENT):
        head = bytearray(server[:54])
        struct.pack_into(">H", head, 16, 40 + SEGMENT)
        struct.pack_into(">I", head, 38, (sequence + number * SEGMENT) % 2**32)
        head[46] = 0x50
        payload = data[number * SEGMENT : (number + 1) * SEGMENT]
        grown.append((when + number * 1e-4, bytes(head) + payload))
        if number % 2:
            answer = bytearray(client[:54])
            struct.pack_into(">H", answer, 16, 40)
            struct.pack_into(">I", answer, 42, (sequence + (number + 1) * SEGMENT) % 2**32)
            answer[46], answer[47] = 0x50, 16
            grown.append((when + number * 1e-4 + 5e-5, bytes(answer)))
    after = len(data) // SEGMENT * 1e-4
    return grown + [(w + after, behind(f, len(data))) for w, f in packets[begin:]]


def payload_at(frame: bytes) -> int:
    """Where the payload of a recorded segment begins."""
    return 14 + 20 + (frame[46] >> 4) * 4


def answers(frame: bytes) -> bool:
    """Whether a segment is the server's and begins with a record of application data."""
    return frame[26:30] == SERVER and frame[payload_at(frame) :][:2] == b"\x17\x03"


def behind(frame: bytes, size: int) -> bytes:
    """A segment as it is after so many more bytes of the server."""
    at = 42 if frame[26:30] == CLIENT else 38  # what the client acknowledges, the server counts
    number = (struct.unpack_from(">I", frame, at)[0] + size) % 2**32
    return frame[:at] + struct.pack(">I", number) + frame[at + 4 :]


def records(size: int) -> bytes:
    """Application data in records of the usual 16 KiB, the last shorter; whole segments."""
    left = size // SEGMENT * SEGMENT
    data = b""
    while left:
        body = min(RECORD + 24, left - 5)  # 24: explicit nonce and tag
        body -= 5 if 0 < left - 5 - body <= 5 else 0  # room for the next header and a byte
        data += b"\x17\x03\x03" + struct.pack(">H", body) + bytes(body)
        left -= 5 + body
    return data


def other_traffic(count: int, talk: int) -> Iterator[Packet]:
    """Packets that are no TLS: DNS over UDP, ping, and a file over plain TCP; each talk its own."""
    ends = bytes([10, 9, 9, 9, 10, 200, 9, 9])
    ether = bytes(12) + b"\x08\x00"
    tcp = struct.pack(">HHIIBBHHH", 2049, 900 + talk, 0, 1, 0x50, 16, 512, 0, 0)
    for number in range(count):
        when = START + number * 1e-4
        if number % 4 == 0:
            payload = struct.pack(">HHHH", 4000 + number % 999, 53, 48, 0) + bytes(40)
            protocol = 17
        elif number % 4 == 1:
            payload, protocol = b"\x08\x00" + bytes(62), 1
        else:
            at = struct.pack(">I", number * 1000 % 2**32)
            payload, protocol = tcp[:4] + at + tcp[8:] + bytes(1000), 6
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0)
        yield when, ether + head + ends + payload


def storm(connections: int) -> Iterator[Iterator[Packet]]:
    """Handshakes one after the other, 15 % of them failing."""
    good, bad = [sample(n) for n in GOOD], [sample(n) for n in BAD]
    for number in range(connections):
        kinds = bad if number % 20 < 3 else good
        yield moved(kinds[(number // 20 + number) % len(kinds)], number, START + number * 1e-3)


_OTHERS = 16  # talks of other traffic that run beside the downloads


def bulk(connections: int, size: int) -> Iterator[Iterator[Packet]]:
    """Downloads, and a fifth of other traffic."""
    grown = [with_data(sample(name), size) for name in DOWNLOADS]
    others = connections * len(grown[0]) // 4
    for talk in range(_OTHERS):
        yield other_traffic(others // _OTHERS, talk)
    for number in range(connections):
        yield moved(grown[number % 2], number, START + number * 1e-3)


def interleaved(talks: Iterator[Iterator[Packet]]) -> Iterator[Packet]:
    """Packets of many connections by turns."""
    running: list[Iterator[Packet]] = []
    for talk in talks:
        running.append(talk)
        while len(running) >= WINDOW:
            yield from _turn(running)
    while running:
        yield from _turn(running)


def _turn(running: list[Iterator[Packet]]) -> Iterator[Packet]:
    for talk in list(running):
        packet = next(talk, None)
        if packet is None:
            running.remove(talk)
        else:
            yield packet


def worn(packets: Iterator[Packet]) -> Iterator[Packet]:
    """1 % of packets twice, 0.1 % lost."""
    chance = random.Random(20)
    for packet in packets:
        luck = chance.random()
        if luck < 0.999:
            yield packet
        if luck < 0.01:
            yield packet


def write(path: Path, packets: Iterator[Packet]) -> None:
    """Write a capture; times are made to grow."""
    clock = 0.0
    with path.open("wb", buffering=1 << 20) as file:
        file.write(HEAD)
        for when, frame in packets:
            clock = max(clock + 1e-6, when)
            second = int(clock)
            head = struct.pack("<IIII", second, int((clock - second) * 1e6), len(frame), len(frame))
            file.write(head + frame)


def main() -> None:
    """Write the three captures into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    many, few = int(100_000 * options.scale), max(2, int(2_000 * options.scale))
    write(options.folder / "bulk.pcap", interleaved(bulk(few, 850_000)))
    write(options.folder / "storm.pcap", interleaved(storm(many)))
    both = (talk for kind in (storm(many // 10), bulk(few // 10 or 1, 850_000)) for talk in kind)
    write(options.folder / "mixed.pcap", worn(interleaved(both)))


if __name__ == "__main__":
    main()

"""Where fuzzing begins: small captures of every format and carrier, and conversations in them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.capture.captures import Pcapng, ethernet, ipv4, ipv6, pcap, tcp, udp
from tests.support import messages

FOUND: Final = Path(__file__).with_name("found")  # inputs that once broke something
_SYN, _ACK, _FIN = 2, 16, 1


def seeds() -> Mapping[str, bytes]:
    """The captures by name, those that once broke something among them."""
    made = {**_formats(), **_carriers(), **_conversations()}
    return {**made, **{path.name: path.read_bytes() for path in sorted(FOUND.glob("*"))}}


def talk(*flights: tuple[bool, bytes], port: int = 40_000) -> list[bytes]:
    """Frames of a connection: who sends (True: the client) what; opened and closed in order.

    ``port`` is the client's.
    """
    sent = {True: 100, False: 900}
    frames = []

    def say(client: bool, flags: int, data: bytes = b"") -> None:
        ports = (port, 443) if client else (443, port)
        ends = (b"\xc0\x00\x02\x01", b"\xc6\x33\x64\x02")
        words = (*ports, sent[client], sent[not client], 0x50, flags, 1024, 0, 0)
        segment = struct.pack(">HHIIBBHHH", *words) + data
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 1, 0x4000, 61, 6, 0)
        frames.append(ethernet(head + b"".join(ends if client else ends[::-1]) + segment))
        sent[client] += len(data) + bool(flags & (_SYN | _FIN))

    say(True, _SYN)
    say(False, _SYN | _ACK)
    for client, data in flights:
        say(client, _ACK, data)
    say(True, _FIN | _ACK)
    say(False, _FIN | _ACK)
    return frames


def _conversations() -> Mapping[str, bytes]:
    hello, modern = messages.client_hello(), messages.client_hello_13()
    chosen = messages.record(22, messages.server_hello_13())
    retry = messages.record(22, messages.hello_retry_request())
    flight = messages.server_flight(asking=True)
    mail = b"220 mail\r\n", b"EHLO me\r\n", b"250 STARTTLS\r\n", b"STARTTLS\r\n", b"220 go\r\n"
    upgraded = [(bool(number % 2), line) for number, line in enumerate(mail)]
    return {
        "refused": pcap(talk((True, hello), (False, messages.alert(40)))),
        "tls12": pcap(
            talk(
                *((True, hello), (False, flight), (True, messages.client_flight(shown=()))),
                *((False, messages.finished()), (True, messages.data())),
            )
        ),
        "tls13": pcap(
            talk(
                *((True, modern), (False, chosen + messages.sealed(40, 900, 80, 53))),
                *((True, messages.sealed(53, 90)), (False, messages.sealed(19))),
            )
        ),
        "retry": pcap(talk((True, modern), (False, retry), (True, modern), (False, chosen))),
        "starttls": pcap(talk(*upgraded, (True, hello), (False, flight))),
        "openvpn": pcap(
            talk(
                *(
                    (True, messages.openvpn(7, 0, hmac=20)),
                    (False, messages.openvpn(8, 0, hmac=20)),
                ),
                *((True, messages.openvpn(4, 1, hello, hmac=20)), (False, bytes(9))),
            )
        ),
        "connect": pcap(
            talk(
                *(
                    (True, b"CONNECT a.example:443 HTTP/1.1\r\n\r\n"),
                    (False, b"HTTP/1.1 200 OK\r\n\r\n"),
                ),
                (True, hello),
            )
        ),
        "plain": pcap(talk((True, b"GET / HTTP/1.1\r\n\r\n"), (False, messages.alert(10)))),
    }


_PACKETS: Final = (
    ethernet(ipv4(tcp(b"plain", options=b"\x02\x04\x05\xb4", flags=_SYN))),
    ethernet(ipv6(b"\x06\x00" + bytes(6) + tcp(b"chain"), 0), 0x86DD),
    ethernet(ipv4(tcp(b"first of two"), fragment=0x2000)),
    ethernet(ipv4(b"second of two!!!", fragment=4)),
    ethernet(ipv4(struct.pack(">BBHI", 3, 3, 0, 0) + ipv4(tcp()), 1)),
)


def _formats() -> Mapping[str, bytes]:
    packets = list(_PACKETS)
    plain = pcap(packets)
    file = Pcapng().section().interface().interface(101)
    for packet in packets:
        file.enhanced(packet, 7).simple(packet).obsolete(packet[14:], 1, interface=1)
    file.block(5, bytes(12) + file.option(5, bytes(8)))
    file.block(10, struct.pack("<II", 0x544C534B, 14) + b"CLIENT_RANDOM ")
    snoop = b"snoop\0\0\0" + struct.pack(">II", 2, 4)
    for packet in packets:
        padded = packet + bytes(-len(packet) % 4)
        sizes = (len(packet), len(packet), 24 + len(padded), 0, 1, 1)
        snoop += struct.pack(">IIIIII", *sizes) + padded
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("trace.pcap", plain)
    return {
        "pcap": plain,
        "pcap-big": pcap(packets, order=">"),
        "pcap-nano": pcap(packets, magic=0xA1B23C4D),
        "pcap-modified": pcap(packets, magic=0xA1B2CD34),
        "pcapng": file.section(">").interface().enhanced(packets[0]).data,
        "snoop": snoop,
        "gzip": gzip.compress(plain, mtime=0),
        "bzip2": bz2.compress(plain),
        "xz": lzma.compress(plain),
        "zip": archive.getvalue(),
    }


def _carriers() -> Mapping[str, bytes]:
    inner = ethernet(ipv4(tcp(b"tunnel")))
    vxlan = ethernet(ipv4(udp(b"\x08" + bytes(7) + inner, 4789), 17))
    gre = ethernet(ipv4(struct.pack(">HH", 0, 0x0800) + ipv4(tcp(b"inner")), 47))
    vlan = ethernet(struct.pack(">HH", 7, 0x0800) + ipv4(tcp(b"tagged")), 0x8100)
    mpls = ethernet(struct.pack(">I", 0x100 | 64) + ipv4(tcp(b"label")), 0x8847)
    made = {"vxlan": vxlan, "gre": gre, "vlan": vlan, "mpls": mpls}
    files = {name: pcap([packet]) for name, packet in made.items()}
    types = (0, 9, 12, 105, 113, 119, 127, 228, 229, 276)  # of tcpdump.org/linktypes
    return {**files, **{f"link-{n}": pcap([bytes(24) + ipv4(tcp())], link_type=n) for n in types}}

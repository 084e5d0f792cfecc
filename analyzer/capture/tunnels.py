"""Packets within packets: MPLS, GRE and its kin, IP in IP, and tunnels over UDP.

Everything here works on the few rows that are candidates by protocol number or port; traffic
without tunnels pays for one table look-up per UDP packet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from analyzer.capture.block import Integers
from analyzer.capture.fields import Fields
from analyzer.capture.link import ETHERNET, PPP
from analyzer.capture.network import decode_ipv4, decode_ipv6, decode_version
from analyzer.capture.rows import Layer, Next, Rows
from analyzer.capture.wifi import WIFI

_LABELS_MOST = 16  # MPLS labels in one stack; real ones have up to five


def decode_mpls(fields: Fields, rows: Rows) -> Iterator[Next]:
    """Pop MPLS labels (RFC 3032 section 2.1) until the one that says it is the last.

    What follows is not named. IP shows its version in the first four bits; a pseudowire has a
    control word there that begins with 0 (RFC 4385 section 3), taken to carry Ethernet.
    """
    for _ in range(_LABELS_MOST):
        rows = rows.holding(5)
        bottom = fields.u8(rows.at + 2) & 1 == 1
        yield from _behind_labels(fields, rows.where(bottom).skip(4))
        rows = rows.where(~bottom).skip(4)
        if not len(rows):
            return


def _behind_labels(fields: Fields, rows: Rows) -> Iterator[Next]:
    version = fields.u8(rows.at) >> 4
    yield Next("nibble", version, rows)
    yield Next("link", ETHERNET, rows.where(version == 0).skip(4))


def decode_gre(fields: Fields, rows: Rows) -> Iterator[Next]:
    """GRE (RFC 2784, RFC 2890; version 1: RFC 2637 section 4.1), also as NVGRE (RFC 7637).

    Optional words follow in the order checksum, key, sequence, acknowledgment. Source routes of
    RFC 1701 are long gone; packets with them are left.
    """
    rows = rows.holding(4)
    flags, number = fields.u16(rows.at), fields.u16(rows.at + 2)
    known = flags & 0x4000 == 0
    rows, flags, number = rows.where(known), flags[known], number[known]
    words = 1 + _bit(flags, 0x8000) + _bit(flags, 0x2000) + _bit(flags, 0x1000)
    words += np.where(flags & 7 == 1, _bit(flags, 0x80), 0)
    rows = rows.skip(words * 4)
    # ERSPAN I has no header of its own: it is told from II by the sequence number that II needs.
    first = (number == 0x88BE) & (flags & 0x1000 == 0)
    yield Next("link", ETHERNET, rows.where(first))
    yield Next("ethertype", number[~first], rows.where(~first))


def decode_erspan3(fields: Fields, rows: Rows) -> Iterator[Next]:
    """ERSPAN III: 12 bytes, and 8 more if the lowest bit says so, then Ethernet."""
    rows = rows.holding(12)
    platform = fields.u8(rows.at + 11) & 1 == 1
    yield Next("link", ETHERNET, rows.skip(np.where(platform, 20, 12)))


def decode_wccp(fields: Fields, rows: Rows) -> Iterator[Next]:
    """WCCP in GRE: version 2 has 4 bytes of its own before IP, version 1 has none."""
    rows = rows.holding(4)
    bare = np.isin(fields.u8(rows.at) >> 4, (4, 6))
    yield from decode_version(fields, rows.skip(np.where(bare, 0, 4)))


def decode_udp(fields: Fields, rows: Rows) -> Iterator[Next]:
    """Keep the UDP packets that have a tunnel's port (RFC 768)."""
    rows = rows.holding(8)
    ports = fields.u32(rows.at)
    source, destination = ports >> 16, ports & 0xFFFF
    candidate = _TUNNEL[destination] | _TUNNEL[source]
    if not candidate.any():
        return
    rows, source, destination = rows.where(candidate), source[candidate], destination[candidate]
    length = fields.u16(rows.at + 4)
    rows = rows.bounded(np.where(length == 0, rows.stop, rows.at + length))
    port = np.where(_TUNNEL[destination], destination, source)
    yield Next("udp", port, rows.skip(8))


def decode_vxlan(_fields: Fields, rows: Rows) -> Iterator[Next]:
    """VXLAN (RFC 7348 section 5): flags, network identifier, then Ethernet.

    The flag that must be set is not looked at; Wireshark does not either.
    """
    yield Next("link", ETHERNET, rows.skip(8))


def decode_vxlan_linux(fields: Fields, rows: Rows) -> Iterator[Next]:
    """VXLAN on the port that Linux took before IANA gave one; flannel and Cilium still use it.

    The port is another's (OTV), so the header must be one: the flag, and zeros where they are due.
    """
    rows = rows.holding(8)
    word = fields.i64(rows.at)
    header = (word >> 32 & 0xFFFF_FFFF == 0x0800_0000) & (word & 0xFF == 0)
    yield Next("link", ETHERNET, rows.where(header).skip(8))


def decode_vxlan_gpe(fields: Fields, rows: Rows) -> Iterator[Next]:
    """VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe section 3.1): the next protocol is at 3."""
    rows = rows.holding(8)
    following = fields.u8(rows.at + 3)
    rows = rows.skip(8)
    yield Next("nibble", 4, rows.where(following == 1))
    yield Next("nibble", 6, rows.where(following == 2))
    yield Next("link", ETHERNET, rows.where(following == 3))


def decode_geneve(fields: Fields, rows: Rows) -> Iterator[Next]:
    """Geneve (RFC 8926 section 3.4): options in units of 4 bytes, EtherType at 2."""
    rows = rows.holding(8)
    first = fields.u8(rows.at)
    rows, first = rows.where(first >> 6 == 0), first[first >> 6 == 0]
    number = fields.u16(rows.at + 2)
    yield Next("ethertype", number, rows.skip(8 + (first & 0x3F) * 4))


def decode_gtp(fields: Fields, rows: Rows) -> Iterator[Next]:
    """GTP-U, message G-PDU (3GPP TS 29.281 section 5): 8 bytes, 4 if flagged, extension headers.

    An extension header states its length in units of 4 bytes in its first byte and what follows in
    its last.
    """
    rows = rows.holding(8)
    word = fields.i64(rows.at)
    packet = (word >> 60 & 0xF == 3) & (word >> 48 & 0xFF == 0xFF)
    rows, flags = rows.where(packet), (word >> 56 & 7)[packet]
    yield from decode_version(fields, rows.where(flags == 0).skip(8))
    rows = rows.where(flags != 0).holding(12)
    following = fields.u8(rows.at + 11)
    rows = rows.skip(12)
    for _ in range(8):
        extended = following != 0
        yield from decode_version(fields, rows.where(~extended))
        rows = rows.where(extended).holding(4)
        size = fields.u8(rows.at) * 4
        sane = (size > 0) & (rows.end - rows.at >= size)
        rows = rows.where(sane).skip(size[sane])
        following = fields.u8(rows.at - 1)


def decode_l2tp(fields: Fields, rows: Rows) -> Iterator[Next]:
    """L2TP data messages (RFC 2661 section 3.1): length, sequence and offset are optional."""
    rows = rows.holding(6)
    flags = fields.u16(rows.at)
    data = (flags & 0x8000 == 0) & (flags & 0x000F == 2)
    rows, flags = rows.where(data), flags[data]
    rows = rows.skip(6 + 2 * _bit(flags, 0x4000) + 4 * _bit(flags, 0x0800))
    padded = flags & 0x0200 != 0
    yield Next("link", PPP, rows.where(~padded))
    rows = rows.where(padded).holding(2)
    yield Next("link", PPP, rows.skip(2 + fields.u16(rows.at)))


def decode_teredo(fields: Fields, rows: Rows) -> Iterator[Next]:
    """Teredo (RFC 4380 section 5.1.1): an origin or authentication header may come before IPv6."""
    rows = rows.holding(8)
    origin = fields.u16(rows.at) == 0
    yield from decode_version(fields, rows.skip(np.where(origin, 8, 0)))


def decode_capwap(fields: Fields, rows: Rows) -> Iterator[Next]:
    """CAPWAP data in clear (RFC 5415 section 4.3): header length in words; the frame is 802.11.

    Fragments are left.
    """
    rows = rows.holding(8)
    word = fields.i64(rows.at) >> 32 & 0xFFFF_FFFF
    plain = (word >> 24 == 0) & (word & 0x80 == 0)
    rows, word = rows.where(plain), word[plain]
    size = (word >> 19 & 0x1F) * 4
    wifi = word & 0x100 != 0
    yield Next("link", WIFI, rows.where(wifi).skip(size[wifi]))
    yield Next("link", ETHERNET, rows.where(~wifi).skip(size[~wifi]))


def decode_etherip(_fields: Fields, rows: Rows) -> Iterator[Next]:
    """EtherIP (RFC 3378 section 3): two bytes, then Ethernet."""
    yield Next("link", ETHERNET, rows.skip(2))


def decode_erspan2(_fields: Fields, rows: Rows) -> Iterator[Next]:
    """ERSPAN II: eight bytes of session and index, then Ethernet."""
    yield Next("link", ETHERNET, rows.skip(8))


def _bit(flags: Integers, bit: int) -> Integers:
    """Read one flag as 0 or 1."""
    return np.asarray(flags & bit != 0, np.int64)


LAYERS: Mapping[tuple[str, int], Layer] = {
    ("ip", 4): decode_ipv4,
    ("ip", 17): decode_udp,
    ("ip", 41): decode_ipv6,
    ("ip", 47): decode_gre,
    ("ip", 94): decode_ipv4,
    ("ip", 97): decode_etherip,
    ("ip", 137): decode_mpls,
    ("ethertype", 0x8847): decode_mpls,
    ("ethertype", 0x8848): decode_mpls,
    ("ppp", 0x0281): decode_mpls,
    ("ppp", 0x0283): decode_mpls,
    ("ethertype", 0x88BE): decode_erspan2,
    ("ethertype", 0x22EB): decode_erspan3,
    ("ethertype", 0x883E): decode_wccp,
    ("udp", 4789): decode_vxlan,
    ("udp", 8472): decode_vxlan_linux,
    ("udp", 2152): decode_gtp,
    ("udp", 6081): decode_geneve,
    ("udp", 4790): decode_vxlan_gpe,
    ("udp", 1701): decode_l2tp,
    ("udp", 3544): decode_teredo,
    ("udp", 4754): decode_gre,
    ("udp", 6635): decode_mpls,
    ("udp", 5247): decode_capwap,
}

# Shape (65536,): whether a port is a tunnel's.
_TUNNEL = np.zeros(65_536, np.bool_)
_TUNNEL[[number for space, number in LAYERS if space == "udp"]] = True

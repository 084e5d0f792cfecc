"""Link layers: from the LINKTYPE_ of an interface to the network header.

Numbers and layouts: https://www.tcpdump.org/linktypes.html and the pages that it refers to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from analyzer.capture.fields import Fields, swapped, swapped32
from analyzer.capture.network import decode_ipv4, decode_ipv6, decode_version
from analyzer.capture.rows import Layer, Next, Rows

ETHERNET, PPP = 1, 9
TRANSPARENT_ETHERNET = 0x6558  # RFC 1701's number for a whole Ethernet frame
_LARGEST_LENGTH = 0x5DC  # IEEE 802.3: at most this is a length, from 0x600 on a type

# Address families of the systems that write LINKTYPE_NULL and its kin: AF_INET is 2 everywhere,
# AF_INET6 is 10 (Linux), 24 (NetBSD, OpenBSD), 28 (FreeBSD), 30 (macOS) or 23 (Windows).
_FAMILIES = np.zeros(256, np.int64)
_FAMILIES[[2]] = 4
_FAMILIES[[10, 23, 24, 28, 30]] = 6


def typed(type_at: int, size: int) -> Layer:
    """Make a layer of *size* bytes that holds an EtherType at *type_at*, or an 802.3 length."""

    def decode(fields: Fields, rows: Rows) -> Iterator[Next]:
        rows = rows.holding(size)
        number = fields.u16(rows.at + type_at)
        rows = rows.skip(size)
        named = number > _LARGEST_LENGTH
        if named.all():
            yield Next("ethertype", number, rows)
            return
        yield Next("ethertype", number[named], rows.where(named))
        yield Next("llc", 0, rows.where(~named))

    return decode


def fixed(size: int, space: str, number: int) -> Layer:
    """Make a layer of *size* bytes before one thing that is always the same."""

    def decode(_fields: Fields, rows: Rows) -> Iterator[Next]:
        yield Next(space, number, rows.holding(size).skip(size))

    return decode


def decode_family(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_NULL, LINKTYPE_LOOP: an address family in the byte order of whoever captured."""
    rows = rows.holding(4)
    word = fields.u32(rows.at)
    family = np.where(word < 256, word, word >> 24)
    yield Next("nibble", _FAMILIES[family], rows.skip(4))


def decode_enc(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_ENC (OpenBSD): address family, SPI and flags."""
    rows = rows.holding(12)
    yield from decode_version(fields, rows.skip(12))


def decode_pflog(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_PFLOG: its first byte is its length without the padding to a multiple of 4."""
    rows = rows.holding(1)
    yield from decode_version(fields, rows.skip((fields.u8(rows.at) + 3) & ~3))


def decode_llc(fields: Fields, rows: Rows) -> Iterator[Next]:
    """IEEE 802.2 LLC, with the SNAP header of RFC 1042 where there is one.

    ``AA AA 03``, organization, type. Organization 0 and Cisco's 00000C carry EtherTypes; 0000F8
    is RFC 1042's bridge tunnel.
    """
    rows = rows.holding(3)
    access = fields.u16(rows.at)
    yield Next("ethertype", 0x0800, rows.where(access == 0x0606).skip(3))
    rows = rows.where(access == 0xAAAA).holding(8)
    organization = fields.i64(rows.at) >> 16 & 0xFFFFFF
    rows = rows.where(np.isin(organization, (0, 0x00000C, 0x0000F8)))
    yield Next("ethertype", fields.u16(rows.at + 6), rows.skip(8))


def decode_ppp(fields: Fields, rows: Rows) -> Iterator[Next]:
    """PPP in HDLC-like framing (RFC 1662 section 3.1), or Cisco's own HDLC.

    Address and control (``FF 03``) may be left out, and so may the first byte of a protocol number
    below 256 (RFC 1661 section 6.5: its lowest bit is set).
    """
    rows = rows.holding(4)
    start = fields.u16(rows.at)
    cisco = (start == 0x0F00) | (start == 0x8F00)
    yield Next("ethertype", fields.u16(rows.at[cisco] + 2), rows.where(cisco).skip(4))
    rows, start = rows.where(~cisco), start[~cisco]
    rows = rows.skip(np.where(start == 0xFF03, 2, 0))
    number = fields.u16(rows.at)
    short = number >> 8 & 1 == 1
    yield Next("ppp", np.where(short, number >> 8, number), rows.skip(np.where(short, 1, 2)))


def decode_pppoe(fields: Fields, rows: Rows) -> Iterator[Next]:
    """PPPoE session (RFC 2516 section 4): version, code, session, length, PPP protocol."""
    rows = rows.holding(8)
    rows = rows.bounded(rows.at + 6 + fields.u16(rows.at + 4))
    yield Next("ppp", fields.u16(rows.at + 6), rows.skip(8))


def decode_frame_relay(fields: Fields, rows: Rows) -> Iterator[Next]:
    """Frame Relay (RFC 2427 section 4): Q.922 address, control 03, padding, NLPID; or Cisco's.

    The address is 2 to 4 bytes long: its last byte has the lowest bit set.
    """
    rows = rows.holding(8)
    word = fields.i64(rows.at)
    size = np.where(word >> 48 & 1 == 1, 2, np.where(word >> 40 & 1 == 1, 3, 4))
    rows = rows.skip(size).holding(4)
    number = fields.u16(rows.at)
    named = (number > _LARGEST_LENGTH) & (fields.u8(rows.at) != 3)
    yield Next("ethertype", number[named], rows.where(named).skip(2))
    rows = rows.where(fields.u8(rows.at) == 3)
    rows = rows.skip(np.where(fields.u8(rows.at + 1) == 0, 2, 1))
    nlpid = fields.u8(rows.at)
    yield Next("nibble", 4, rows.where(nlpid == 0xCC).skip(1))
    yield Next("nibble", 6, rows.where(nlpid == 0x8E).skip(1))
    rows = rows.where(nlpid == 0x80).holding(6)
    yield Next("ethertype", fields.u16(rows.at + 4), rows.skip(6))


def decode_slip(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_SLIP: 16 bytes that begin with the direction, 0 or 1, then IP; or IP at once."""
    rows = rows.holding(16)
    yield from decode_version(fields, rows.skip(np.where(fields.u8(rows.at) < 2, 16, 0)))


def decode_nflog(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_NFLOG: family, version, resource, then attributes; NFULA_PAYLOAD (9) is IP."""
    yield from _attribute(fields, rows.holding(4).skip(4), 9)


def decode_netlink(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_NETLINK: a cooked header, netlink's and netfilter's own, then attributes.

    Subsystem 4 logs packets as NFLOG does; subsystem 3 hands them to a program: NFQA_PAYLOAD (10).
    """
    rows = rows.holding(36)
    subsystem = fields.u8(rows.at + 21)
    yield from _attribute(fields, rows.where(subsystem == 4).skip(36), 9)
    yield from _attribute(fields, rows.where(subsystem == 3).skip(36), 10)


def _attribute(fields: Fields, rows: Rows, wanted: int) -> Iterator[Next]:
    """Walk attributes ``u16 length, u16 type``, padded to 4 bytes, to the one that holds IP.

    They are in the byte order of the host that captured, and all hosts of today are little-endian.
    """
    for _ in range(32):  # the kernel writes about ten
        rows = rows.holding(4)
        if not len(rows):
            return
        length, kind = swapped(fields.u16(rows.at)), swapped(fields.u16(rows.at + 2)) & 0x7FFF
        payload = kind == wanted
        found = rows.where(payload)
        found = found.bounded(found.at + length[payload])
        yield from decode_version(fields, found.skip(4))
        more = ~payload & (length >= 4)
        rows = rows.where(more).skip((length[more] + 3) & ~3)


def decode_ppi(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_PPI: little-endian length at 2, link type of the rest at 4."""
    rows = rows.holding(8)
    number = swapped(fields.u16(rows.at + 4))
    yield Next("link", number, rows.skip(swapped(fields.u16(rows.at + 2))))


def decode_pktap(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_PKTAP (macOS): little-endian header length at 0, record type at 4, link type at 8."""
    rows = rows.holding(12)
    size, number = swapped32(fields.u32(rows.at)), swapped32(fields.u32(rows.at + 8))
    # DLT_RAW is 12 on macOS, and LINKTYPE_RAW 101; both are in the table.
    yield Next("link", number, rows.skip(size))


def decode_erf(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_ERF: a 16-byte record header with its type at 8, extensions, then Ethernet.

    Extension headers of 8 bytes follow while the highest bit is set; Ethernet types have two bytes
    of alignment before the frame.
    """
    rows = rows.holding(18)
    kind = fields.u8(rows.at + 8)
    rows = rows.skip(16)
    extended = kind >> 7 == 1
    for _ in range(8):
        if not extended.any():
            break
        rows = rows.skip(np.where(extended, 8, 0))
        whole = rows.end - rows.at >= 2
        rows, kind, extended = rows.where(whole), kind[whole], extended[whole]
        extended = extended & (fields.u8(rows.at - 8) >> 7 == 1)
    ethernet = np.isin(kind & 0x7F, (2, 11, 16, 20))
    yield Next("link", ETHERNET, rows.where(ethernet).skip(2))
    yield from decode_version(fields, rows.where(np.isin(kind & 0x7F, (22, 23))))


def decode_juniper_ethernet(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_JUNIPER_ETHER: ``4D 47 43``, flags, extensions if flagged, then Ethernet.

    Flag 0x80: 16 bits of extension length, then the extensions. Flag 0x02: no link header, but the
    address family in four little-endian bytes.
    """
    rows = rows.holding(8)
    rows = rows.where(fields.u32(rows.at) >> 8 == 0x4D4743)
    flags = fields.u8(rows.at + 3)
    extension = np.where(flags & 0x80 != 0, fields.u16(rows.at + 4) + 2, 0)
    rows = rows.skip(4 + extension)
    bare = flags & 0x02 != 0
    yield Next("link", 0, rows.where(bare))
    yield Next("link", ETHERNET, rows.where(~bare))


def decode_linux_atm(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_ATM_RFC1483 and _ATM_CLIP: LLC, or IP at once (RFC 2684 sections 5 and 6)."""
    rows = rows.holding(3)
    llc = fields.u16(rows.at) == 0xAAAA
    yield Next("llc", 0, rows.where(llc))
    yield from decode_version(fields, rows.where(~llc))


def decode_sunatm(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_SUNATM: flags with the kind of traffic, VPI, VCI; kind 2 is LLC."""
    rows = rows.holding(4)
    yield Next("llc", 0, rows.where(fields.u8(rows.at) & 0x0F == 2).skip(4))


def arcnet(kind_at: int) -> Layer:
    """Make the layer of LINKTYPE_ARCNET_BSD (kind at 2) or _LINUX (kind at 4).

    Kind 240 is IPv4 (RFC 1051), and so is 212 (RFC 1201) behind a split flag and a sequence number;
    an exception frame there repeats the kind behind FF FF FF.
    """

    def decode(fields: Fields, rows: Rows) -> Iterator[Next]:
        rows = rows.holding(kind_at + 8).skip(kind_at)
        kind = fields.u8(rows.at)
        yield Next("nibble", 4, rows.where(kind == 240).skip(1))
        rows = rows.where(kind == 212)
        yield Next("nibble", 4, rows.skip(np.where(fields.u8(rows.at + 1) == 0xFF, 8, 4)))

    return decode


decode_ethernet = typed(12, 14)

LAYERS: Mapping[tuple[str, int], Layer] = {
    ("link", 0): decode_family,
    ("link", ETHERNET): decode_ethernet,
    ("link", 8): decode_slip,
    ("link", PPP): decode_ppp,
    ("link", 10): fixed(13, "llc", 0),  # FDDI: frame control, addresses
    ("link", 7): arcnet(2),
    ("link", 11): decode_linux_atm,  # as written by FreeBSD
    ("link", 12): decode_version,
    ("link", 14): decode_version,
    ("link", 50): decode_ppp,
    ("link", 51): decode_pppoe,
    ("link", 100): decode_linux_atm,
    ("link", 101): decode_version,
    ("link", 104): typed(2, 4),  # Cisco HDLC
    ("link", 106): decode_linux_atm,
    ("link", 107): decode_frame_relay,
    ("link", 108): decode_family,
    ("link", 109): decode_enc,
    ("link", 113): typed(14, 16),  # Linux cooked, version 1
    ("link", 117): decode_pflog,
    ("link", 122): fixed(16, "llc", 0),  # RFC 2625, IP over Fibre Channel
    ("link", 123): decode_sunatm,
    ("link", 129): arcnet(4),
    ("link", 138): typed(16, 18),  # RFC 2734, IP over IEEE 1394
    ("link", 149): decode_pktap,  # USER2, which macOS took for it at first
    ("link", 166): decode_ppp,
    ("link", 178): decode_juniper_ethernet,
    ("link", 192): decode_ppi,
    ("link", 197): decode_erf,
    ("link", 204): fixed(1, "link", PPP),  # direction
    ("link", 228): decode_ipv4,
    ("link", 229): decode_ipv6,
    ("link", 239): decode_nflog,
    ("link", 240): fixed(4, "link", ETHERNET),  # netANALYZER
    ("link", 241): fixed(12, "link", ETHERNET),  # the same with preamble
    ("link", 253): decode_netlink,
    ("link", 258): decode_pktap,
    ("link", 274): fixed(8, "link", ETHERNET),  # preamble and start delimiter
    ("link", 276): typed(0, 20),  # Linux cooked, version 2
    ("link", 281): typed(16, 18),  # Broadcom switch tag of 4 bytes behind the addresses
    ("link", 282): fixed(4, "link", ETHERNET),  # the same tag before them
    ("link", 284): typed(16, 18),  # Marvell DSA
    ("link", 285): typed(20, 22),  # Marvell EDSA
    ("llc", 0): decode_llc,
    ("ppp", 0x21): decode_ipv4,
    ("ppp", 0x57): decode_ipv6,
    ("ethertype", 0x8864): decode_pppoe,
    ("ethertype", 0x880B): decode_ppp,
    ("ethertype", 0x0004): decode_llc,
    ("ethertype", TRANSPARENT_ETHERNET): decode_ethernet,
    # Tags: 802.1Q, 802.1ad, and what was used for stacking before; VN-Tag, Cisco metadata.
    ("ethertype", 0x8100): typed(2, 4),
    ("ethertype", 0x88A8): typed(2, 4),
    ("ethertype", 0x9100): typed(2, 4),
    ("ethertype", 0x9200): typed(2, 4),
    ("ethertype", 0x9300): typed(2, 4),
    ("ethertype", 0x8926): typed(4, 6),
    ("ethertype", 0x893F): typed(6, 8),
    ("ethertype", 0x8909): typed(6, 8),
}

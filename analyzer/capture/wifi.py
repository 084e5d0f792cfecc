"""IEEE 802.11 and what receivers write before its frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from analyzer.capture.fields import Fields, swapped, swapped32
from analyzer.capture.rows import Layer, Next, Rows

WIFI = 105


def decode_radiotap(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_IEEE802_11_RADIOTAP: little-endian length at 2, words at 4 that say what is there.

    A word with its highest bit set has another behind it. The flags follow the time (TSFT: 8 bytes,
    aligned to them). Of them one tells of a checksum behind the frame, which needs no care as IP
    states its own length, and another of padding behind the header of 802.11.
    """
    rows = rows.holding(9)
    present = swapped32(fields.u32(rows.at + 4))
    flags_at, more = np.full(len(rows), 8, np.int64), present >> 31 == 1
    for _ in range(_RADIOTAP_WORDS):
        more &= rows.end - rows.at > flags_at + 4
        if not more.any():
            break
        words = fields.u32(np.where(more, rows.at + flags_at, rows.at))
        flags_at += np.where(more, 4, 0)
        more &= words & 0x80 != 0  # the highest bit of a little-endian word
    timed = present & 1 == 1
    flags_at = np.where(timed, (flags_at + 7 & ~7) + 8, flags_at)
    held = (present & 2 != 0) & (rows.end - rows.at > flags_at)
    flags = fields.u8(np.where(held, rows.at + flags_at, rows.at))
    padded = held & (flags & _DATAPAD != 0)
    rows = rows.skip(swapped(fields.u16(rows.at + 2)))
    yield Next("link", WIFI, rows.where(~padded))
    yield Next("wifi", 4, rows.where(padded))


_RADIOTAP_WORDS = 16
_DATAPAD = 0x20


def decode_prism(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_IEEE802_11_PRISM: 144 bytes, or an AVS header, which has a magic number."""
    rows = rows.holding(8)
    avs = fields.u32(rows.at) >> 12 == 0x80211
    yield from decode_avs(fields, rows.where(avs))
    yield Next("link", WIFI, rows.where(~avs).skip(144))


def decode_avs(fields: Fields, rows: Rows) -> Iterator[Next]:
    """LINKTYPE_IEEE802_11_AVS: big-endian length at 4."""
    rows = rows.holding(8)
    yield Next("link", WIFI, rows.skip(fields.u32(rows.at + 4)))


def aligned(alignment: int) -> Layer:
    """Make the layer of IEEE 802.11 whose payload is aligned to so many bytes, as some drivers do.

    Of data frames in clear: frame control, three or four addresses, QoS, LLC. A retried frame is the
    same packet once more, which TCP reassembly settles.
    """

    def decode(fields: Fields, rows: Rows) -> Iterator[Next]:
        rows = rows.holding(24)
        control, flags = fields.u8(rows.at), fields.u8(rows.at + 1)
        data = (control & 0x0C == 0x08) & (control & 0x40 == 0) & (flags & 0x40 == 0)
        rows, control, flags = rows.where(data), control[data], flags[data]
        quality = control & 0x80 != 0
        size = 24 + np.where(flags & 3 == 3, 6, 0)
        held = quality & (rows.end - rows.at > size)
        several = held & (fields.u8(np.where(held, rows.at + size, rows.at)) & 0x80 != 0)
        size += np.where(quality, 2, 0)
        # HT control follows where the order bit of a QoS frame is set (IEEE 802.11-2012 8.2.4.1.10).
        size += np.where(quality & (flags & 0x80 != 0), 4, 0)
        rows = rows.skip(size + -size % alignment)
        yield Next("llc", 0, rows.where(~several))
        yield from _subframes(fields, rows.where(several))

    return decode


def _subframes(fields: Fields, rows: Rows) -> Iterator[Next]:
    """The packets of an A-MSDU (IEEE 802.11-2012 8.3.2.2): two addresses, u16 length, LLC.

    All but the last are padded to 4 bytes.
    """
    for _ in range(_SUBFRAMES):
        rows = rows.holding(14)
        if not len(rows):
            return
        size = 14 + fields.u16(rows.at + 12)
        yield Next("llc", 0, rows.bounded(rows.at + size).skip(14))
        rows = rows.skip(size + 3 & ~3)


_SUBFRAMES = 128  # an A-MSDU has at most 11,454 bytes, hence bare ACKs at the most


def decode_centrino(fields: Fields, rows: Rows) -> Iterator[Next]:
    """EtherType 0x2452: whole 802.11 frames as an old driver gave them, decrypted.

    The frame still says that it is protected, and still has the four bytes for that.
    """
    rows = rows.holding(28)
    protected = fields.u8(rows.at + 1) & 0x40 != 0
    yield Next("llc", 0, rows.skip(np.where(protected, 28, 24)))


LAYERS: Mapping[tuple[str, int], Layer] = {
    ("link", WIFI): aligned(1),
    ("wifi", 4): aligned(4),
    ("link", 119): decode_prism,
    ("link", 127): decode_radiotap,
    ("link", 163): decode_avs,
    ("ethertype", 0x2452): decode_centrino,
}

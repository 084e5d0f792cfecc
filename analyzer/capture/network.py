"""IPv4 and IPv6: where the payload begins and ends, and what it is.

RFC 791 section 3.1, RFC 8200 sections 3 and 4. Checksums are not looked at: a host that leaves them
to its network card captures wrong ones of everything it sends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from analyzer.capture.block import Integers
from analyzer.capture.fields import Fields
from analyzer.capture.rows import Layer, Next, Rows

HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, OPTIONS = 0, 43, 44, 51, 60
# RFC 6275, RFC 7401, RFC 5533: mobility, HIP and Shim6 have the shape of the generic ones.
_GENERIC = (HOP_BY_HOP, OPTIONS, ROUTING, 135, 139, 140)
_CHAIN_MOST = 16  # extension headers; real packets have up to three


def decode_ipv4(fields: Fields, rows: Rows) -> Iterator[Next]:
    """Step over IPv4 headers.

    The total length bounds the payload, so Ethernet padding is excluded. Total length 0 is what a
    host captures of a packet that its network card will split (segmentation offload): then all of
    it is payload.
    """
    rows = rows.holding(20)
    word = fields.i64(rows.at)  # version, IHL, DSCP, total length, identification, fragment
    header = (word >> 54) & 0x3C
    total = (word >> 32) & 0xFFFF
    good = (word >> 60 == 4) & (header >= 20) & ((total >= header) | (total == 0))
    if not good.all():
        rows, word, header, total = rows.where(good), word[good], header[good], total[good]
    stop = rows.at + total
    rows = replace(rows, ip=rows.at).bounded(np.where(total == 0, rows.stop, stop))

    fragment = word & 0x3FFF != 0  # more fragments, or not the first
    if fragment.any():
        yield Next("fragment", 4, rows.where(fragment))
        rows, header = rows.where(~fragment), header[~fragment]
    yield Next("ip", fields.u8(rows.at + 9), rows.skip(header))


def decode_ipv6(fields: Fields, rows: Rows) -> Iterator[Next]:
    """Step over IPv6 headers and their extensions.

    Payload length 0 is a jumbogram (RFC 2675) or segmentation offload: all of it is payload.
    """
    rows = rows.holding(40)
    word = fields.i64(rows.at)  # version, traffic class, flow, payload length, next header, hops
    good = word >> 60 == 6
    rows, word = rows.where(good), word[good]
    length = (word >> 16) & 0xFFFF
    stop = np.where(length == 0, rows.stop, rows.at + 40 + length)
    rows = replace(rows, ip=rows.at).bounded(stop)
    yield from _extensions(fields, rows.skip(40), (word >> 8) & 0xFF)


def _extensions(fields: Fields, rows: Rows, following: Integers) -> Iterator[Next]:
    """Walk the chains of extension headers (RFC 8200 section 4), one link of all rows a time."""
    for _ in range(_CHAIN_MOST):
        extended = np.isin(following, (*_GENERIC, FRAGMENT, AUTHENTICATION))
        if not extended.any():
            break
        yield Next("ip", following[~extended], rows.where(~extended))
        rows, following = rows.where(extended), following[extended]
        whole = rows.end - rows.at >= 8
        rows, following = rows.where(whole), following[whole]
        offset = fields.u16(rows.at + 2)
        # RFC 6946: offset 0 and nothing to come is a whole datagram, an "atomic fragment".
        fragment = (following == FRAGMENT) & (offset & 0xFFF9 != 0)
        if fragment.any():
            yield Next("fragment", 6, rows.where(fragment))
            rows, following = rows.where(~fragment), following[~fragment]
        size = _extension_size(following, fields.u8(rows.at + 1))
        following = fields.u8(rows.at)
        rows = rows.skip(size)
    yield Next("ip", following, rows)


def _extension_size(kind: Integers, length: Integers) -> Integers:
    """Size of extension headers: in units of 8 bytes, but for these two (RFC 4302, RFC 8200)."""
    size = (length + 1) * 8
    size[kind == FRAGMENT] = 8
    authentication = kind == AUTHENTICATION
    size[authentication] = (length[authentication] + 2) * 4
    return size


def decode_authentication(fields: Fields, rows: Rows) -> Iterator[Next]:
    """Step over the authentication header in IPv4 (RFC 4302 section 2)."""
    rows = rows.holding(12)
    size = (fields.u8(rows.at + 1) + 2) * 4
    yield Next("ip", fields.u8(rows.at), rows.skip(size))


def decode_version(fields: Fields, rows: Rows) -> Iterator[Next]:
    """Tell IPv4 from IPv6 by the version, where nothing else says it."""
    rows = rows.holding(1)
    yield Next("nibble", fields.u8(rows.at) >> 4, rows)


LAYERS: Mapping[tuple[str, int], Layer] = {
    ("nibble", 4): decode_ipv4,
    ("nibble", 6): decode_ipv6,
    ("ethertype", 0x0800): decode_ipv4,
    ("ethertype", 0x86DD): decode_ipv6,
    ("ip", AUTHENTICATION): decode_authentication,
}

"""Files that are not read: what they are, and what turns them into something that is."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_EDITCAP = "convert it with 'editcap -F pcapng {path} converted.pcapng'"
_ETL = "convert it with 'etl2pcapng {path} converted.pcapng' or 'pktmon etl2pcap {path}'"
_TEXT = "if it is a hex dump, convert it with 'text2pcap {path} converted.pcap'"
_NSTRACE = "capture again with 'start nstrace -size 0 -traceformat PCAP'"
_TCPDUMP = "capture again with 'tcpdump -w FILE', or convert hex with 'text2pcap {path} out.pcap'"
_CERTS = "'handshake-analyzer certs {path}' tells what it holds"
_PEM = "certificates are read by 'handshake-analyzer certs', a key beside a capture with --key"
_KEY_LOG = "give it beside the capture, with --keylog"
_NOT = "give the file that tcpdump, Wireshark or the appliance wrote (pcap or pcapng)"


@dataclass(frozen=True, slots=True)
class Foreign:
    """A format by the bytes at its start; the hint holds ``{path}``."""

    magic: bytes
    name: str
    hint: str = _EDITCAP


FORMATS = (
    Foreign(b"GMBU", "a Microsoft Network Monitor 2 capture"),
    Foreign(b"RTSS", "a Microsoft Network Monitor 1 capture"),
    Foreign(b"TRSNIFF data", "a Sniffer (DOS) capture"),
    Foreign(b"XCP\0", "a NetXRay or Windows Sniffer capture"),
    Foreign(b"iptrace 1.0", "an AIX iptrace capture"),
    Foreign(b"iptrace 2.0", "an AIX iptrace capture"),
    Foreign(b"ObserverPktBuffe", "a Network Instruments Observer capture"),
    Foreign(b"btsnoop\0", "a Bluetooth btsnoop capture"),
    Foreign(b"\x7fver", "an EtherPeek or OmniPeek capture"),
    Foreign(b"5VIEW", "an InfoVista 5View capture"),
    Foreign(b"\xaa\xaa\xaa\xaa", "an InfoVista 5View capture"),
    Foreign(b"\x00\x00\x02\x00\x12\x05\x00\x10", "a Tektronix K12 capture"),
    Foreign(b"vwr", "an Ixia IxVeriWave capture"),
    Foreign(b"\x00\x00\x00\x01\x00\x00\x00\x00\x00\x07\xd0\x00", "an HP-UX nettl trace"),
    Foreign(b"PK\x05\x06", "an empty zip archive", _NOT),
    Foreign(b"Rar!", "a RAR archive", "unpack it first"),
    Foreign(b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it first"),
    Foreign(b"\x1f\x9d", "a file packed by 'compress'", "unpack it with 'uncompress {path}'"),
    Foreign(b"%PDF", "a PDF document", _NOT),
    Foreign(b"\x7fELF", "a program", _NOT),
    Foreign(b"-----BEGIN CERTIFICATE", "a certificate in PEM", _CERTS),
    Foreign(b"-----BEGIN", "a PEM file", _PEM),
    Foreign(b"CLIENT_RANDOM ", "a key log", _KEY_LOG),
    Foreign(b"# SSL/TLS secrets log file", "a key log", _KEY_LOG),
    Foreign(b"\x89PNG", "a picture", _NOT),
)


def recognise(head: bytes) -> Foreign:
    """Name what a file is that no reader takes, by its first 4 KiB or less."""
    for known in FORMATS:
        if head.startswith(known.magic):
            return known
    for test, found in _TESTS:
        if test(head):
            return found
    return Foreign(b"", "not a capture in any format that is known", _UNKNOWN)


_UNKNOWN = "if Wireshark opens it, " + _EDITCAP


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _is_nstrace(head: bytes) -> bool:
    """A record with the name of the format, whose version stands in the middle of it."""
    start = head[:64].lower()
    return b"netscaler " in start and b"performance data" in start


def _is_etl(head: bytes) -> bool:
    """Event Trace Log: WMI_BUFFER_HEADER of 72 bytes, then a SYSTEM_TRACE_HEADER."""
    if len(head) < 80:
        return False
    (size,) = struct.unpack_from("<I", head)
    return size % 1024 == 0 and 0 < size <= 1 << 24 and head[0x4A] in (1, 2) and head[0x4B] == 0xC0


def _is_erf(head: bytes) -> bool:
    """Endace ERF: little-endian time, type, flags, record length; two records that agree."""
    if len(head) < 16:
        return False
    length = int.from_bytes(head[10:12], "big")
    if not 0 < head[8] & 0x7F <= 48 or length < 16 or len(head) < length + 16:
        return False
    following = head[length : length + 16]
    first, second = (int.from_bytes(h[4:8], "little") for h in (head, following))
    return 0 < following[8] & 0x7F <= 48 and abs(second - first) < 3600 and first > 1 << 28


def _is_tcpdump_text(head: bytes) -> bool:
    return _is_text(head) and (b" IP " in head or b" IP6 " in head or b"Flags [" in head)


def _is_markup(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<"


def _is_text(head: bytes) -> bool:
    start = head[:512]
    return len(start) > 1 and all(byte in b"\t\n\r\f\x1b" or byte >= 32 for byte in start)


_TESTS = (
    (_is_tar, Foreign(b"", "a tar archive", "unpack it first with 'tar -xf {path}'")),
    (_is_nstrace, Foreign(b"", "a NetScaler trace (nstrace)", _NSTRACE)),
    (_is_etl, Foreign(b"", "a Windows event trace (ETL)", _ETL)),
    (_is_erf, Foreign(b"", "an Endace ERF capture")),
    (_is_markup, Foreign(b"", "an HTML or XML document", _NOT)),
    (_is_tcpdump_text, Foreign(b"", "the printed text of packets, not packets", _TCPDUMP)),
    (_is_text, Foreign(b"", "a text", _TEXT)),
)

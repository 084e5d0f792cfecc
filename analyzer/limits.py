"""Every bound of the program and its default. Reaching one is a caveat in the report.

The values bound memory and time on hostile input; none of them is reached by a handshake that a
real stack would complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Packets of a time before SSL 2.0 (1995-01-01, ns since the epoch) come from something without a clock.
FIRST_SSL: Final = 788_918_400_000_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Named bounds. Sizes are bytes, counts are items."""

    block_packets: int = 16_384  # packets in one block of columns
    block_bytes: int = 8 << 20  # bytes of capture read at a time
    packet_bytes: int = 1 << 24  # a longer record means that the file is damaged
    unpacking_bytes: int = 96 << 20  # memory of a decompressor, which the file asks for; xz -9: 65
    half_opening: int = 8 << 10  # payload kept per direction before asking what it speaks
    half_bytes: int = 24 << 10  # payload kept per direction of TLS once application data flows
    half_bytes_most: int = 1 << 20  # payload kept per direction while a handshake still runs
    events: int = 64  # SYN, FIN and RST kept per connection
    icmp_errors: int = 8  # kept per connection
    linger: int = 2_000_000_000  # ns that a closed connection waits for late packets, given room
    open_connections: int = 8_192  # followed at a time; beyond, first the closed are told
    open_bytes: int = 32 << 20  # payload kept of all of them; beyond, as above
    remembered: int = 4_000_000  # connections let go whose late packets are known again
    message_bytes: int = 1 << 20  # a longer handshake message is not reassembled
    records: int = 8_192  # of TLS, per direction of a connection
    messages: int = 400  # per connection
    certificates: int = 64  # per Certificate message
    signature_letters: int = 200  # of a handshake told in letters
    full_stories: int = 500  # connections that went well told in full; those after, in short
    shared_bytes: int = 16 << 20  # of captures, from which on other processes are started to help
    held_stories: int = 1_000  # stories that wait for what the rest of the capture shows
    surveyed: int = 50_000  # endpoints, and pairs of them, whose connections are counted
    failing_hosts: int = 4_096  # whose failures are kept; of a flood of SYNs every client is one
    extracted: int = 1_000  # connections in one extract
    extract_packets: int = 2_000  # of one connection, and each side's last
    extract_bytes: int = 64 << 20  # payload in one extract
    fragments: int = 1_024  # IP datagrams being reassembled at a time
    export_bytes: int = 512 << 20  # of one configuration export, archives unpacked
    export_ratio: int = 250  # a member of an archive that grows more than this is a bomb
    export_members: int = 20_000  # files in one archive
    export_nesting: int = 3  # archives within archives
    export_depth: int = 64  # elements within elements
    export_objects: int = 200_000  # configuration objects of all domains together
    log_bytes: int = 1 << 30  # of one log file of a gateway, unpacked
    log_line_bytes: int = 16 << 10  # of one line of it; the rest of a longer one is left out
    log_entries: int = 300_000  # kept of all logs; beyond, those that say nothing of TLS go first
    log_members: int = 1_000  # log files in one archive, or sections in one error report
    log_section_bytes: int = 64 << 20  # of one section of an error report
    log_lines_told: int = 40  # log lines told of one connection
    certificate_file_bytes: int = 4 << 20  # of one file in a folder of certificates
    certificate_files: int = 10_000  # read from such a folder
    secrets: int = 250_000  # connections whose secrets are kept, the latest of the key logs
    expectation_bytes: int = 16 << 20  # of one file of expectations
    report_bytes: int = 512 << 20  # of an earlier report
    template_bytes: int = 1 << 20  # of one template


DEFAULT = Limits()

"""What is known of a capture as a whole, and the notes that reading it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analyzer.capture.block import Mask, PacketBlock
from analyzer.capture.linktypes import UNDESCRIBED, link_name
from analyzer.capture.window import Window

_NAMED = 3  # files of an archive that a caveat names


@dataclass(frozen=True, slots=True)
class DecryptionSecrets:
    """A Decryption Secrets Block of a pcapng file, as it is (draft-ietf-opsawg-pcapng 4.7)."""

    type: int  # 0x544c534b: lines of an NSS key log
    data: bytes


@dataclass(frozen=True, slots=True)
class CaptureFacts:
    """The summary of a capture; times are ns since the epoch, UTC."""

    path: str
    format: str  # 'pcap', 'pcapng' or 'snoop'
    compression: str  # 'gzip' and the like; empty without
    link_types: tuple[str, ...]  # names, in order of first appearance
    packets: int
    bytes: int  # sum of lengths on the wire: what capinfos calls "Data size"
    first_packet: int | None  # the earliest time, which need not be the first frame's
    last_packet: int | None
    snap_lengths: tuple[int, ...]  # those that interfaces state, in order of first appearance
    drops: int  # as the capturing program counted them
    secrets: tuple[DecryptionSecrets, ...]
    caveats: tuple[str, ...]  # one sentence each


@dataclass(slots=True)
class Notes:
    """What readers and the dissector write down while they work."""

    link_types: dict[int, None] = field(default_factory=dict)  # ordered set
    snap_lengths: dict[int, None] = field(default_factory=dict)
    drops: dict[object, int] = field(default_factory=dict)  # latest count of each interface
    secrets: list[DecryptionSecrets] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)
    packets: int = 0  # rows given out
    frames: int = 0  # last frame number; pcapng numbers some records that are no packets
    bytes: int = 0
    cut: int = 0  # packets that the snap length cut
    copies: int = 0  # segments that were captured a second time
    damage: int | None = None  # offset in the file of what cannot be true
    first: int | None = None
    last: int | None = None

    def count(self, block: PacketBlock, timed: Mask | None = None) -> None:
        """Add a block to the sums; *timed* tells which packets have a time of their own."""
        self.packets += len(block.frame)
        self.frames = int(block.frame[-1])
        self.bytes += int(block.wire.sum())
        self.cut += int(np.count_nonzero(block.end - block.begin < block.wire))
        if (block.link_type == UNDESCRIBED).any():
            self.link_types.setdefault(UNDESCRIBED)
        times = block.time if timed is None else block.time[timed]
        if len(times):
            first, last = int(times.min()), int(times.max())
            self.first = first if self.first is None else min(self.first, first)
            self.last = last if self.last is None else max(self.last, last)

    def beside(self, others: Sequence[str], rest: Sequence[str]) -> None:
        """Say what else an archive holds: captures that are not read, and files that are none."""
        if others:
            self.caveats.append(
                f"The archive holds other captures, which are not read: {_some(others)}; unpack it "
                "and name all files."
            )
        if rest:
            self.caveats.append(f"The archive also holds what is no capture: {_some(rest)}.")

    def damaged(self, offset: int, what: str) -> None:
        """Write down why nothing after *offset* is read."""
        self.damage = offset
        where = f"in frame {self.frames + 1:,}, at byte {offset:,}"
        self.caveats.append(f"The file is damaged {where}: {what}; nothing after it is read.")

    def ended(self, window: Window, at: int) -> None:
        """Say what the end of the file lacks, if anything; *at* is where records end."""
        where = f"in frame {self.frames + 1:,}, at byte {window.origin + at:,}"
        if window.damage is not None:
            why = f"The compressed data is damaged {where} ({window.damage})"
            self.caveats.append(f"{why}; nothing after it is read.")
        elif at < window.filled:
            self.caveats.append(f"The file ends {where}: that packet is cut and not read.")

    def link_names(self) -> tuple[str, ...]:
        """Name the link types in order of first appearance; some numbers share a name."""
        return tuple(dict.fromkeys(link_name(number) for number in self.link_types))

    def sentences(
        self, unknown_links: Mapping[int, int], incomplete: int, unread_errors: int
    ) -> tuple[str, ...]:
        """All caveats, those of the file first; what the dissector counted comes last."""
        found = list(self.caveats)
        if self.cut:
            found.append(f"The snap length cut {_packets(self.cut)}; their last bytes are missing.")
        if self.copies:
            found.append(
                f"{_packets(self.copies).capitalize()} with TCP were captured twice, as on a bond "
                "and its members; each was counted once."
            )
        drops = sum(self.drops.values())
        if drops:
            found.append(f"The capturing program reports that it dropped {_packets(drops)}.")
        found += [
            f"The contents of {_packets(count)} with link type {link_name(number)} are not understood."
            for number, count in unknown_links.items()
        ]
        if incomplete:
            plural = "s" if incomplete > 1 else ""
            found.append(f"Fragments of {incomplete} IP datagram{plural} are missing.")
        if unread_errors:
            found.append(f"Of a storm of ICMP errors, {unread_errors:,} are not read.")
        return tuple(found)


def _packets(count: int) -> str:
    return "1 packet" if count == 1 else f"{count:,} packets"


def _some(names: Sequence[str]) -> str:
    """Name the first of some files, and say how many more there are."""
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED:,} more" if len(names) > _NAMED else shown

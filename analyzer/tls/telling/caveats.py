"""What a capture hides of a connection, in sentences for the reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from analyzer.tcp.timeline import Side, Timeline
from analyzer.tls.story import HIDDEN

OUT_OF_ORDER: Final = (
    "packets stand in another order in the capture than they were sent in: "
    "their acknowledgments tell the order, and times are the latest that fit it"
)
_BYTES_OF: Final[Mapping[str, Side]] = {"client_bytes": Side.CLIENT, "server_bytes": Side.SERVER}


def hidden_parts(hidden: frozenset[str], timeline: Timeline) -> Iterator[str]:
    """Tell the parts that are hidden, names of :data:`~analyzer.tls.story.HIDDEN`."""
    for name, sentence in HIDDEN.items():
        if name in hidden:
            side = _BYTES_OF.get(name)
            yield sentence if side is None else _missing(sentence, side, timeline)


def _missing(sentence: str, side: Side, timeline: Timeline) -> str:
    """How many bytes of a side are missing, and who lost them, as far as acknowledgments prove it.

    A hole at the end of a direction is known by the peer's acknowledgment or by FIN, not by a gap.
    """
    gaps = [gap for gap in timeline.gaps[side] if gap.kind == "lost"]
    total = sum(gap.length for gap in gaps)
    if not total:
        return sentence
    by_capture = sum(gap.length for gap in gaps if gap.acknowledged)
    by_network = sum(gap.length for gap in gaps if gap.acknowledged is False)
    peer = side.peer.value
    parts = [
        f"{by_capture:,} lost by the capture (the {peer} acknowledged them)" if by_capture else "",
        f"{by_network:,} lost on the network (the {peer} never acknowledged them)"
        if by_network
        else "",
    ]
    reasons = ", ".join(part for part in parts if part)
    return f"{total:,} {sentence}" + (f": {reasons}" if reasons else "")


def conflicting(timeline: Timeline) -> Iterator[str]:
    """Tell of bytes that came twice and differed."""
    for side, count in timeline.conflicts.items():
        if count:
            segments = "1 segment repeats" if count == 1 else f"{count:,} segments repeat"
            yield f"{segments} bytes of the {side.value} with other contents: the first copy counts"

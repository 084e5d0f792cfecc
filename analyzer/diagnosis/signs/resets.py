"""Whether a reset was sent by the host that it names, or by a device in between."""

from __future__ import annotations

from typing import Final

from analyzer.diagnosis.model import Evidence
from analyzer.tcp.evidence import ACK
from analyzer.tls.story import Story, Way

_TTL_APART: Final = 2  # hops by which routes of one host may differ


def injected(story: Story) -> Evidence | None:
    """What shows that the RST by which a story ends came from somebody else; None without."""
    if story.ending.way is not Way.RST or story.ending.side is None:
        return None
    sender = story.ending.side.value
    outlived = story.timeline.rst_outlived
    if outlived is not None:
        return Evidence(
            outlived, f"the {sender} went on after the RST, which it did not send, then"
        )
    pair = story.timeline.rst_ttl
    if pair is None or abs(pair[0] - pair[1]) <= _TTL_APART:
        return None
    if _hops(pair[0]) == _hops(pair[1]):
        return None
    text = f"the RST has TTL {pair[0]}, the {sender}'s other packets have {pair[1]}"
    return Evidence(story.ending.frame, text)


def strays(story: Story) -> bool:
    """Whether somebody else may have sent the RST by which a story ends: no judgement is read from it then.

    That accuses nobody, and takes less than :func:`injected`: a device beside the sender is one hop off.
    """
    if story.ending.way is not Way.RST:
        return False
    pair = story.timeline.rst_ttl
    detour = pair is not None and _hops(pair[0]) != _hops(pair[1])
    return detour or injected(story) is not None


def only_answers(story: Story) -> bool:
    """Whether the RST by which a story ends has no acknowledgment.

    So a host answers a packet for a connection that it no longer has (RFC 9293 section 3.10.7.1), or a
    device in between; who gives a connection up itself acknowledges what it has received.
    """
    closed = story.timeline.closed_first
    return story.ending.way is Way.RST and closed is not None and not closed[1].flags & ACK


def _hops(ttl: int) -> int:
    """How far a packet has come; stacks may send RSTs with another initial TTL than data."""
    return next(initial for initial in (32, 64, 128, 255) if ttl <= initial) - ttl
